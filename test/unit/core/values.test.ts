import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chunk, groupBy } from "../../../core/values/group-by.ts";
import { backoffMs } from "../../../core/values/retry.ts";
import { continueTrace } from "../../../core/values/trace-context.ts";

const hex = (bytes: number) => "ab".repeat(bytes);
const traceparent = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const hexOf = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const nonZero = (length: number) => hexOf(length).filter((text) => !/^0+$/.test(text));

describe("continueTrace", () => {
  test("keeps a valid trace and its flags, under a parent of its own", () => {
    fc.assert(
      fc.property(nonZero(32), nonZero(16), hexOf(2), (traceId, parentId, flags) => {
        const trace = continueTrace(`00-${traceId}-${parentId}-${flags}`, hex);
        expect(trace).toEqual({
          ...{ traceId, spanId: hex(8), parentId, kept: Number.parseInt(flags, 16) % 2 === 1 },
          traceparent: `00-${traceId}-${hex(8)}-${flags}`,
        });
      }),
    );
  });

  test("starts a new one for whatever else it is given", () => {
    const others = fc.oneof(
      fc.constant(undefined),
      fc.string(),
      hexOf(32).map((id) => `00-${id}-${"0".repeat(16)}-01`),
      hexOf(16).map((id) => `00-${"0".repeat(32)}-${id}-01`),
      nonZero(32).map((id) => `01-${id}-${hex(8)}-01`),
      nonZero(32).map((id) => `00-${id.toUpperCase()}Z-${hex(8)}-01`),
      nonZero(32).map((id) => `00-${id}-${hex(8)}-01\n`),
    );
    fc.assert(
      fc.property(others, (header) => {
        const trace = continueTrace(header, hex);
        expect(trace.traceId).toBe(hex(16));
        expect(trace.traceparent).toMatch(traceparent);
      }),
    );
  });
});

describe("backoffMs", () => {
  const settings = fc.record({ baseMs: fc.integer({ min: 1, max: 500 }), capMs: fc.nat(60_000) });
  const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  test("lies between nothing and the ceiling, which doubles up to its cap", () => {
    fc.assert(
      fc.property(fc.nat(60), settings, chances, (attempt, backoff, chance) => {
        const delayMs = backoffMs(attempt, backoff, () => chance);
        expect(Number.isInteger(delayMs) && delayMs >= 0).toBe(true);
        expect(delayMs).toBeLessThanOrEqual(Math.min(backoff.capMs, backoff.baseMs * 2 ** attempt));
      }),
    );
  });

  test("uses the whole of it, so that rivals spread out", () => {
    const backoff = { baseMs: 20, capMs: 2_000 };
    expect(backoffMs(3, backoff, () => 0)).toBe(0);
    expect(backoffMs(3, backoff, () => 0.999_999)).toBe(159);
    expect(backoffMs(30, backoff, () => 0.999_999)).toBe(1_999);
  });
});

describe("groupBy and chunk", () => {
  test("keep every item once, in order", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.integer({ min: 1, max: 9 }), (items, size) => {
        expect(chunk(items, size).flat()).toEqual(items);
        expect(chunk(items, size).every((part) => part.length > 0 && part.length <= size)).toBe(
          true,
        );
        const groups = groupBy(items, (item) => item % size);
        for (const [key, group] of groups) {
          expect(group).toEqual(items.filter((item) => item % size === key));
        }
      }),
    );
  });
});
