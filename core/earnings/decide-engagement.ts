import type { AcceptedEngagement } from "../contracts/events.ts";
import type { ArticleGroupId, ArticleId, CreatorId } from "../contracts/ids.ts";
import type { PricedKind } from "../contracts/kinds.ts";
import { type Article, termsInForce } from "../registry/article.ts";
import { type ArticleGroup, groupTermsInForce } from "../registry/article-group.ts";
import type { Creator } from "../registry/creator.ts";
import { dayMs, endOfUtcDayMs, hourMs, utcDayOf } from "../values/time.ts";
import type { Credit, Decision, Presentation } from "./count-once.ts";
import { noLine } from "./counter.ts";
import { type ImpressionKey, readerDayIn, readerDayOn } from "./impression-key.ts";
import {
  type IsBot,
  judgeEngagement,
  type TrafficRules,
  type Verdict,
} from "./judge-engagement.ts";
import { lineKey, type Movement } from "./line.ts";
import { poolDayOf } from "./pool-day.ts";
import { type Cards, cardFor, type Part, partsOf } from "./price-engagement.ts";
import type { ReaderDays } from "./reader-days.ts";

export interface DecideDeps {
  readonly traffic: TrafficRules;
  readonly isBot: IsBot;
  /** How long an impression key outlives its day. */
  readonly dedupeTtlMs: number;
  /** How long after its end a pool's day stays open for what comes late. */
  readonly poolOpenMs: number;
}

/** What is registered, as read for one batch. */
export interface Registry {
  readonly articles: ReadonlyMap<ArticleId, Article>;
  readonly creators: ReadonlyMap<CreatorId, Creator>;
  readonly cards: Cards;
  readonly groups: ReadonlyMap<ArticleGroupId, ArticleGroup>;
}

interface Candidate {
  readonly key: ImpressionKey;
  readonly engagement: AcceptedEngagement;
  readonly presentation: Presentation | undefined;
}

/** Clocks are minutes off, and a commit comes after its decision: refuse well before a key goes. */
const forgettingMarginMs = hourMs;

/** So that one refused as too late is counted as refused once, should it come again. */
const rejectionMemoryMs = 30 * dayMs;

/** What an engagement is worth, and to whom, if its key turns out to be new. */
export function decideEngagement(
  deps: DecideDeps,
  registry: Registry,
  readers: ReaderDays,
  nowMs: number,
  { key, engagement, presentation }: Candidate,
): Decision {
  const { articleId, kind, occurredAtMs } = engagement;
  const day = utcDayOf(occurredAtMs);
  const expiresAtMs = endOfUtcDayMs(day) + deps.dedupeTtlMs;
  const about = { key, expiresAtMs, presentation, engagement: { articleId, kind, occurredAtMs } };
  // From then on the key may be gone, and with it the proof that it was not paid before.
  if (nowMs >= expiresAtMs - forgettingMarginMs) {
    const rememberedUntilMs = nowMs + rejectionMemoryMs;
    const reason = "past_dedupe_horizon" as const;
    return { ...about, outcome: "rejected", expiresAtMs: rememberedUntilMs, reason };
  }
  const article = registry.articles.get(articleId);
  if (!article) return { ...about, outcome: "rejected", reason: "unknown_article" };

  const terms = termsInForce(article, occurredAtMs);
  const verdict = judgeEngagement({ ...deps.traffic, isBot: deps.isBot }, engagement, {
    terms,
    creators: registry.creators,
    ...readers.around(key, occurredAtMs),
    commentsPerReader: commentCap(registry, article, terms.shares[0]?.creatorId, occurredAtMs),
  });
  const counted = { ...about, outcome: "counted", kind: pricedKindOf(engagement) } as const;
  const pool = poolFor(registry.groups.get(terms.group), occurredAtMs, nowMs, deps.poolOpenMs);
  if (pool) {
    // Whom a creator's own card pays more would else take from everyone else in the pool.
    const cards = { ...registry.cards, creators: new Map<CreatorId, Creator>() };
    const parts = partsOf(cards, article, terms, counted.kind, occurredAtMs);
    const readerDay = readerDayOn(readerDayIn(key), pool.day);
    const left = pool.readerCap - readers.poolWeight(readerDay, pool.groupId);
    const price = parts[0]?.priceMicros ?? 0n;
    const inPool = judgeInPool(verdict, price > 0n && left <= 0n);
    const weight = left > 0n ? smaller(price, left) : 0n;
    return {
      ...counted,
      ...inPool,
      day: pool.day,
      credits: parts.map((part) => poolCredit(part, inPool, terms.version, counted.kind, weight)),
      ...(inPool.state === "paid" && {
        pool: { readerDay, group: pool.groupId, weight, cap: pool.readerCap },
        poolNumber: pool.number,
      }),
    };
  }
  const parts = partsOf(registry.cards, article, terms, counted.kind, occurredAtMs);
  return {
    ...counted,
    ...verdict,
    day,
    credits: parts.map((part) => rateCredit(part, verdict, terms.version, counted.kind)),
  };
}

