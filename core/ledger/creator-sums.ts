import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import {
  type Counter,
  effectOf,
  effectOfLines,
  heldMicros,
  type LineTotal,
  pendingLines,
} from "../earnings/counter.ts";
import { type LineKey, lineKey, parseLineKey } from "../earnings/line.ts";
import type { Micros } from "../values/micros.ts";
import { endOfUtcDayMs, type UtcDay } from "../values/time.ts";
import { type Check, type Difference, differing } from "./check-entry.ts";
import {
  type AccountTotals,
  emptyAccount,
  inPayoutOf,
  type LedgerAccount,
  type LedgerEntry,
  totalsAfter,
} from "./entry.ts";

/** A payout as it is remembered beside the entries that book it. */
export interface KnownPayout {
  readonly creatorId: CreatorId;
  readonly state: "reserved" | "paid" | "failed";
  readonly amountMicros: Micros;
}

/** What is known of one creator from each place, in micros unless it says otherwise. */
export interface CreatorSums {
  /** What counters call settled, by what it does to the creator's money; and how many engagements. */
  settledPayable: bigint;
  settledHeld: bigint;
  settledFee: bigint;
  settledCount: bigint;
  /** A fingerprint of all settled lines, each by its own name. */
  settledPrint: bigint;
  /** The same, of the lines of ledger entries. */
  bookedPayable: bigint;
  bookedHeld: bigint;
  bookedFee: bigint;
  bookedCount: bigint;
  bookedPrint: bigint;
  /** Pending on counters that are not on the due list: nobody would ever settle it. */
  stuck: bigint;
  /** Held though its hold was over long ago. */
  overdue: bigint;
  /** Weight in a pool whose day should have been priced long ago. */
  unpriced: bigint;
  /** Engagements by line, less engagements by counter. */
  uncounted: bigint;
  /** What the entries sum to. */
  totals: AccountTotals;
  /** Entries; the highest number of one. */
  entries: bigint;
  highest: bigint;
  /** When the last of them was booked. */
  bookedAtMs: bigint;
  account: LedgerAccount;
  /** Payouts by what became of them; all of them were reserved. */
  readonly payouts: { reserved: bigint; paid: bigint; failed: bigint };
  /** Reserved by payouts of which no result is known. */
  openPayouts: bigint;
}

export function noSums(): CreatorSums {
  return {
    ...{ settledPayable: 0n, settledHeld: 0n, settledFee: 0n, settledCount: 0n, settledPrint: 0n },
    ...{ bookedPayable: 0n, bookedHeld: 0n, bookedFee: 0n, bookedCount: 0n, bookedPrint: 0n },
    ...{ stuck: 0n, overdue: 0n, unpriced: 0n, uncounted: 0n },
    ...{ entries: 0n, highest: 0n, bookedAtMs: 0n, openPayouts: 0n },
    payouts: { reserved: 0n, paid: 0n, failed: 0n },
    totals: emptyAccount.totals,
    account: emptyAccount,
  };
}

/** Until when work that runs every hour should have been done, at the latest. */
export interface Overdue {
  /** What was held last before this should be free by now. */
  readonly heldBeforeMs: number;
  /** A pool's day that ended before this should be priced by now. */
  readonly pooledBeforeMs: number;
}

export function addCounter(sums: CreatorSums, counter: Counter, overdue: Overdue): void {
  const settled = effectOfLines(counter.settled);
  sums.settledPayable += settled.payable;
  sums.settledHeld += settled.held;
  sums.settledFee += settled.fee;
  const { articleId, day } = counter.id;
  for (const [line, total] of counter.settled) {
    sums.settledCount += total.count;
    sums.settledPrint += printOf(articleId, day, line, total);
  }
  for (const { count } of counter.counted.values()) sums.uncounted += count;
  sums.uncounted -= counter.events;
  if (counter.dueSinceMs === undefined) {
    for (const { count, micros, feeMicros } of pendingLines(counter).values()) {
      sums.stuck += magnitude(count) + magnitude(micros) + magnitude(feeMicros);
    }
  }
  const { heldBeforeMs, pooledBeforeMs } = overdue;
  if ((counter.heldAtMs ?? 0) < heldBeforeMs) sums.overdue += heldMicros(counter);
  if (endOfUtcDayMs(counter.id.day) < pooledBeforeMs) sums.unpriced += unpricedWeight(counter);
}

function unpricedWeight({ counted }: Counter): bigint {
  let weight = 0n;
  for (const [key, total] of counted) {
    const { movement, model } = parseLineKey(key);
    if (movement === "paid" && model === "pool") return 0n;
    if (movement === "weighed") weight += total.weight;
    if (movement === "unweighed") weight -= total.weight;
  }
  return weight;
}

