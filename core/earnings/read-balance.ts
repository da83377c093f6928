import type { CreatorId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import { heldOf, inPayoutOf, type LedgerAccount, payableOf } from "../ledger/entry.ts";
import { problems } from "../perimeter/problem.ts";
import { chunk } from "../values/group-by.ts";
import { sumMicros } from "../values/micros.ts";
import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import { type Counter, type CounterId, effectOfLines, pendingLines } from "./counter.ts";

/** What a creator's account and some counters held at one and the same moment. */
export interface EarningsSnapshot {
  readonly account: LedgerAccount;
  readonly counters: readonly Counter[];
}

export interface BalanceReader {
  /** Counters on the due list, in pages of at most `maxCountersPerEntry`. The list may lag. */
  dueCounterIds(creatorId: CreatorId): AsyncIterable<readonly CounterId[]>;
  /** Isolated from every transaction; `contended` when one held an item at each attempt. */
  snapshot(
    creatorId: CreatorId,
    ids: readonly CounterId[],
  ): Promise<EarningsSnapshot | "contended">;
}

/** Micros as decimal strings. */
export interface Balance {
  readonly creatorId: CreatorId;
  readonly currency: string;
  /** Payable, in the ledger; negative when what was paid out turned out to be void. */
  readonly settledMicros: string;
  /** What the next settlement adds to it; negative when it takes something back. */
  readonly pendingMicros: string;
  /** Earned, but waiting for its hold to be over; settled or not. */
  readonly heldMicros: string;
  /** On its way to the creator. */
  readonly inPayoutMicros: string;
  readonly asOf: string;
}

interface Deps {
  readonly earnings: BalanceReader;
  readonly clock: Clock;
  readonly pacing: Pacing;
  readonly currency: string;
}

const maxReads = 8;
const backoff: Backoff = { baseMs: 20, capMs: 500 };

/**
 * Settled and pending as of one moment: account and counters are read in one transaction, or in
 * several between which no settlement came, so no micro shows twice or not at all. A pool's money
 * shows once its day is priced.
 * @throws Problem 503 when writers were in the way each time.
 */
export async function readBalance(deps: Deps, creatorId: CreatorId): Promise<Balance> {
  for (let read = 0; read < maxReads; read += 1) {
    if (read > 0) await deps.pacing.sleep(backoffMs(read, backoff, deps.pacing.random));
    const sums = await tryReadSums(deps, creatorId);
    if (sums === "contended") continue;
    return {
      creatorId,
      currency: deps.currency,
      settledMicros: String(sums.settled),
      pendingMicros: String(sums.pending),
      heldMicros: String(sums.held),
      inPayoutMicros: String(sums.inPayout),
      asOf: new Date(deps.clock.nowMs()).toISOString(),
    };
  }
  throw problems.unavailable("This balance is being settled just now.");
}

async function tryReadSums(deps: Deps, creatorId: CreatorId) {
  // Listed to the end before the first snapshot: what a settlement takes off the list meanwhile is
  // in the account by then.
  const due: CounterId[] = [];
  for await (const ids of deps.earnings.dueCounterIds(creatorId)) due.push(...ids);
  const chunks = due.length === 0 ? [[]] : chunk(due, limits.maxCountersPerEntry);
  const snapshots: EarningsSnapshot[] = [];
  for (const ids of chunks) {
    const parts = await snapshotsOf(deps, creatorId, ids);
    if (parts === "contended") return "contended";
    snapshots.push(...parts);
  }
  const sequences = new Set(snapshots.map(({ account }) => account.sequence));
  const account = snapshots[0]?.account;
  if (!account || sequences.size > 1) return "contended";
  const counters = snapshots.flatMap((snapshot) => snapshot.counters);
  const pending = counters.map((counter) => effectOfLines(pendingLines(counter)));
  return {
    settled: payableOf(account.totals),
    pending: sumMicros(pending.map(({ payable }) => payable)),
    held: sumMicros([heldOf(account.totals), ...pending.map(({ held }) => held)]),
    inPayout: inPayoutOf(account.totals),
  };
}

/** All at once if it can be; counters that are busy with being counted are caught in parts. */
async function snapshotsOf(
  deps: Deps,
  creatorId: CreatorId,
  ids: readonly CounterId[],
): Promise<EarningsSnapshot[] | "contended"> {
  for (let attempt = 0; attempt < maxReads; attempt += 1) {
    const snapshot = await deps.earnings.snapshot(creatorId, ids);
    if (snapshot !== "contended") return [snapshot];
    if (ids.length > 1) break;
    await deps.pacing.sleep(backoffMs(attempt, backoff, deps.pacing.random));
  }
  if (ids.length < 2) return "contended";
  const snapshots: EarningsSnapshot[] = [];
  for (const half of chunk(ids, Math.ceil(ids.length / 2))) {
    const parts = await snapshotsOf(deps, creatorId, half);
    if (parts === "contended") return "contended";
    snapshots.push(...parts);
  }
  return snapshots;
}
