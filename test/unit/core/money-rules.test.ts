import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import {
  addLine,
  afterDrain,
  type Counter,
  effectOfLines,
  type LineTotal,
  movesMoney,
  noLine,
  pendingLines,
} from "../../../core/earnings/counter.ts";
import { type LineKey, lineKey, type Movement, parseLineKey } from "../../../core/earnings/line.ts";
import { checkChain, checkEntry } from "../../../core/ledger/check-entry.ts";
import {
  type EntryLine,
  emptyAccount,
  entryIdOf,
  entryOfLines,
  heldFor,
  heldOf,
  type LedgerAccount,
  payableOf,
  payableTo,
} from "../../../core/ledger/entry.ts";
import { cardInForce, defaultRateCard, type RateCard } from "../../../core/registry/rate-card.ts";
import { micros } from "../../../core/values/micros.ts";
import type { UtcDay } from "../../../core/values/time.ts";
import { instants, lineParts } from "./arbitraries.ts";

const day = "2028-02-29" as UtcDay;
const amounts = fc.bigInt({ min: 0n, max: 2n ** 90n });
const creators = fc.string({ minLength: 1, maxLength: 12 }).map((id) => id as CreatorId);

/** Lines that entries of one type hold, whatever they move. */
function linesOf(...allowed: Movement[]): fc.Arbitrary<EntryLine[]> {
  const line = fc
    .record({
      parts: lineParts,
      movement: fc.constantFrom(...allowed),
      ...{ count: amounts, amount: amounts, fee: amounts },
    })
    .map(({ parts, movement, count, amount, fee }) => ({
      ...{ ...parts, movement, count, day, articleId: "a" as ArticleId },
      ...{ amountMicros: micros(amount), feeMicros: micros(fee) },
    }));
  return fc.array(line, { maxLength: 20 });
}
const bookings = fc.oneof(
  fc.tuple(fc.constant("settlement" as const), linesOf("paid", "held")),
  fc.tuple(fc.constant("release" as const), linesOf("freed")),
  fc.tuple(fc.constant("reversal" as const), linesOf("voided", "dropped")),
);

