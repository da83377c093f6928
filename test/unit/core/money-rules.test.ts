import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import {
  addLine,
  type Counter,
  type LineKey,
  type LineTotal,
  lineKey,
  parseLineKey,
  pendingLines,
  totalMicros,
} from "../../../core/earnings/counter.ts";
import { creditOf, entryIdOf, imbalanceOf, settlementEntry } from "../../../core/ledger/entry.ts";
import { cardInForce, defaultRateCard, type RateCard } from "../../../core/registry/rate-card.ts";
import { type Micros, micros } from "../../../core/values/micros.ts";
import type { UtcDay } from "../../../core/values/time.ts";
import { instants, kinds } from "./arbitraries.ts";

const day = "2028-02-29" as UtcDay;
const amounts = fc.bigInt({ min: 0n, max: 2n ** 90n });
const creators = fc.string({ minLength: 1, maxLength: 12 }).map((id) => id as CreatorId);
const lines = fc.array(
  fc.record({ kind: kinds, rateCardVersion: fc.nat(99), count: amounts, amount: amounts }),
  { maxLength: 96 },
);

describe("settlementEntry", () => {
  test("S4, D3: balances whatever it moves, and credits exactly the sum of its lines", () => {
    fc.assert(
      fc.property(creators, lines, (creatorId, drawn) => {
        const entry = settlementEntry({
          ...{ creatorId, sequence: 1, currency: "USD", bookedAtMs: 0, traceId: "t" },
          lines: drawn.map(({ amount, ...line }) => ({
            ...{ ...line, articleId: "a" as ArticleId, day },
            amountMicros: micros(amount),
          })),
        });
        const sum = drawn.reduce((total, { amount }) => total + amount, 0n);
        expect(imbalanceOf(entry)).toBe(0n);
        expect(creditOf(entry)).toBe(sum);
        expect(entry.amountMicros).toBe(sum);
      }),
    );
  });

  test("S1: an entry's id says its creator and number, and sorts by number", () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.nat(1e9), (a, b) => {
        const id = (sequence: number) => entryIdOf({ creatorId: "c/1" as CreatorId, sequence });
        expect(id(a) < id(b)).toBe(a < b);
        expect(id(a)).toMatch(/^c%2F1\.\d{10}$/);
      }),
    );
  });
});

describe("cardInForce", () => {
  const histories = fc.uniqueArray(instants, { maxLength: 8 }).map((moments) => [
    defaultRateCard("USD"),
    ...moments
      .sort((a, b) => a - b)
      .map((effectiveFromMs, at) => ({
        ...defaultRateCard("USD"),
        version: at + 1,
        effectiveFromMs,
      })),
  ]);

  test("is the last card that began by then", () => {
    fc.assert(
      fc.property(histories, instants, (cards, atMs) => {
        const begun = cards.filter(({ effectiveFromMs }) => effectiveFromMs <= atMs);
        expect(cardInForce(cards, atMs).version).toBe(begun.length - 1);
      }),
    );
  });

  test("begins with its first millisecond, and a later card changes nothing before it", () => {
    fc.assert(
      fc.property(histories, instants, fc.nat(1e9), (cards, atMs, aheadMs) => {
        const latest = cards.at(-1) as RateCard;
        expect(cardInForce(cards, latest.effectiveFromMs)).toBe(latest);
        const next = {
          ...latest,
          version: 99,
          effectiveFromMs: Math.max(atMs, latest.effectiveFromMs) + 1 + aheadMs,
        };
        expect(cardInForce([...cards, next], atMs)).toBe(cardInForce(cards, atMs));
      }),
    );
  });

  test("without the default card, a moment before the first has no price: an error, not a guess", () => {
    expect(() => cardInForce([], 0)).toThrow(/no rate card/);
  });
});

describe("counters", () => {
  const keys = fc.tuple(kinds, fc.nat(9)).map(([kind, version]) => lineKey(kind, version));
  const additions = fc.array(fc.tuple(keys, amounts), { maxLength: 40 });

  function counterOf(counted: [LineKey, bigint][], settled: [LineKey, bigint][]): Counter {
    const sum = (list: [LineKey, bigint][]) => {
      const sums = new Map<LineKey, LineTotal>();
      for (const [key, amount] of list) addLine(sums, key, { count: 1n, micros: amount as Micros });
      return sums;
    };
    const id = { creatorId: "c" as CreatorId, articleId: "a" as ArticleId, day, shard: 0 };
    const rest = { engagements: BigInt(counted.length), drains: 0, dueSinceMs: 0 };
    return { id, counted: sum([...settled, ...counted]), settled: sum(settled), ...rest };
  }

  test("what is pending is what was counted since the last drain, to the micro", () => {
    fc.assert(
      fc.property(additions, additions, (since, settled) => {
        const pending = pendingLines(counterOf(since, settled));
        expect(totalMicros(pending)).toBe(since.reduce((sum, [, amount]) => sum + amount, 0n));
        const events = [...pending.values()].reduce((sum, { count }) => sum + count, 0n);
        expect(events).toBe(BigInt(since.length));
      }),
    );
  });

  test("a drained counter has nothing pending, not even a line of zeros", () => {
    fc.assert(
      fc.property(additions, (settled) => {
        expect(pendingLines(counterOf([], settled)).size).toBe(0);
      }),
    );
  });

  test("a line's key holds its kind and card", () => {
    fc.assert(
      fc.property(kinds, fc.nat(1e6), (kind, rateCardVersion) => {
        expect(parseLineKey(lineKey(kind, rateCardVersion))).toEqual({ kind, rateCardVersion });
      }),
    );
  });
});
