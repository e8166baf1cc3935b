import { describe, expect, it } from "vitest";

import { listed } from "./accounts.tsx";
import { mixed, shownSpan, upon } from "./Chart.tsx";
import { inWords } from "./ListFrame.tsx";
import { ApiProblem } from "./api.ts";
import { linkTo, parseRoute } from "./route.ts";
import { bySection } from "./sections/Config.tsx";
import { detailText } from "./sections/Audit.tsx";
import { filterAccounts } from "./sections/Users.tsx";
import { holds } from "./session.ts";
import type { ConfigKey, Explanation } from "./shapes.ts";
import {
  bytes,
  configValue,
  explanation,
  filterConfig,
  milliseconds,
  moment,
  rate,
  share,
  shortHash,
  span,
} from "./words.ts";

const key = (name: string, otherwise: Partial<ConfigKey> = {}): ConfigKey => ({
  key: name,
  value: 1,
  from: "default",
  source: null,
  about: "",
  ...otherwise,
});

describe("numbers in words", () => {
  it.each([
    [() => span(0), "0 s"],
    [() => span(59), "59 s"],
    [() => span(61), "1 min 1 s"],
    [() => span(3600), "1 h"],
    [() => span(90_061), "1 d 1 h"],
    [() => bytes(0), "0 B"],
    [() => bytes(2048), "2.0 KiB"],
    [() => bytes(null), "–"],
    [() => milliseconds(0.5), "0.50 ms"],
    [() => milliseconds(1500), "1.5 s"],
    [() => rate(3.25), "3.3"],
    [() => rate(1234.4), "1,234"],
    [() => rate(null), "–"],
  ])("case %#", (said, words) => expect(said()).toBe(words));

  it("name the day where it is not today", () => {
    const now = new Date(2026, 10, 23, 12, 0, 0);
    expect(moment(new Date(2026, 10, 23, 9, 5, 0).toISOString(), now)).toBe("09:05:00");
    expect(moment(new Date(2026, 10, 22, 9, 5, 0).toISOString(), now)).toBe("2026-11-22 09:05:00");
  });
});

describe("the configuration", () => {
  it("shows of a secret only whether it is set", () => {
    expect(configValue(key("auth.secret", { value: "leaked", secret: true, set: true }))).toBe(
      "set, not shown",
    );
    expect(configValue(key("auth.secret", { value: null, secret: true, set: false }))).toBe(
      "not set",
    );
  });

  it("is filtered by every word, in any field", () => {
    const keys = [
      key("limits.message_bytes", { about: "Largest message" }),
      key("server.listen", { from: "flag" }),
    ];
    expect(filterConfig(keys, "LARGEST limits", false)).toEqual([keys[0]]);
    expect(filterConfig(keys, "", true)).toEqual([keys[1]]);
  });

  it("is grouped by the first word of a key", () => {
    const groups = bySection([
      key("auth.secret"),
      key("auth.issuers[0].name"),
      key("webhooks[0].url"),
    ]);
    expect(groups.map(([name, keys]) => [name, keys.length])).toEqual([
      ["auth", 2],
      ["webhooks", 1],
    ]);
  });
});

describe("a decision", () => {
  const told = (otherwise: Partial<Explanation>): Explanation => ({
    user: "bob",
    permission: "chat:send",
    channel: null,
    allowed: true,
    rule: "role",
    role: "user",
    grant: "chat:send",
    membership: null,
    certain: true,
    detail: "",
    ...otherwise,
  });

  it("says by which role it is granted", () => {
    expect(explanation(told({}))).toEqual({
      verdict: "bob may use chat:send.",
      because: "The role user grants it.",
      change: null,
    });
  });

  it("says which wider grant covers it", () => {
    const { because } = explanation(
      told({ rule: "permission", grant: "admin", membership: "room.any" }),
    );
    expect(because).toBe(
      "A permission of the user's own grants “admin”, which covers it and room.any opens every room.",
    );
  });

  it("says what would change a denial", () => {
    const denied = explanation(
      told({ allowed: false, rule: "not_a_member", channel: "room:x", membership: "none" }),
    );
    expect(denied.verdict).toBe("bob may not use chat:send in room:x.");
    expect(denied.change).toContain("Invite");
    expect(explanation(told({ allowed: false, rule: "not_granted" })).change).toContain("role");
    expect(explanation(told({ allowed: false, rule: "disabled" })).change).toContain("Enable");
  });
});

