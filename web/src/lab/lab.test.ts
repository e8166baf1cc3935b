import { describe, expect, it } from "vitest";

import { decode, distance, inWords } from "./claims.ts";
import { explainClose, explainError } from "./closeCodes.ts";
import { withOtherSignature, withoutSignature } from "./trial.ts";
import { commands, gist, payloadOf, read } from "./wire.ts";

const NOW = 1_800_000_000;
const GOOD = { sub: "user", iat: NOW - 10, exp: NOW + 3600 };

function token(
  claims: object,
  header: object = { alg: "HS256", typ: "JWT" },
  signature = "c2ln",
): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(claims)}.${signature}`;
}

const wrong = (text: string) =>
  decode(text, NOW)
    .findings.filter(({ tone }) => tone === "bad")
    .map(({ text: said }) => said)
    .join(" ");

describe("a token", () => {
  it("without a fault is said to have none that can be seen", () => {
    const { claims, findings } = decode(token({ ...GOOD, name: "Zoë" }), NOW);
    expect(claims).toMatchObject({ sub: "user", name: "Zoë" });
    expect(findings.map(({ tone }) => tone)).toEqual(["good"]);
  });

  it.each([
    ["ended", token({ ...GOOD, exp: NOW - 7200 }), "It ended 2 hours ago"],
    ["never ends", token({ sub: "user" }), "exp is missing"],
    ["not yet", token({ ...GOOD, nbf: NOW + 120 }), "does not count before in 2 minutes"],
    ["nobody's", token({ exp: NOW + 10 }), "sub is missing"],
    ["time as text", token({ ...GOOD, exp: "tomorrow" }), "exp is not a number"],
    ["milliseconds", token({ ...GOOD, exp: NOW * 1000 }), "milliseconds"],
    ["unsigned", token(GOOD, { alg: "none" }, ""), "anybody could have written it"],
    ["own key", token(GOOD, { alg: "RS256", jwk: {} }), "brings a key of its own (jwk)"],
    ["unknown algorithm", token(GOOD, { alg: "HS1" }), "does not know the algorithm HS1"],
    ["two parts", "a.b", "this has 2"],
    ["encrypted", "a.b.c.d.e", "encrypted"],
    ["no JSON", "!.e30.x", "first part is not base64url"],
    ["an array", `${Buffer.from("[]").toString("base64url")}.e30.x`, "first part"],
    ["with Bearer", `Bearer ${token(GOOD)}`, "Bearer"],
    ["too long", token({ ...GOOD, name: "x".repeat(9000) }), "at most 8192"],
    ["pending", token({ ...GOOD, sts: "pending" }), "pending"],
  ])("%s", (_name, text, said) => expect(wrong(text)).toContain(said));

  it("can be spoilt in two ways", () => {
    const spoilt = withOtherSignature(token(GOOD));
    expect(spoilt).not.toBe(token(GOOD));
    expect(decode(spoilt, NOW).claims).toEqual(GOOD);
    expect(wrong(withoutSignature(token(GOOD)))).toContain("not signed");
  });
});

describe("claims in words", () => {
  it("give times as dates and distances", () => {
    expect(inWords("exp", NOW + 3600, NOW)).toBe("2027-01-15 09:00:00 UTC, in 1 hour");
    expect(inWords("sid", "s", NOW)).toContain("session");
    expect(inWords("colour", "red", NOW)).toBeNull();
    expect(distance(NOW - 1, NOW)).toBe("1 second ago");
    expect(distance(NOW + 3599, NOW)).toBe("in 1 hour");
    expect(distance(NOW + 3569, NOW)).toBe("in 59 minutes");
    expect(distance(NOW, NOW)).toBe("0 seconds ago");
  });
});

describe("closes", () => {
  it("are explained by their reason, else by their code", () => {
    expect(explainClose(1008, "Invalid or expired token")).toContain("Sign in for a new one");
    expect(explainClose(1008, "kicked: too loud")).toContain("rules");
    expect(explainClose(4999, "")).toContain("application");
    expect(explainError("rate_limited")).toContain("Too many");
  });
});

describe("frames", () => {
  it("are told apart", () => {
    expect(read('{"type":"ack","command":"subscribe","topic":"T"}')).toEqual({
      kind: "ack",
      command: "subscribe",
      topic: "T",
    });
    expect(
      read('{"topic":"T","payload":{"a":1},"publisher_name":"N","session_id":"S","user":null}'),
    ).toEqual({
      kind: "message",
      topic: "T",
      payload: { a: 1 },
      from: "N",
      session: "S",
    });
    expect(
      read('{"type":"x","topic":"T","payload":1,"user":"u","timestamp":1.5,"requestId":"r"}').kind,
    ).toBe("broadcast");
    expect(read("pong").kind).toBe("other");
    expect(read("[1]").kind).toBe("other");
  });

  it("are said in one line", () => {
    expect(
      gist('{"type":"error","code":"forbidden","message":"no","command":"subscribe","topic":"T"}'),
    ).toBe("refused subscribe: forbidden. no");
    expect(gist('{"type":"test","user":"u","timestamp":1.5,"requestId":"r"}')).toBe(
      'broadcast by u: {"type":"test"}',
    );
    expect(gist("pong")).toBeNull();
  });

  it("carry payloads as text or JSON", () => {
    expect(payloadOf("1", false)).toBe("1");
    expect(payloadOf('{"a":[1]}', true)).toEqual({ a: [1] });
    expect(() => payloadOf("{", true)).toThrow("This is not JSON");
    expect(commands.subscribe("T", "S")).toBe("subscribe:T|S");
    expect(
      JSON.parse(commands.publish("N", "T", { a: 1 }).slice("publish-json:".length)),
    ).toMatchObject({ publisher_name: "N", topic: "T", payload: { a: 1 } });
  });
});
