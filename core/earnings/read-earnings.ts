import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import type { EngagementKind } from "../contracts/kinds.ts";
import type { LedgerAccount } from "../ledger/entry.ts";
import { Problem } from "../perimeter/problem.ts";
import { type Micros, micros, sumMicros } from "../values/micros.ts";
import type { Clock } from "../values/time.ts";
import { type Counter, parseLineKey, pendingLines, totalMicros } from "./counter.ts";

/** Reads for creators; strongly consistent, except that the due list may lag by a moment. */
export interface EarningsReader {
  readAccount(creatorId: CreatorId): Promise<LedgerAccount>;
  /** Every counter of the creator that is on the due list, in pages. */
  dueCounters(creatorId: CreatorId): AsyncIterable<readonly Counter[]>;
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

const maxReads = 5;

/**
 * Settled and pending as of one moment: when a settlement commits between the two reads, the
 * account's number has changed and both are read again, so no micro shows twice or not at all.
 */
export async function readBalance(
  deps: { earnings: EarningsReader; clock: Clock; currency: string },
  creatorId: CreatorId,
): Promise<Balance> {
  let before = await deps.earnings.readAccount(creatorId);
  for (let read = 0; read < maxReads; read += 1) {
    let pending: bigint = 0n;
    for await (const counters of deps.earnings.dueCounters(creatorId)) {
      pending += sumMicros(counters.map((counter) => totalMicros(pendingLines(counter))));
    }
    const after = await deps.earnings.readAccount(creatorId);
    if (after.sequence === before.sequence) {
      return {
        creatorId,
        currency: deps.currency,
        settledMicros: String(after.settledMicros),
        pendingMicros: String(pending),
        asOf: new Date(deps.clock.nowMs()).toISOString(),
      };
    }
    before = after;
  }
  throw new Problem(503, "unavailable", "Try again", "This balance is being settled just now.", {
    retryAfterSeconds: 1,
  });
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
