import { payoutsDue } from "../contracts/events.ts";
import type { CreatorId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import { accountBuckets } from "../contracts/storage.ts";
import { entryIdOf } from "../ledger/entry.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { chunk } from "../values/group-by.ts";
import type { Clock } from "../values/time.ts";
import type { PayoutStore } from "./payout.ts";
import { announcePayout } from "./request-payout.ts";

/** Which monthly runs are done, and whom they concern. */
export interface PayoutRuns {
  /** @param run `yyyy-mm` */
  isDone(run: string): Promise<boolean>;
  markDone(run: string, atMs: number): Promise<void>;
  /** Creators with an account, page by page. The list may lag. */
  accounts(bucket: number): AsyncIterable<readonly CreatorId[]>;
}

interface Deps {
  readonly payouts: PayoutStore;
  readonly runs: PayoutRuns;
  readonly bus: EventPublisher;
  readonly clock: Clock;
  /** 1 to 28. */
  readonly dayOfMonth: number;
  readonly onUnannounced: (payoutId: string, error: unknown) => void;
}

/** Early enough for the banks' day, late enough for the settlement of the last month's end. */
const hourOfDay = 6;

/** The run that is due or was, `yyyy-mm`; undefined before this month's day. */
export function runDue(nowMs: number, dayOfMonth: number): string | undefined {
  const now = new Date(nowMs);
  const dueMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), dayOfMonth, hourOfDay);
  return nowMs < dueMs ? undefined : now.toISOString().slice(0, 7);
}

/**
 * Announces what was reserved and, killed then, not announced; and once a month, from its day on,
 * names every creator with an account to `pay-creators`. Repeating it, whole or in part, pays
 * nobody twice: a run is one request of each creator.
 */
export async function runPayouts(deps: Deps, traceparent: string) {
  const reminded = await announceOpen(deps, traceparent);
  const run = runDue(deps.clock.nowMs(), deps.dayOfMonth);
  if (run === undefined || (await deps.runs.isDone(run))) return { ...reminded, named: 0 };
  const buckets = Array.from({ length: accountBuckets }, (_, bucket) => bucket);
  const named = await Promise.all(
    buckets.map((bucket) => nameCreators(deps, run, bucket, traceparent)),
  );
  await deps.runs.markDone(run, deps.clock.nowMs());
  return { ...reminded, run, named: named.reduce((sum, count) => sum + count, 0) };
}

async function announceOpen(deps: Deps, traceparent: string) {
  let open = 0;
  let announced = 0;
  let oldestRequestedAtMs = deps.clock.nowMs();
  for await (const payout of deps.payouts.openPayouts()) {
    open += 1;
    oldestRequestedAtMs = Math.min(oldestRequestedAtMs, payout.requestedAtMs);
    if (payout.announced) continue;
    try {
      await announcePayout(deps, payout, traceparent);
      announced += 1;
    } catch (error) {
      // The next run tries again; the others are announced all the same.
      deps.onUnannounced(entryIdOf(payout), error);
    }
  }
  return { open, announced, oldestAgeMs: deps.clock.nowMs() - oldestRequestedAtMs };
}

async function nameCreators(
  { runs, bus }: Deps,
  run: string,
  bucket: number,
  traceparent: string,
): Promise<number> {
  let count = 0;
  for await (const page of runs.accounts(bucket)) {
    const events = chunk(page, limits.maxCreatorsPerSettlementEvent).map((creatorIds) => ({
      contract: payoutsDue,
      detail: { schemaVersion: 1, traceparent, run, creatorIds },
    }));
    await bus.publish(events);
    count += page.length;
  }
  return count;
}
