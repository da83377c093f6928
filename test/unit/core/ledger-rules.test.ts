import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import {
  type AccountTotals,
  bookEntry,
  type EntryLine,
  type EntryType,
  emptyAccount,
  entryIdOf,
  entryOfLines,
  heldFor,
  heldOf,
  inPayoutOf,
  type LedgerAccount,
  type LedgerEntry,
  payableOf,
  payableTo,
  posting,
} from "../../../core/ledger/entry.ts";
import { parseEntryId } from "../../../core/ledger/entry-id.ts";
import { presentEntry } from "../../../core/ledger/present-entry.ts";
import { readStatement, tieStatement } from "../../../core/ledger/read-statement.ts";
import { micros } from "../../../core/values/micros.ts";
import { dayMs, type UtcDay } from "../../../core/values/time.ts";
import { memoryLedger } from "./memory-ledger.ts";

const creatorId = "ada" as CreatorId;
const startMs = Date.parse("2028-01-20T12:00:00Z");

interface Step {
  readonly what: "paid" | "held" | "freed" | "voided" | "dropped" | "adjust" | "payout";
  readonly amount: bigint;
  readonly fee: bigint;
  readonly afterMs: number;
  readonly result: "paid" | "failed" | "none";
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...(["paid", "held", "freed", "voided", "dropped", "adjust", "payout"] as const),
    ),
    amount: fc.bigInt({ min: 1n, max: 10n ** 17n }),
    fee: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    afterMs: fc.integer({ min: -dayMs, max: 20 * dayMs }),
    result: fc.constantFrom("paid", "failed", "none"),
  }),
  { maxLength: 25 },
);

function lineOf({ what, amount, fee }: Step, nowMs: number): EntryLine {
  return {
    ...{ kind: "view", model: "rates", card: "0", sharesVersion: 1 },
    articleId: "a" as ArticleId,
    movement: what as EntryLine["movement"],
    day: new Date(nowMs - 40 * dayMs).toISOString().slice(0, 10) as UtcDay,
    count: 1n,
    amountMicros: micros(amount),
    feeMicros: micros(fee),
  };
}

const typeOf: Readonly<Record<Exclude<Step["what"], "adjust" | "payout">, EntryType>> = {
  ...{ paid: "settlement", held: "settlement", freed: "release" },
  ...{ voided: "reversal", dropped: "reversal" },
};

/** The entries that a story of steps books, by clocks that may go backwards. */
function entriesOf(story: readonly Step[]): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  let account: LedgerAccount = emptyAccount;
  let nowMs = startMs;
  const book = (entry: LedgerEntry) => {
    entries.push(entry);
    account = entry;
  };
  for (const step of story) {
    nowMs += step.afterMs;
    const facts = { creatorId, currency: "USD", traceId: "t", nowMs };
    const effectiveDay = "2028-01-20" as UtcDay;
    if (step.what === "adjust") {
      const amount = step.amount % 2n === 0n ? step.amount : -step.amount;
      const postings = [
        posting("expense:revenue-share", amount),
        posting(payableTo(creatorId), -amount),
      ];
      book(bookEntry(account, facts, { type: "adjustment", effectiveDay, postings }));
    } else if (step.what === "payout") {
      const { amount, result } = step;
      const reserved = [
        posting(payableTo(creatorId), amount),
        posting("clearing:payouts", -amount),
      ];
      book(bookEntry(account, facts, { type: "payout", effectiveDay, postings: reserved }));
      if (result === "none") continue;
      const type = result === "paid" ? "payout-confirmation" : "payout-failure";
      const to = result === "paid" ? "assets:cash" : payableTo(creatorId);
      const postings = [posting("clearing:payouts", amount), posting(to, -amount)];
      book(bookEntry(account, facts, { type, effectiveDay, postings }));
    } else {
      book(entryOfLines(account, facts, typeOf[step.what], [lineOf(step, nowMs)]));
    }
  }
  return entries;
}

function creditTo(entries: readonly LedgerEntry[], account: string): bigint {
  const postings = entries.flatMap((entry) => entry.postings);
  return postings
    .filter((one) => one.account === account)
    .reduce((sum, { amountMicros }) => sum - amountMicros, 0n);
}

