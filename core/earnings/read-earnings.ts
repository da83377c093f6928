import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import type { EngagementKind } from "../contracts/kinds.ts";
import { limits } from "../contracts/limits.ts";
import type { LedgerAccount } from "../ledger/entry.ts";
import { Problem } from "../perimeter/problem.ts";
import { chunk } from "../values/group-by.ts";
import { type Micros, micros, sumMicros } from "../values/micros.ts";
import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import {
  type Counter,
  type CounterId,
  parseLineKey,
  pendingLines,
  totalMicros,
} from "./counter.ts";

/** What a creator's account and some counters held at one and the same moment. */
export interface EarningsSnapshot {
  readonly account: LedgerAccount;
  readonly counters: readonly Counter[];
}

export interface EarningsReader {
  /** Counters on the due list, in pages of at most `maxCountersPerEntry`. The list may lag. */
  dueCounterIds(creatorId: CreatorId): AsyncIterable<readonly CounterId[]>;
  /** Isolated from every transaction; `contended` when one held an item at each attempt. */
  snapshot(
    creatorId: CreatorId,
    ids: readonly CounterId[],
  ): Promise<EarningsSnapshot | "contended">;
  /**
   * A creator's counters in order of article, those of one article together, starting after
   * `afterArticleId`.
   */
  counters(creatorId: CreatorId, afterArticleId: string | undefined): AsyncIterable<Counter>;
}

export interface Balance {
  readonly creatorId: CreatorId;
  readonly currency: string;
  readonly settledMicros: string;
  readonly pendingMicros: string;
  readonly asOf: string;
}

interface BalanceDeps {
  readonly earnings: Pick<EarningsReader, "dueCounterIds" | "snapshot">;
  readonly clock: Clock;
  readonly pacing: Pacing;
  readonly currency: string;
}

const maxReads = 8;
const backoff: Backoff = { baseMs: 20, capMs: 500 };

/**
 * Settled and pending as of one moment: account and counters are read in one transaction, or in
 * several between which no settlement came, so no micro shows twice or not at all.
 * @throws Problem 503 when writers were in the way each time.
 */
export async function readBalance(deps: BalanceDeps, creatorId: CreatorId): Promise<Balance> {
  for (let read = 0; read < maxReads; read += 1) {
    if (read > 0) await deps.pacing.sleep(backoffMs(read, backoff, deps.pacing.random));
    const sums = await tryReadSums(deps, creatorId);
    if (sums === "contended") continue;
    return {
      creatorId,
      currency: deps.currency,
      settledMicros: String(sums.settledMicros),
      pendingMicros: String(sums.pendingMicros),
      asOf: new Date(deps.clock.nowMs()).toISOString(),
    };
  }
  throw new Problem(503, "unavailable", "Try again", "This balance is being settled just now.", {
    retryAfterSeconds: 1,
  });
}

async function tryReadSums(deps: BalanceDeps, creatorId: CreatorId) {
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
  return {
    settledMicros: account.settledMicros,
    pendingMicros: sumMicros(counters.map((counter) => totalMicros(pendingLines(counter)))),
  };
}

/** All at once if it can be; counters that are busy with being counted are caught in parts. */
async function snapshotsOf(
  deps: BalanceDeps,
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

const fieldOf = {
  view: "views",
  read: "reads",
  reaction: "reactions",
  comment: "comments",
  search_visit: "searchVisits",
} as const satisfies Record<EngagementKind, string>;

interface ArticleSums {
  articleId: ArticleId;
  views: number;
  reads: number;
  reactions: number;
  comments: number;
  searchVisits: number;
  micros: Micros;
}

export interface EarningsPage {
  readonly items: readonly (Omit<ArticleSums, "micros"> & { readonly micros: string })[];
  readonly nextCursor?: string;
}

/** What each article earned since it was registered, settled or not, in order of article id. */
export async function readEarnings(
  earnings: EarningsReader,
  creatorId: CreatorId,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<EarningsPage> {
  const items: ArticleSums[] = [];
  const page = (nextCursor?: string): EarningsPage => ({
    items: items.map((item) => ({ ...item, micros: String(item.micros) })),
    ...(nextCursor === undefined ? {} : { nextCursor }),
  });
  for await (const counter of earnings.counters(creatorId, cursor)) {
    let current = items.at(-1);
    if (current?.articleId !== counter.id.articleId) {
      if (current && items.length === limit) return page(current.articleId);
      current = emptySums(counter.id.articleId);
      items.push(current);
    }
    addCounter(current, counter);
  }
  return page();
}

function emptySums(articleId: ArticleId): ArticleSums {
  const none = { views: 0, reads: 0, reactions: 0, comments: 0, searchVisits: 0 };
  return { articleId, ...none, micros: micros(0) };
}

function addCounter(sums: ArticleSums, { counted }: Counter): void {
  for (const [key, total] of counted) {
    sums[fieldOf[parseLineKey(key).kind]] += Number(total.count);
    sums.micros = (sums.micros + total.micros) as Micros;
  }
}