/**
 * The pool and day that an engagement takes part in, if any. What is too late for its own day is the
 * current one's, and is paid by rates if there is no pool any more.
 */
function poolFor(
  group: ArticleGroup | undefined,
  occurredAtMs: number,
  nowMs: number,
  openMs: number,
) {
  if (!group || groupTermsInForce(group, occurredAtMs).model !== "pool") return undefined;
  const day = poolDayOf(occurredAtMs, nowMs, openMs);
  const terms = groupTermsInForce(group, endOfUtcDayMs(day) - 1);
  if (terms.model !== "pool") return undefined;
  return { groupId: group.groupId, number: group.number, readerCap: terms.readerCap, day };
}

function pricedKindOf({ kind, reaction, comment }: AcceptedEngagement): PricedKind {
  if (kind === "reaction") return `reaction:${reaction ?? "like"}`;
  // A browser's word on a comment's length is not taken: it counts as the least.
  if (kind === "comment") return `comment:${comment?.length ?? "short"}`;
  return kind;
}

function commentCap(
  { cards }: Registry,
  article: Article,
  creatorId: CreatorId | undefined,
  atMs: number,
): number {
  if (creatorId === undefined) return 0;
  return cardFor(cards, article, creatorId, atMs).card.commentsPerReader;
}

function rateCredit(
  { creatorId, card, micros, feeMicros }: Part,
  { state, reason }: Verdict,
  sharesVersion: number,
  kind: PricedKind,
): Credit {
  const line = lineKey({
    ...{ kind, card, sharesVersion },
    model: "rates",
    movement: state,
    ...(reason === undefined ? {} : { reason }),
  });
  const total = state === "void" ? noLine : { ...noLine, micros, feeMicros };
  return { creatorId, line, total: { ...total, count: 1n } };
}

const smaller = (a: bigint, b: bigint) => (a < b ? a : b);

/** A pool is paid out whole when its day is priced: what would be held elsewhere cannot wait here. */
function judgeInPool(verdict: Verdict, usedUp: boolean): Verdict {
  if (verdict.state === "held") return { ...verdict, state: "void" };
  if (verdict.state === "paid" && usedUp) return { state: "void", reason: "reader_cap" };
  return verdict;
}

function poolCredit(
  { creatorId, card, basisPoints }: Part,
  { state, reason }: Verdict,
  sharesVersion: number,
  kind: PricedKind,
  weight: bigint,
): Credit {
  const movement: Movement = state === "paid" ? "weighed" : "void";
  const line = lineKey({
    ...{ kind, card, sharesVersion, movement },
    model: "pool",
    ...(reason === undefined ? {} : { reason }),
  });
  const ofPart = movement === "weighed" ? weight * BigInt(basisPoints) : 0n;
  return { creatorId, line, total: { ...noLine, count: 1n, weight: ofPart } };
}
