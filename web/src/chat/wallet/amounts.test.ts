import { expect, test } from "vitest";

import { directionOf, ether, shortAddress, shortAmount, statusWords } from "./amounts.ts";

test.each([
  ["0", "0"],
  ["1", "1"],
  ["1.500000", "1.5"],
  ["1234567.1234567", "1,234,567.123456"],
  ["0.0000001", "< 0.000001"],
  ["2.0000001", "2"],
  ["0.000", "0"],
  ["123456789012345678901234567890.5", "123,456,789,012,345,678,901,234,567,890.5"],
])("%s is shown as %s", (amount, shown) => {
  expect(shortAmount(amount)).toBe(shown);
});

test.each([
  ["0", "0"],
  ["1", "0.000000000000000001"],
  ["1000000000000000000", "1"],
  ["1500000000000000000", "1.5"],
  ["123456789012345678901", "123.456789012345678901"],
  ["odd", "odd"],
])("%s wei are %s ether", (wei, shown) => {
  expect(ether(wei)).toBe(shown);
});

test("a transaction goes in, out or between one's own, however its addresses are written", () => {
  const own = new Set(["0xaa", "0xbb"]);
  expect(directionOf({ from: "0xAA", to: "0xcc" }, own)).toBe("out");
  expect(directionOf({ from: "0xcc", to: "0xAa" }, own)).toBe("in");
  expect(directionOf({ from: "0xaa", to: "0xBB" }, own)).toBe("between");
  expect(directionOf({ from: "0xaa", to: null }, own)).toBe("out");
});

test("how far a transaction is", () => {
  expect(statusWords({ status: "pending", confirmations: 0 })).toBe("Pending");
  expect(statusWords({ status: "confirmed", confirmations: 1 })).toBe("Confirmed");
  expect(statusWords({ status: "confirmed", confirmations: 12 })).toBe("Confirmed by 12 blocks");
  expect(statusWords({ status: "reorged", confirmations: 0 })).toBe("Reorganised away");
});

test("an address shows its ends", () => {
  expect(shortAddress("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")).toBe("0x5aAeb6…1BeAed");
});
