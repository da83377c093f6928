import { settlementDue } from "../contracts/events.ts";
import type { CreatorId } from "../contracts/ids.ts";
import { holdReasons } from "../contracts/kinds.ts";
import { limits } from "../contracts/limits.ts";
import {
  type EntryLine,
  type EntryType,
  entryOfLines,
  entryTypeOf,
  type LedgerEntry,
} from "../ledger/entry.ts";
import type { Delivery } from "../messaging/delivery.ts";
import { readEvent } from "../messaging/read-event.ts";
import { chunk, groupBy } from "../values/group-by.ts";
import { type Micros, sumMicros, zeroMicros } from "../values/micros.ts";
import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import { afterDrain, type Counter, effectOf, pendingLines } from "./counter.ts";
import { type LineKey, lineKey, parseLineKey, withMovement } from "./line.ts";
import type { SettlementTable } from "./settlement-table.ts";

export interface SettleDeps {
  readonly table: SettlementTable;
  readonly clock: Clock;
  readonly pacing: Pacing;
  readonly currency: string;
  /** A creator with less than this pending waits, but no longer than `maxWaitMs`. */
  readonly minMicros: Micros;
  readonly maxWaitMs: number;
  /** Told, before anything is tried, how long the oldest of what is settled now was due. */
  readonly onDue?: (waitedMs: number) => void;
  /** Told of each entry, once it is in the ledger. */
  readonly onBooked?: (entry: LedgerEntry) => void;
}

export interface SettleResult {
  readonly entries: number;
  /** Moved, in whatever direction. */
  readonly settledMicros: Micros;
}

const maxAttempts = 8;
const backoff: Backoff = { baseMs: 25, capMs: 2_000 };

/** What is earned is booked before what is released or reversed of it, so that these can name it. */
const typesInOrder = ["settlement", "release", "reversal"] as const;
type SettledType = (typeof typesInOrder)[number];

/**
 * Moves what a creator's counters hold into the ledger, entry by entry. Each entry commits with its
 * number as condition, so a rival or a second run finds the number taken and reads afresh; killed
 * anywhere, the next run goes on from what was committed.
 * @throws when rivals kept winning, or time is up; the message returns to its queue.
 */
export async function settleCreator(
  deps: SettleDeps,
  creatorId: CreatorId,
  traceId: string,
  deadlineMs = Number.POSITIVE_INFINITY,
): Promise<SettleResult> {
  let counters: Counter[] = [];
  for await (const page of deps.table.dueCounters(creatorId)) counters.push(...page);
  const total = { entries: 0, settledMicros: zeroMicros };
  const waitedMs = longestDueMs(deps, counters);
  if (shouldWait(deps, counters, waitedMs)) return total;
  deps.onDue?.(waitedMs);
  const failures: unknown[] = [];
  const run = { deps, creatorId, traceId, deadlineMs };
  for (const type of typesInOrder) {
    const after: Counter[] = counters.filter((counter) => linesOf(counter, type).length === 0);
    for (const group of groupsForEntries(counters, type)) {
      try {
        refuseAfter(deadlineMs, deps.clock);
        const settled = await settleCounters(run, type, group);
        addResult(total, settled);
        after.push(...settled.counters);
      } catch (error) {
        // The others are settled all the same.
        failures.push(error);
      }
    }
    counters = after;
  }
  for (const counter of counters) if (isIdle(counter)) await deps.table.clearDue(counter);
  if (failures.length > 0) throw failures[0];
  return total;
}

/** Settled by a rival, or while it was hot. The list itself may lag behind. */
function isIdle(counter: Counter): boolean {
  return counter.dueSinceMs !== undefined && pendingLines(counter).size === 0;
}

/** The pending lines of a counter that entries of this type book. */
function linesOf(counter: Counter, type: SettledType): LineKey[] {
  const typeOf: Readonly<Record<string, EntryType>> = entryTypeOf;
  return [...pendingLines(counter).keys()].filter(
    (key) => typeOf[parseLineKey(key).movement] === type,
  );
}

function addResult(total: { entries: number; settledMicros: Micros }, more: SettleResult): void {
  total.entries += more.entries;
  total.settledMicros = (total.settledMicros + more.settledMicros) as Micros;
}

