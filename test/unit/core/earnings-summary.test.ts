import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import type { Counter } from "../../../core/earnings/counter.ts";
import { SummingUp } from "../../../core/earnings/earnings-summary.ts";
import { lineKey, type Movement } from "../../../core/earnings/line.ts";
import { readEarningsSummary } from "../../../core/earnings/read-summary.ts";
import { micros } from "../../../core/values/micros.ts";
import type { UtcDay } from "../../../core/values/time.ts";

const nowMs = Date.parse("2028-03-15T12:00:00Z");
const proof = { ok: true, quiet: true };

type Lines = readonly (readonly [Movement, bigint])[];

function counter(
  [creatorId, articleId, day]: readonly [string, string, string],
  counted: Lines,
  settled: Lines = [],
): Counter {
  const linesOf = (lines: Lines) =>
    new Map(
      lines.map(([movement, amount]) => {
        const parts = { kind: "view", model: "rates", card: "1", sharesVersion: 1 } as const;
        const total = { count: 1n, micros: micros(amount), feeMicros: micros(1), weight: 0n };
        return [lineKey({ ...parts, movement } as never), { ...total, entry: 1 }] as const;
      }),
    );
  return {
    id: {
      ...{ creatorId: creatorId as CreatorId, articleId: articleId as ArticleId },
      ...{ day: day as UtcDay, shard: 0 },
    },
    ...{ counted: linesOf(counted), settled: linesOf(settled), events: 1n, drains: 0 },
    ...{ dueSinceMs: undefined, heldAtMs: undefined, freedAtMs: undefined },
  };
}

function summed(counters: readonly Counter[], most?: number) {
  const sums = new SummingUp(() => nowMs, most);
  // A first look that did not fit is forgotten.
  sums.beginCounters();
  for (const one of counters) sums.addCounter(one);
  sums.beginCounters();
  for (const one of counters) sums.addCounter(one);
  sums.beginLedger();
  return sums.summary(proof);
}

describe("what counters sum up to", () => {
  test("is payable, pending or held, and by month what was earned", () => {
    const summary = summed([
      counter(
        ["ada", "a", "2028-03-01"],
        [
          ["paid", 7n],
          ["held", 5n],
        ],
        [["paid", 4n]],
      ),
      counter(
        ["ben", "a", "2028-02-29"],
        [
          ["paid", 9n],
          ["voided", 2n],
        ],
        [["paid", 9n]],
      ),
    ]);
    expect(summary).toMatchObject({ asOfMs: nowMs, payable: 13n, pending: 1n, held: 5n });
    expect(summary.months).toMatchObject([
      { month: "2028-03", earned: 12n, held: 5n },
      { month: "2028-02", earned: 7n, held: 0n },
    ]);
    expect(summary.tops).toEqual([
      {
        month: "2028-03",
        creators: [{ id: "ada", earned: 12n }],
        articles: [{ id: "a", earned: 12n }],
      },
      {
        month: "2028-02",
        creators: [{ id: "ben", earned: 7n }],
        articles: [{ id: "a", earned: 7n }],
      },
    ]);
  });

  test("adds up: what was earned is payable, pending or held, whatever was settled", () => {
    const movement = fc.constantFrom<Movement>("paid", "held", "freed", "voided", "dropped");
    const lines = fc.uniqueArray(fc.tuple(movement, fc.bigInt({ min: 0n, max: 99n })), {
      selector: ([one]) => one,
    });
    const counters = fc.array(
      fc
        .tuple(
          fc.constantFrom("ada", "ben"),
          fc.constantFrom("2028-01-31", "2027-12-31"),
          lines,
          lines,
        )
        .map(([creatorId, day, counted, settled]) =>
          counter([creatorId, "a", day], counted, settled),
        ),
    );
    fc.assert(
      fc.property(counters, (all) => {
        const { months, payable, pending, held } = summed(all);
        const earned = months.reduce((sum, month) => sum + month.earned, 0n);
        expect(earned).toBe(payable + pending + held);
      }),
    );
  });

  test("names the canary and those who earned nothing nowhere", () => {
    const { tops } = summed([
      counter(["pennyline-canary", "pennyline-canary", "2028-03-01"], [["paid", 1n]]),
      counter(
        ["ada", "a", "2028-03-01"],
        [
          ["paid", 3n],
          ["voided", 3n],
        ],
      ),
    ]);
    expect(tops).toEqual([{ month: "2028-03", creators: [], articles: [] }]);
  });

  test("has tops of thirteen months, of fewer where there are too many names", () => {
    const counters = Array.from({ length: 14 }, (_, ago) => {
      const day = new Date(Date.UTC(2028, 2 - ago, 1)).toISOString().slice(0, 10);
      return counter(["ada", `a${ago}`, day], [["paid", 1n]]);
    });
    const months = (most?: number) =>
      summed(counters, most)
        .tops.map(({ month }) => month)
        .sort();
    expect(months()).toHaveLength(13);
    expect(months()[0]).toBe("2027-03");
    expect(months(6)).toEqual(["2028-01", "2028-02", "2028-03"]);
    expect(months(1)).toEqual([]);
    expect(summed(counters, 6).months).toHaveLength(14);
  });

  test("of a month too long ago to have a top says so by leaving it out", async () => {
    const { tops: _, ...totals } = summed([counter(["ada", "a", "2026-05-01"], [["paid", 1n]])]);
    const none = { getMany: async () => new Map() };
    const read = (month: string) =>
      readEarningsSummary(
        {
          summaries: { totals: async () => totals, top: async () => undefined },
          ...{ articles: none, creators: none, clock: { nowMs: () => nowMs }, currency: "USD" },
        },
        { month: month as never, limit: 10 },
      );
    expect(await read("2026-05")).not.toHaveProperty("top");
    expect((await read("2026-06")).top).toMatchObject({ creators: [], articles: [] });
  });
});
