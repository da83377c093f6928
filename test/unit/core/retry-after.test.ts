import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { retryAfterOf } from "../../../core/outbound/retry-after.ts";

const nowMs = Date.parse("2028-02-29T12:00:00Z");

describe("Retry-After", () => {
  test.each([
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7_000],
    ["Tue, 29 Feb 2028 12:01:00 GMT", 60_000],
    ["Tue, 29 Feb 2028 11:00:00 GMT", 0],
  ])("%j is heard", (header, waitMs) => {
    expect(retryAfterOf(header, nowMs)).toBe(nowMs + waitMs);
  });

  test.each([
    undefined,
    "",
    "-1",
    "1.5",
    "1e9",
    "soon",
    "9999999999",
    "2028-02-29T12:01:00Z",
    "Tue, 31 Foo 2028 12:01:00 GMT",
  ])("%j says nothing", (header) => {
    expect(retryAfterOf(header, nowMs)).toBeUndefined();
  });

  test("whatever is sent, it is a time that is not past, or nothing", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.date().map(String)), (header) => {
        const atMs = retryAfterOf(header, nowMs);
        if (atMs !== undefined) expect(atMs).toBeGreaterThanOrEqual(nowMs);
      }),
    );
  });
});