describe("routes", () => {
  it("carry what is in a path and a query, whatever its letters", () => {
    const link = linkTo("topics", ["a/b", "c d"], { issuer: "own", anonymous: "" });
    const route = parseRoute(link);
    expect([
      route.section,
      route.rest,
      route.query.get("issuer"),
      route.query.get("anonymous"),
    ]).toEqual(["topics", ["a/b", "c d"], "own", null]);
  });

  it("fall back to the overview", () => {
    expect(parseRoute("").section).toBe("overview");
    expect(parseRoute("#/%E0%A4%A/x").section).toBe("overview");
  });
});

describe("permissions", () => {
  it("are held as they are, by a pattern, or by admin", () => {
    expect(holds(["system.monitor"], "system.monitor")).toBe(true);
    expect(holds(["admin"], "server.disconnect")).toBe(true);
    expect(holds(["topic.publish:orders.*"], "topic.publish")).toBe(true);
    expect(holds(["system.monitoring"], "system.monitor")).toBe(false);
  });
});

describe("small things", () => {
  it("are listed once each", () => expect(listed("a, b  a,,c")).toEqual(["a", "b", "c"]));

  it("stack lines with the highest first", () => {
    const lines = [
      { label: "a", values: [1, 2] },
      { label: "b", values: [10, null] },
    ];
    expect(upon(lines)).toEqual([
      [11, 2],
      [1, 2],
    ]);
  });

  it("show two minutes at least and ten at most", () => {
    expect(shownSpan(1000, 1010)).toEqual([890, 1010]);
    expect(shownSpan(1000, 1300)).toEqual([1000, 1300]);
    expect(shownSpan(0, 1300)).toEqual([700, 1300]);
  });

  it("mix colours, as they are written or shortened", () => {
    expect(mixed("#ff0000", "#ffffff")).toBe("rgb(255 191 191)");
    expect(mixed("#f00", "#fff")).toBe("rgb(255 191 191)");
  });

  it("write details as names and values", () => {
    expect(detailText({ reason: "expired", limit: 3 })).toBe("reason: expired, limit: 3");
    expect(detailText(null)).toBe("");
    expect(detailText("as it is")).toBe("as it is");
  });

  it("filter users by role and state", () => {
    const users = [
      { name: "a", roles: ["admin"], permissions: [], disabled: false },
      { name: "b", roles: [], permissions: [], disabled: true },
    ];
    expect(filterAccounts(users, "DISABLED").map(({ name }) => name)).toEqual(["b"]);
    expect(filterAccounts(users, "adm").map(({ name }) => name)).toEqual(["a"]);
  });

  it("say that a call is missing, and a problem as a sentence", () => {
    expect(inWords(new ApiProblem(404, "not_found", "there is nothing at this path"))).toContain(
      "does not have this call",
    );
    expect(inWords(new ApiProblem(400, "bad_request", "search: too long"))).toBe(
      "Search: too long.",
    );
  });
});

describe("feeds", () => {
  it("gives parts of a whole in percent", () => {
    expect([share(1, 3), share(0, 64), share(0, 0)]).toEqual(["33 %", "0 %", "–"]);
  });

  it("shows the ends of a hash", () => {
    const hash = `0x${"ab".repeat(32)}`;
    expect(shortHash(hash)).toBe("0xabababab…ababab");
    expect(shortHash("0x12")).toBe("0x12");
  });
});
