import type { Pacing } from "../../core/values/retry.ts";
import type { Clock } from "../../core/values/time.ts";
import type { Api } from "../api/api-client.ts";
import { type Proof, readersEngagements, readProofIfAllowed } from "../proof/read-proof.ts";
import type { ExpectedArticle, ExpectedCounts } from "./expected-counts.ts";
import { type ArticleEarnings, readEarnings, totalOf } from "./read-account.ts";

/** One creator's part of an article: the engagements are those of every creator who shares it. */
export interface CountedArticle extends ArticleEarnings {
  readonly creatorId: string;
}

export interface Waited {
  /** What the API says each article of the log earned, in this run or before. */
  readonly articles: readonly CountedArticle[];
  /** Accepted engagements of which nothing is known yet, when waiting ended without them. */
  readonly missing: number;
}

interface Deps {
  readonly api: Api;
  readonly pacing: Pacing;
  readonly clock: Clock;
  readonly expected: ExpectedCounts;
  /** Read before anything was sent; undefined without an admin's token. */
  readonly proofBefore: Proof | undefined;
  /** Totals that stand still this long stand still for good, unless something is missing. */
  readonly quietMs: number;
  /** Give up when nothing moved for so long. */
  readonly patienceMs: number;
  readonly onWait?: (counted: number, of: number) => void;
}

const pollMs = { first: 500, most: 4_000, growth: 1.4 };

/**
 * Waits until what was accepted is accounted for (paid, held, void or rejected), by what the API
 * alone can tell, so that it works wherever the queues are. Done when every article has at least the
 * distinct engagements that were accepted for it, and the totals have either grown by exactly those
 * or stand still: an import that changes nothing has its counts at once, though its messages may
 * still be on their way. Which of them are paid is the API's to judge, and nothing is assumed of it.
 */
export async function waitUntilCounted(deps: Deps): Promise<Waited> {
  const { api, clock, expected, pacing, proofBefore } = deps;
  const startedMs = clock.nowMs();
  let [stableSinceMs, lastSeen, delayMs] = [startedMs, "", pollMs.first];
  while (true) {
    const seen = await look(deps);
    const nowMs = clock.nowMs();
    if (seen.fingerprint !== lastSeen) [stableSinceMs, lastSeen] = [nowMs, seen.fingerprint];
    deps.onWait?.(seen.grownBy, expected.distinct());
    const allNew = proofBefore !== undefined && seen.grownBy >= expected.distinct();
    const stableMs = nowMs - stableSinceMs;
    if ((allNew && expected.exact()) || stableMs >= deps.quietMs) {
      const articles = seen.articles ?? (await readArticles(api, expected.articles()));
      const missing = Math.max(0, shortOf(expected.articles(), articles) - seen.rejected);
      if (missing === 0 || stableMs >= deps.patienceMs) return { articles, missing };
    }
    await pacing.sleep(delayMs);
    delayMs = Math.min(delayMs * pollMs.growth, pollMs.most);
  }
}

interface Look {
  /** Changes when anything was counted. */
  readonly fingerprint: string;
  /** Engagements counted or refused since the run began, by anyone; 0 when unknown. */
  readonly grownBy: number;
  /** Of these, refused after acceptance: they will be in no counter. */
  readonly rejected: number;
  readonly articles?: readonly CountedArticle[];
}

async function look({ api, expected, proofBefore }: Deps): Promise<Look> {
  const proof = proofBefore && (await readProofIfAllowed(api));
  if (proofBefore && proof) {
    const rejected = Number(proof.rejected.engagements - proofBefore.rejected.engagements);
    const counted = Number(readersEngagements(proof) - readersEngagements(proofBefore));
    const fingerprint = `${readersEngagements(proof)} ${proof.rejected.engagements}`;
    return { fingerprint, grownBy: counted + rejected, rejected };
  }
  // Without the proof only the creators' earnings tell; far more requests, but any token may.
  const articles = await readArticles(api, expected.articles());
  const sum = articles.reduce((total, article) => total + accountedFor(article), 0);
  return { fingerprint: String(sum), grownBy: 0, rejected: 0, articles };
}

async function readArticles(
  api: Api,
  expected: readonly ExpectedArticle[],
): Promise<CountedArticle[]> {
  const creatorIds = [...new Set(expected.flatMap((article) => article.creatorIds))];
  const ofLog = new Set(expected.map(({ articleId }) => articleId));
  const read = await Promise.all(
    creatorIds.map(async (creatorId) => {
      const earnings = await readEarnings(api, creatorId);
      return earnings
        .filter(({ articleId }) => ofLog.has(articleId))
        .map((article) => ({ creatorId, ...article }));
    }),
  );
  return read.flat();
}

function accountedFor({ views, searchVisits, void: unpaid }: ArticleEarnings): number {
  return views + searchVisits + totalOf(unpaid);
}

/** How many expected engagements the counters lack, article by article. */
function shortOf(expected: readonly ExpectedArticle[], counted: readonly CountedArticle[]): number {
  // Summed over creators, for an article may have changed hands within the log. Where several share
  // it this asks for less than there must be, and the totals standing still is what ends the wait.
  const there = new Map<string, number>();
  for (const article of counted) {
    const { articleId } = article;
    there.set(articleId, (there.get(articleId) ?? 0) + accountedFor(article));
  }
  return expected.reduce(
    (short, { articleId, views, searchVisits }) =>
      short + Math.max(0, views + searchVisits - (there.get(articleId) ?? 0)),
    0,
  );
}