/** How many creators of a message are settled side by side. */
const creatorsAtOnce = 8;

/**
 * Settles the creators named in a batch of messages.
 * @param deadlineMs when to stop and return the rest to the queue.
 * @returns `failedIds`: messages to return, of which some creators may already be settled.
 */
export async function settleDeliveries(
  deps: SettleDeps & { readonly onFailed: (deliveryId: string, error: unknown) => void },
  deliveries: readonly Delivery[],
  deadlineMs: number,
  traceId: string,
): Promise<SettleResult & { readonly failedIds: readonly string[] }> {
  const failedIds: string[] = [];
  const total = { entries: 0, settledMicros: zeroMicros };
  for (const { id, body, trace } of deliveries) {
    const results = await settleDelivery(deps, body, deadlineMs, trace?.traceId ?? traceId);
    for (const result of results) {
      if (result.status === "rejected") {
        deps.onFailed(id, result.reason);
        continue;
      }
      addResult(total, result.value);
    }
    if (results.some(({ status }) => status === "rejected")) failedIds.push(id);
  }
  return { failedIds, ...total };
}

/** One creator that cannot be settled must not keep the others of its message from it. */
async function settleDelivery(
  deps: SettleDeps,
  body: string,
  deadlineMs: number,
  traceId: string,
): Promise<PromiseSettledResult<SettleResult>[]> {
  const results: PromiseSettledResult<SettleResult>[] = [];
  try {
    const { creatorIds } = readEvent(settlementDue, body);
    for (const group of chunk(creatorIds, creatorsAtOnce)) {
      refuseAfter(deadlineMs, deps.clock);
      const settling = group.map((id) => settleCreator(deps, id, traceId, deadlineMs));
      results.push(...(await Promise.allSettled(settling)));
    }
  } catch (reason) {
    results.push({ status: "rejected", reason });
  }
  return results;
}

interface Run {
  readonly deps: SettleDeps;
  readonly creatorId: CreatorId;
  readonly traceId: string;
  readonly deadlineMs: number;
}

/** Counters that one transaction, and the lines that one item, can hold. */
function groupsForEntries(counters: readonly Counter[], type: SettledType): Counter[][] {
  const groups: Counter[][] = [];
  let lines = 0;
  for (const counter of counters) {
    const group = groups.at(-1);
    const more = linesOf(counter, type).length;
    if (more === 0) continue;
    const fits =
      group && group.length < limits.maxCountersPerEntry && lines + more <= limits.maxLinesPerEntry;
    lines = fits ? lines + more : more;
    if (fits) group.push(counter);
    else groups.push([counter]);
  }
  return groups;
}

/** One entry for these counters; more of them when a few are too busy to be caught together. */
async function settleCounters(
  run: Run,
  type: SettledType,
  asListed: readonly Counter[],
): Promise<SettleResult & { readonly counters: readonly Counter[] }> {
  const { deps, creatorId, traceId, deadlineMs } = run;
  let counters = asListed;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    // A counter with more lines than an entry takes is settled in several.
    const drains = counters.map((counter) => ({
      counter,
      lines: linesOf(counter, type).slice(0, limits.maxLinesPerEntry),
    }));
    const lines = merged(drains.flatMap((drain) => entryLines(drain.counter, drain.lines)));
    if (lines.length === 0) return { entries: 0, settledMicros: zeroMicros, counters };
    refuseAfter(deadlineMs, deps.clock);
    const account = await deps.table.readAccount(creatorId);
    const facts = { creatorId, traceId, currency: deps.currency, nowMs: deps.clock.nowMs() };
    const entry = entryOfLines(account, facts, type, lines);
    const after = drains.map((drain) => afterDrain(drain.counter, drain.lines, entry.sequence));
    const committed = await deps.table.commit(
      entry,
      // A counter that is hot just now would lose every race for a quiet moment: it stays due.
      drains.map((drain, index) => ({
        ...drain,
        clearDue: attempt === 0 && pendingLines(after[index] ?? drain.counter).size === 0,
      })),
    );
    if (committed === "committed") {
      deps.onBooked?.(entry);
      const settledMicros = sumMicros(lines.map(creditOf));
      return { entries: 1, settledMicros, counters: after.map(offTheList(attempt === 0)) };
    }
    await deps.pacing.sleep(backoffMs(attempt, backoff, deps.pacing.random));
    counters = await deps.table.readCounters(counters.map(({ id }) => id));
    if (attempt > 0 && counters.length > 1) break;
  }
  if (counters.length === 1) {
    throw new Error(`creator ${JSON.stringify(creatorId)}: ${maxAttempts} settlements were raced`);
  }
  const total = { entries: 0, settledMicros: zeroMicros };
  const after: Counter[] = [];
  for (const half of chunk(counters, Math.ceil(counters.length / 2))) {
    const settled = await settleCounters(run, type, half);
    addResult(total, settled);
    after.push(...settled.counters);
  }
  return { ...total, counters: after };
}