export function addEntry(sums: CreatorSums, entry: LedgerEntry): void {
  for (const line of entry.lines) {
    const { movement, amountMicros: micros, feeMicros, count } = line;
    const effect = effectOf(movement, { micros, feeMicros });
    sums.bookedPayable += effect.payable;
    sums.bookedHeld += effect.held;
    sums.bookedFee += effect.fee;
    sums.bookedCount += count;
    const total = { count, micros, feeMicros };
    sums.bookedPrint += printOf(line.articleId, line.day, lineKey(line), total);
  }
  sums.totals = totalsAfter(sums.totals, entry);
  sums.entries += 1n;
  if (BigInt(entry.sequence) <= sums.highest) return;
  sums.highest = BigInt(entry.sequence);
  sums.bookedAtMs = BigInt(entry.bookedAtMs);
}

export function addPayout({ payouts }: CreatorSums, { state, amountMicros }: KnownPayout): void {
  payouts.reserved += amountMicros;
  if (state !== "reserved") payouts[state] += amountMicros;
}

const magnitude = (amount: bigint) => (amount < 0n ? -amount : amount);

/** FNV-1a, twice 32 bits: enough that two lines do not pass for one another by accident. */
function hashOf(text: string): bigint {
  let low = 0x811c9dc5;
  let high = 0x050c5d1f;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ (code + at), 0x01000193);
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/**
 * A number that sums of a line add up in, however they are divided among counters and entries. So two
 * places have equal sums of these only if they hold the same in each line, without a list of lines.
 */
function printOf(
  articleId: ArticleId,
  day: UtcDay,
  line: LineKey,
  { count, micros, feeMicros }: Pick<LineTotal, "count" | "micros" | "feeMicros">,
): bigint {
  return hashOf(`${articleId}\t${day}\t${line}`) * (micros + (feeMicros << 128n) + (count << 256n));
}

/** Each pair that must be equal, and what it means when it is not. */
function comparisons(sums: CreatorSums): Check[] {
  const names = Object.keys(sums.totals) as (keyof AccountTotals)[];
  const { payouts } = sums;
  const accountTime = BigInt(sums.account.bookedAtMs);
  const settled = "that counters call settled differs from the entries";
  return [
    [`payable money ${settled}`, sums.bookedPayable, sums.settledPayable],
    [`held money ${settled}`, sums.bookedHeld, sums.settledHeld],
    [`the fee ${settled}`, sums.bookedFee, sums.settledFee],
    [`the number of engagements ${settled}`, sums.bookedCount, sums.settledCount, "count"],
    [
      "article, day, kind or price of what counters call settled differs from the entries' lines",
      sums.bookedPrint,
      sums.settledPrint,
      "count",
    ],
    ...names.map(
      (name): Check => [
        `the account's "${name}" differs from its entries`,
        sums.totals[name],
        sums.account.totals[name],
      ],
    ),
    ["the account's time differs from its last entry's (ms)", sums.bookedAtMs, accountTime, "ms"],
    ["payouts that were reserved differ from the entries", sums.totals.reserved, payouts.reserved],
    ["payouts that were paid differ from the entries", sums.totals.confirmed, payouts.paid],
    ["payouts that failed differ from the entries", sums.totals.returned, payouts.failed],
    ["entries are missing or numbered wrongly", sums.highest, sums.entries, "count"],
    [
      "the account's number differs from its last entry's",
      sums.highest,
      BigInt(sums.account.sequence),
      "count",
    ],
    [
      "money in payout differs from the payouts that are open",
      sums.openPayouts,
      inPayoutOf(sums.totals),
    ],
    ["micros are pending that are not due, and would never settle", 0n, sums.stuck],
    ["money is held though its hold is over", 0n, sums.overdue],
    ["weight in a pool was never priced, though its day is over", 0n, sums.unpriced, "count"],
    ["a counter's lines differ from its engagements", 0n, sums.uncounted, "count"],
  ];
}

export function agree(sums: CreatorSums): boolean {
  return comparisons(sums).every(([, expected, actual]) => expected === actual);
}

export function differencesOf(creatorId: CreatorId, sums: CreatorSums): Difference[] {
  return differing(comparisons(sums)).map((found) => ({ ...found, creatorId }));
}

/** Micros ever counted as earned, and ever voided of that: both only grow. */
export function grownOf({ counted }: Pick<Counter, "counted">) {
  let micros = 0n;
  let voided = 0n;
  for (const [key, total] of counted) {
    const { movement } = parseLineKey(key);
    if (movement === "paid" || movement === "held") micros += total.micros;
    if (movement === "voided" || movement === "dropped") voided += total.micros;
  }
  return { micros, voided };
}
