import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDay, parseDay, shiftOntoDay, yesterdayMs } from "../../../cli/import-log/rebase.ts";

const dayMs = 86_400_000;
const instant = fc.integer({ min: 0, max: 4_000_000_000_000 });

describe("rebase", () => {
  it("puts the latest line on yesterday and every other line before today", () => {
    fc.assert(
      fc.property(fc.array(instant, { minLength: 1 }), instant, (times, nowMs) => {
        const latestMs = Math.max(...times);
        const shiftMs = shiftOntoDay(latestMs, yesterdayMs(nowMs));
        expect(formatDay(latestMs + shiftMs)).toBe(formatDay(nowMs - dayMs));
        for (const time of times) expect(time + shiftMs).toBeLessThan(nowMs);
      }),
    );
  });

  it("moves by whole days, so that lines of one day stay together", () => {
    fc.assert(
      fc.property(instant, instant, (latestMs, nowMs) => {
        expect(Math.abs(shiftOntoDay(latestMs, yesterdayMs(nowMs)) % dayMs)).toBe(0);
      }),
    );
  });

  it("reads back the days it writes, and no others", () => {
    fc.assert(
      fc.property(instant, (ms) => {
        expect(parseDay(formatDay(ms))).toBe(Math.floor(ms / dayMs) * dayMs);
      }),
    );
    for (const text of ["2026-02-30", "2026-1-1", "tomorrow", "2026-01-01T00:00:00Z", ""]) {
      expect(parseDay(text)).toBeUndefined();
    }
  });
});