/** What a line adds to what its creator has, payable or held; a release only moves it. */
function creditOf({ movement, amountMicros: micros, feeMicros }: EntryLine): Micros {
  const { payable, held } = effectOf(movement, { micros, feeMicros });
  return (payable + held) as Micros;
}

/** What a drained counter is now: those with nothing left to settle went off the due list with it. */
function offTheList(cleared: boolean): (counter: Counter) => Counter {
  return (counter) =>
    cleared && pendingLines(counter).size === 0 ? { ...counter, dueSinceMs: undefined } : counter;
}

function refuseAfter(deadlineMs: number, clock: Clock): void {
  if (clock.nowMs() >= deadlineMs) throw new Error("out of time; the rest is returned");
}

/** Small sums may wait for company: an entry costs the same whatever it moves. */
function shouldWait(deps: SettleDeps, counters: readonly Counter[], waitedMs: number): boolean {
  const pending = counters.flatMap((counter) => [...pendingLines(counter).values()]);
  if (sumMicros(pending.map(({ micros }) => micros)) >= deps.minMicros) return false;
  return waitedMs < deps.maxWaitMs;
}

function longestDueMs({ clock }: SettleDeps, counters: readonly Counter[]): number {
  const nowMs = clock.nowMs();
  return nowMs - Math.min(nowMs, ...counters.map(({ dueSinceMs = nowMs }) => dueSinceMs));
}

function entryLines(counter: Counter, keys: readonly LineKey[]): EntryLine[] {
  const pending = pendingLines(counter);
  const { articleId, day } = counter.id;
  return keys.flatMap((key) => {
    const total = pending.get(key);
    if (!total) return [];
    const { count, micros: amountMicros, feeMicros } = total;
    const corrects = correctedBy(counter, key);
    return {
      ...parseLineKey(key),
      ...{ articleId, day, count, amountMicros, feeMicros },
      ...(corrects === undefined ? {} : { correctsSequence: corrects }),
    };
  });
}

/** One line of what lay in several shards of a counter: where it lay explains nothing. */
function merged(lines: readonly EntryLine[]): EntryLine[] {
  const byName = groupBy(lines, (line) => [line.articleId, line.day, lineKey(line)].join("\t"));
  return [...byName.values()].flatMap(([first, ...others]) => {
    if (!first) return [];
    const all = [first, ...others];
    const corrects = all.flatMap(({ correctsSequence }) => correctsSequence ?? []);
    return {
      ...first,
      count: all.reduce((sum, { count }) => sum + count, 0n),
      amountMicros: sumMicros(all.map(({ amountMicros }) => amountMicros)),
      feeMicros: sumMicros(all.map(({ feeMicros }) => feeMicros)),
      ...(corrects.length === 0 ? {} : { correctsSequence: Math.max(...corrects) }),
    };
  });
}

/** Number of the entry that booked last what this line takes back or sets free. */
function correctedBy({ settled }: Counter, key: LineKey): number | undefined {
  const { movement, reason } = parseLineKey(key);
  if (movement === "paid" || movement === "held") return undefined;
  if (movement !== "voided") return settled.get(withMovement(key, "held", reason))?.entry;
  // What is voided was payable: earned so, or held and then freed, for whatever reason.
  const made = [
    withMovement(key, "paid"),
    ...holdReasons.map((held) => withMovement(key, "freed", held)),
  ];
  const entries = made.flatMap((line) => settled.get(line)?.entry ?? []);
  return entries.length === 0 ? undefined : Math.max(...entries);
}