describe("whatever is booked, in whatever order", () => {
  test("the running totals are the sums of the postings", () => {
    fc.assert(
      fc.property(steps, (story) => {
        const entries = entriesOf(story);
        entries.forEach((entry, index) => {
          const sofar = entries.slice(0, index + 1);
          expect(payableOf(entry.totals)).toBe(creditTo(sofar, payableTo(creatorId)));
          expect(heldOf(entry.totals)).toBe(creditTo(sofar, heldFor(creatorId)));
          expect(inPayoutOf(entry.totals)).toBe(creditTo(sofar, "clearing:payouts"));
          expect(entry.totals.fees).toBe(creditTo(sofar, "income:fees"));
          expect(entry.sequence).toBe(index + 1);
          expect(entry.bookedAtMs).toBeGreaterThanOrEqual(entries[index - 1]?.bookedAtMs ?? 0);
        });
      }),
    );
  });

  test("every month's statement ties, is what its entries sum to, and opens where the last closed", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (story) => {
        const entries = entriesOf(story);
        const ledger = memoryLedger();
        for (const entry of entries)
          await ledger.book(entry, { requestId: String(entry.sequence) });
        const endMs = startMs + 600 * dayMs;
        const deps = { ledger, clock: { nowMs: () => endMs }, currency: "USD" };
        let closing: unknown;
        for (const month of monthsBetween("2027-12", "2029-08")) {
          ledger.reads = 0;
          const statement = await readStatement(deps, creatorId, month);
          expect(tieStatement(statement)).toEqual({ payable: 0n, held: 0n, inPayout: 0n });
          if (closing) expect(statement.opening).toEqual(closing);
          closing = statement.closing;
          const own = entries.filter(({ bookedAtMs }) => monthOf(bookedAtMs) === month);
          expect(statement.entries.count).toBe(own.length);
          expect(statement.entries.first).toBe(own[0]?.sequence);
          const change = (name: keyof AccountTotals) =>
            String((own.at(-1)?.totals[name] ?? 0n) - (beforeFirst(entries, own)?.[name] ?? 0n));
          expect(statement.earnedMicros).toBe(own.length === 0 ? "0" : change("earned"));
          expect(statement.payouts.failedMicros).toBe(own.length === 0 ? "0" : change("returned"));
          expect(ledger.reads).toBeLessThanOrEqual(12);
        }
      }),
      { numRuns: 60 },
    );
  });
});

function beforeFirst(entries: readonly LedgerEntry[], own: readonly LedgerEntry[]) {
  return entries[(own[0]?.sequence ?? 1) - 2]?.totals;
}

function monthOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 7);
}

function monthsBetween(first: string, last: string): string[] {
  const months: string[] = [];
  for (let at = new Date(`${first}-01T00:00:00Z`); monthOf(at.getTime()) <= last; ) {
    months.push(monthOf(at.getTime()));
    at = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1));
  }
  return months;
}

describe("statements", () => {
  const at = (text: string) => ({
    ledger: memoryLedger(),
    clock: { nowMs: () => Date.parse(text) },
    currency: "USD",
  });

  test("of a creator without entries are zeros", async () => {
    const statement = await readStatement(at("2028-03-05T00:00:00Z"), creatorId, "2028-02");
    expect(statement).toMatchObject({
      opening: { payableMicros: "0", heldMicros: "0", inPayoutMicros: "0" },
      entries: { count: 0 },
      closed: true,
    });
  });

  test("of a month to come are refused, and the current one is open", async () => {
    const deps = at("2028-02-29T23:59:59Z");
    await expect(readStatement(deps, creatorId, "2028-03")).rejects.toMatchObject({ status: 400 });
    expect((await readStatement(deps, creatorId, "2028-02")).closed).toBe(false);
  });

  test("S6: are not closed while a slow clock may still book in the month", async () => {
    const deps = at("2028-03-01T00:05:00Z");
    expect((await readStatement(deps, creatorId, "2028-02")).closed).toBe(false);
  });
});

describe("an entry's id", () => {
  const creators = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
  const places = fc.record({
    creatorId: creators.filter((id) => id.isWellFormed()).map((id) => id as CreatorId),
    sequence: fc.integer({ min: 1, max: 9_999_999_999 }),
  });

  test("leads back to its creator and number, whatever the creator's name", () => {
    fc.assert(
      fc.property(places, (place) => {
        expect(parseEntryId(entryIdOf(place))).toEqual(place);
      }),
    );
  });

  test("stands in a path as it is: being decoded once on its way changes nothing", () => {
    fc.assert(
      fc.property(places, (place) => {
        const id = entryIdOf(place);
        expect(id).toMatch(/^[A-Za-z0-9_.!*'()~-]+\.\d{10}$/);
        expect(decodeURIComponent(id)).toBe(id);
      }),
    );
    expect(entryIdOf({ creatorId: "m%41~é" as CreatorId, sequence: 1 })).toBe(
      "m~2541~7E~C3~A9.0000000001",
    );
  });

  test.each([
    "ada",
    "ada.1",
    ".0000000001",
    "ada.0000000000",
    "~61da.0000000001",
    "ada lovelace.0000000001",
    "~.0000000001",
    "\ud800.0000000001",
  ])("%j is none", (text) => {
    expect(parseEntryId(text)).toBeUndefined();
  });
});

test("S3: a line of a month before its booking is marked as late", () => {
  const facts = {
    creatorId,
    currency: "USD",
    traceId: "t",
    nowMs: Date.parse("2028-03-01T00:00:05Z"),
  };
  const step: Step = { what: "paid", amount: 5n, fee: 1n, afterMs: 0, result: "none" };
  const line = lineOf(step, facts.nowMs);
  const lines = [
    { ...line, day: "2028-02-29" as UtcDay },
    { ...line, day: "2028-03-01" as UtcDay },
  ];
  const presented = presentEntry(entryOfLines(emptyAccount, facts, "settlement", lines), {
    names: false,
  });
  expect(presented.lines.map((one) => one.late)).toEqual([true, undefined]);
  expect(presented).toMatchObject({
    amountMicros: "10",
    feeMicros: "2",
    heldMicros: "0",
    effectiveDay: "2028-03-01",
    balance: { payableMicros: "10", heldMicros: "0" },
  });
});