describe("ledger entries of lines", () => {
  test("S4, D3: each balances, and the account's balances are the sums of its postings", () => {
    fc.assert(
      fc.property(creators, fc.array(bookings, { maxLength: 12 }), (creatorId, drawn) => {
        let account: LedgerAccount = emptyAccount;
        const posted = new Map<string, bigint>();
        for (const [type, lines] of drawn) {
          const facts = { creatorId, currency: "USD", traceId: "t", nowMs: 0 };
          const entry = entryOfLines(account, facts, type, lines);
          expect(checkEntry(entry)).toEqual([]);
          expect(checkChain(account.totals, entry)).toEqual([]);
          for (const { account: name, amountMicros } of entry.postings) {
            posted.set(name, (posted.get(name) ?? 0n) + amountMicros);
          }
          const { sequence, bookedAtMs, totals } = entry;
          account = { sequence, bookedAtMs, totals };
        }
        expect(payableOf(account.totals)).toBe(-(posted.get(payableTo(creatorId)) ?? 0n));
        expect(heldOf(account.totals)).toBe(-(posted.get(heldFor(creatorId)) ?? 0n));
        expect(account.totals.fees).toBe(-(posted.get("income:fees") ?? 0n));
        expect([...posted.values()].reduce((sum, amount) => sum + amount, 0n)).toBe(0n);
        expect(account.sequence).toBe(drawn.length);
      }),
    );
  });

  test("S6: an entry is never booked before its predecessor, however clocks differ", () => {
    fc.assert(
      fc.property(fc.array(instants, { minLength: 1, maxLength: 10 }), (moments) => {
        let account: LedgerAccount = emptyAccount;
        const creatorId = "c" as CreatorId;
        for (const nowMs of moments) {
          const facts = { creatorId, currency: "USD", traceId: "t", nowMs };
          const entry = entryOfLines(account, facts, "settlement", []);
          expect(entry.bookedAtMs).toBeGreaterThanOrEqual(account.bookedAtMs);
          account = entry;
        }
        expect(account.bookedAtMs).toBe(Math.max(...moments));
      }),
    );
  });

  test("an entry that does not add up is found, and named", () => {
    const creatorId = "ada/1" as CreatorId;
    const facts = { creatorId, currency: "USD", traceId: "t", nowMs: 0 };
    const line = { count: 1n, amountMicros: micros(7), feeMicros: micros(0), day };
    const parts = { kind: "view", model: "rates", card: "0", sharesVersion: 1 } as const;
    const entry = entryOfLines(emptyAccount, facts, "settlement", [
      { ...parts, ...line, movement: "paid", articleId: "a" as ArticleId },
    ]);
    const more = entry.postings.map((one) =>
      one.account === "expense:revenue-share" ? { ...one, amountMicros: micros(8) } : one,
    );
    expect(checkEntry({ ...entry, postings: more })).toContainEqual({
      ...{ what: "entry does not sum to zero", unit: "micros", expected: "0", actual: "1" },
      ...{ creatorId, entryId: "ada~2F1.0000000001" },
    });
    const totals = { ...entry.totals, earned: micros(8) };
    expect(checkChain(emptyAccount.totals, { ...entry, totals })).toContainEqual({
      ...{ what: 'running total "earned" is off', unit: "micros", expected: "7", actual: "8" },
      ...{ creatorId, entryId: "ada~2F1.0000000001" },
    });
  });

  test("S1: an entry's id says its creator and number, and sorts by number", () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.nat(1e9), (a, b) => {
        const id = (sequence: number) => entryIdOf({ creatorId: "c/1" as CreatorId, sequence });
        expect(id(a) < id(b)).toBe(a < b);
        expect(id(a)).toMatch(/^c~2F1\.\d{10}$/);
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
  const keys = lineParts.map(lineKey);
  const additions = fc.array(fc.tuple(keys, amounts), { maxLength: 40 });
  const id = { creatorId: "c" as CreatorId, articleId: "a" as ArticleId, day, shard: 0 };

  function counterOf(added: readonly (readonly [LineKey, bigint])[]): Counter {
    const counted = new Map<LineKey, LineTotal>();
    for (const [key, amount] of added) {
      addLine(counted, key, { ...noLine, count: 1n, micros: micros(amount) });
    }
    const never = { dueSinceMs: undefined, heldAtMs: undefined, freedAtMs: undefined };
    return {
      ...{ id, counted, settled: new Map(), drains: 0, events: BigInt(added.length) },
      ...never,
    };
  }

  test("what is pending is what was counted of money since the last drain, to the micro", () => {
    fc.assert(
      fc.property(additions, additions, (before, since) => {
        const drained = afterDrain(
          counterOf(before),
          before.map(([key]) => key).filter(movesMoney),
          1,
        );
        const counter = { ...drained, counted: counterOf([...before, ...since]).counted };
        const pending = [...pendingLines(counter).values()];
        const moving = since.filter(([key]) => movesMoney(key));
        const sum = (total: bigint, more: bigint) => total + more;
        expect(pending.map(({ micros }) => micros).reduce(sum, 0n)).toBe(
          moving.map(([, amount]) => amount).reduce(sum, 0n),
        );
        expect(pending.map(({ count }) => count).reduce(sum, 0n)).toBe(BigInt(moving.length));
      }),
    );
  });

  test("a drained counter has nothing pending, not even a line of zeros", () => {
    fc.assert(
      fc.property(additions, (added) => {
        const counter = counterOf(added);
        const drained = afterDrain(counter, [...counter.counted.keys()], 7);
        expect(pendingLines(drained).size).toBe(0);
        expect(effectOfLines(drained.settled)).toEqual(effectOfLines(counter.counted));
      }),
    );
  });

  test("what is undone is undone whole: paid and voided, held and dropped leave nothing", () => {
    fc.assert(
      fc.property(lineParts, amounts, amounts, (parts, micro, fee) => {
        const total = { ...noLine, count: 1n, micros: micros(micro), feeMicros: micros(fee) };
        const lines = (...movements: Movement[]) =>
          new Map(movements.map((movement) => [lineKey({ ...parts, movement }), total]));
        const nothing = { payable: 0n, held: 0n, fee: 0n };
        expect(effectOfLines(lines("paid", "voided"))).toEqual(nothing);
        expect(effectOfLines(lines("held", "dropped"))).toEqual(nothing);
        expect(effectOfLines(lines("held", "freed"))).toEqual(effectOfLines(lines("paid")));
        expect(effectOfLines(lines("held", "freed", "voided"))).toEqual(nothing);
      }),
    );
  });

  test("a line's key says all of its parts, and what is no line key is an error", () => {
    fc.assert(
      fc.property(lineParts, (parts) => {
        expect(parseLineKey(lineKey(parts))).toEqual(parts);
      }),
    );
    for (const text of ["", "view", "view.0", "view.0.1.x", "view.z3.1.p", "view..1.p"]) {
      expect(() => parseLineKey(text as LineKey)).toThrow(/not a line key/);
    }
  });
});
