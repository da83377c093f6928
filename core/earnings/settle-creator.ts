import { settlementDue } from "../contracts/events.ts";
import type { CreatorId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import { type EntryLine, settlementEntry } from "../ledger/entry.ts";
import type { Delivery } from "../messaging/delivery.ts";
import { readEvent } from "../messaging/read-event.ts";
import { chunk } from "../values/group-by.ts";
import { type Micros, sumMicros, zeroMicros } from "../values/micros.ts";
import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import { type Counter, parseLineKey, pendingLines, totalMicros } from "./counter.ts";
import type { SettlementTable } from "./settlement-table.ts";

export interface SettleDeps {
  readonly table: SettlementTable;
  readonly clock: Clock;
  readonly pacing: Pacing;
  readonly currency: string;
  /** A creator with less than this pending waits, but no longer than `maxWaitMs`. */
  readonly minMicros: Micros;
  readonly maxWaitMs: number;
}

export interface SettleResult {
  readonly entries: number;
  readonly settledMicros: Micros;
}

const maxAttempts = 8;
const backoff: Backoff = { baseMs: 25, capMs: 2_000 };

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
  const due: Counter[] = [];
  for await (const page of deps.table.dueCounters(creatorId)) due.push(...page);
  const total = { entries: 0, settledMicros: zeroMicros };
  if (shouldWait(deps, due)) return total;
  const failures: unknown[] = [];
  for (const counters of groupsForEntries(due)) {
    try {
      refuseAfter(deadlineMs, deps.clock);
      addResult(total, await settleCounters(deps, creatorId, counters, traceId, deadlineMs));
    } catch (error) {
      // The others are settled all the same.
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return total;
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
  for (const { id, body } of deliveries) {
    const results = await settleDelivery(deps, body, deadlineMs, traceId);
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

/** Counters that one transaction, and the lines that one item, can hold. */
function groupsForEntries(counters: readonly Counter[]): Counter[][] {
  const groups: Counter[][] = [];
  let lines = 0;
  for (const counter of counters) {
    const group = groups.at(-1);
    const more = pendingLines(counter).size;
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
  deps: SettleDeps,
  creatorId: CreatorId,
  asListed: readonly Counter[],
  traceId: string,
  deadlineMs: number,
): Promise<SettleResult> {
  let counters = asListed;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const lines = counters.flatMap(entryLines);
    if (lines.length === 0) {
      await clearDue(deps, counters);
      return { entries: 0, settledMicros: zeroMicros };
    }
    refuseAfter(deadlineMs, deps.clock);
    const { sequence } = await deps.table.readAccount(creatorId);
    const entry = settlementEntry({
      ...{ creatorId, lines, traceId, sequence: sequence + 1 },
      currency: deps.currency,
      bookedAtMs: deps.clock.nowMs(),
    });
    // A counter that is hot just now would lose every race for a quiet moment: it stays due.
    const drains = counters.map((counter) => ({ counter, clearDue: attempt === 0 }));
    if ((await deps.table.commit(entry, drains)) === "committed") {
      return { entries: 1, settledMicros: entry.amountMicros };
    }
    await deps.pacing.sleep(backoffMs(attempt, backoff, deps.pacing.random));
    counters = await deps.table.readCounters(counters.map(({ id }) => id));
    if (attempt > 0 && counters.length > 1) break;
  }
  if (counters.length === 1) {
    throw new Error(`creator ${JSON.stringify(creatorId)}: ${maxAttempts} settlements were raced`);
  }
  const total = { entries: 0, settledMicros: zeroMicros };
  for (const half of chunk(counters, Math.ceil(counters.length / 2))) {
    addResult(total, await settleCounters(deps, creatorId, half, traceId, deadlineMs));
  }
  return total;
}

function refuseAfter(deadlineMs: number, clock: Clock): void {
  if (clock.nowMs() >= deadlineMs) throw new Error("out of time; the rest is returned");
}

/** Settled by a rival, or kept on the list when it was hot. The list itself may lag behind. */
async function clearDue(deps: SettleDeps, counters: readonly Counter[]): Promise<void> {
  for (const { id, engagements, dueSinceMs } of counters) {
    if (dueSinceMs !== undefined) await deps.table.clearDue(id, engagements);
  }
}

/** Small sums may wait for company: an entry costs the same whatever it moves. */
function shouldWait(deps: SettleDeps, counters: readonly Counter[]): boolean {
  const pending = sumMicros(counters.map((counter) => totalMicros(pendingLines(counter))));
  if (pending >= deps.minMicros) return false;
  const nowMs = deps.clock.nowMs();
  const oldestDueMs = Math.min(...counters.map(({ dueSinceMs = nowMs }) => dueSinceMs));
  return nowMs - oldestDueMs < deps.maxWaitMs;
}

function entryLines(counter: Counter): EntryLine[] {
  return [...pendingLines(counter)].map(([key, { count, micros }]) => {
    const { kind, rateCardVersion } = parseLineKey(key);
    const { articleId, day } = counter.id;
    return { articleId, day, kind, rateCardVersion, count, amountMicros: micros };
  });
}
