import { describe, expect, it, vi } from "vitest";

import { Api, ApiProblem, nextOf, Pace, withQuery } from "./api.ts";
import { filledPage } from "./useList.ts";
import { readOn } from "./useAudit.ts";

describe("calls", () => {
  const tokens = () => ({ token: vi.fn().mockResolvedValue("t"), invalidate: vi.fn() });
  const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
    new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
  const unpaced = () =>
    new Pace(
      1000,
      () => 0,
      () => Promise.resolve(),
    );

  it("fail with the words of the problem", async () => {
    const send = vi
      .fn()
      .mockResolvedValue(answer(403, { code: "forbidden", detail: "needs system.monitor" }));
    const api = new Api(tokens(), () => {}, unpaced(), send);
    await expect(api.get("/api/v1/figures")).rejects.toEqual(
      new ApiProblem(403, "forbidden", "needs system.monitor"),
    );
  });

  it("are asked again once with a new token, then the session is over", async () => {
    const send = vi
      .fn()
      .mockImplementation(() =>
        Promise.resolve(answer(401, { code: "unauthenticated", detail: "no" })),
      );
    const held = tokens();
    const ended = vi.fn();
    await expect(new Api(held, ended, unpaced(), send).get("/x")).rejects.toThrow("no");
    expect(held.invalidate).toHaveBeenCalledOnce();
    expect(send).toHaveBeenCalledTimes(2);
    expect(ended).toHaveBeenCalledOnce();
  });

  it("tell which nodes did not answer and where the list goes on", async () => {
    const headers = {
      link: '</api/v1/rooms?limit=1&after=a>; rel="next"',
      "conclave-silent-nodes": "b, c",
    };
    const send = vi.fn().mockResolvedValue(answer(200, [1], headers));
    const page = await new Api(tokens(), () => {}, unpaced(), send).list("/api/v1/rooms");
    expect(page).toEqual({ items: [1], next: "/api/v1/rooms?limit=1&after=a", silent: ["b", "c"] });
  });

  it("carry the token in a header only", async () => {
    const send = vi.fn().mockResolvedValue(answer(204, null));
    await new Api(tokens(), () => {}, unpaced(), send).act("DELETE", "/api/v1/users/u");
    const [url, init] = send.mock.calls[0] as [string, RequestInit];
    expect(url).toBe("/api/v1/users/u");
    expect(new Headers(init.headers).get("authorization")).toBe("Bearer t");
  });
});

describe("the link header", () => {
  it("is read by its relation", () => {
    expect(
      nextOf(
        '<https://a.example/x?after=1>; rel="prev", <https://a.example/x?after=2>; rel="next"',
      ),
    ).toBe("/x?after=2");
    expect(nextOf('</x>; rel="prev"')).toBeNull();
    expect(nextOf(null)).toBeNull();
  });
});

describe("queries", () => {
  it("leave out what is empty and escape the rest", () => {
    expect(withQuery("/x", { search: "a&b", user: "", before: null })).toBe("/x?search=a%26b");
    expect(withQuery("/x", { search: "" })).toBe("/x");
  });
});

describe("the pace", () => {
  it("lets a burst go and spreads the rest", async () => {
    const waits: number[] = [];
    const pace = new Pace(
      4,
      () => 0,
      (ms) => (waits.push(ms), Promise.resolve()),
    );
    for (let call = 0; call < 6; call++) await pace.turn();
    expect(waits).toEqual([250, 500]);
  });
});

describe("a list", () => {
  it("is asked on while a page is empty but has a next one", async () => {
    const pages = [
      { items: [], next: "/b", silent: [] },
      { items: [7], next: "/c", silent: [] },
    ];
    const list = vi.fn().mockImplementation(() => Promise.resolve(pages.shift()));
    expect((await filledPage({ list }, "/a")).items).toEqual([7]);
    expect(list.mock.calls.map(([path]) => path)).toEqual(["/a", "/b"]);
  });
});

describe("the audit log", () => {
  it("is asked on while a step finds nothing", async () => {
    const line = { seq: 3 } as never;
    const steps = [
      { lines: [], before: 9 },
      { lines: [], before: 5 },
      { lines: [line], before: null },
    ];
    const get = vi.fn().mockImplementation(() => Promise.resolve(steps.shift()));
    const filter = { search: "x", event: "", level: "", user: "" };
    expect(await readOn({ get }, filter, null)).toEqual({ lines: [line], before: null });
    expect(get.mock.calls.map(([path]) => path)).toEqual([
      "/api/v1/audit?search=x",
      "/api/v1/audit?search=x&before=9",
      "/api/v1/audit?search=x&before=5",
    ]);
  });
});
