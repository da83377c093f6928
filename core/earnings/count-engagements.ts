import { type AcceptedEngagement, engagementsAccepted } from "../contracts/events.ts";
import type { Delivery } from "../messaging/delivery.ts";
import { readEvent, UnreadableEvent } from "../messaging/read-event.ts";
import type { Article, ArticleStore } from "../registry/article.ts";
import {
  allRateCards,
  cardInForce,
  type RateCard,
  type RateCardStore,
} from "../registry/rate-card.ts";
import { type Clock, endOfUtcDayMs, utcDayOf } from "../values/time.ts";
import type { CountOnce, Decision, Recorded, RejectedDecision } from "./count-once.ts";
import { lineKey } from "./counter.ts";
import { type ImpressionKey, impressionKeyOf, type Sha256Hex } from "./impression-key.ts";

export interface CountDeps {
  readonly articles: ArticleStore;
  readonly rateCards: RateCardStore;
  readonly countOnce: CountOnce;
  readonly clock: Clock;
  readonly sha256: Sha256Hex;
  readonly publisherId: string;
  readonly currency: string;
  /** How long an impression key outlives its day. */
  readonly dedupeTtlMs: number;
  /** Told of each message that can never be counted; it goes to the DLQ. */
  readonly onUnreadable?: (deliveryId: string, error: UnreadableEvent) => void;
}

/** Clocks are minutes off, and a commit comes after its decision: refuse well before a key goes. */
const forgettingMarginMs = 3_600_000;

/** So that one refused as too late is counted as refused once, should it come again. */
const rejectionMemoryMs = 30 * 86_400_000;

export interface CountResult {
  /** Deliveries to return to the queue: unreadable, or holding an engagement still undecided. */
  readonly failedIds: readonly string[];
  /** Impression keys decided now, paid or rejected. */
  readonly recorded: number;
  readonly rejected: readonly RejectedDecision[];
  readonly duplicates: number;
}

/**
 * Counts the engagements of a batch of messages, each impression key once.
 * @param deadlineMs when to stop and return the rest to the queue.
 */
export async function countEngagements(
  deps: CountDeps,
  deliveries: readonly Delivery[],
  deadlineMs: number,
): Promise<CountResult> {
  const failed = new Set<string>();
  const keysByDelivery = new Map<string, ImpressionKey[]>();
  const engagements = new Map<ImpressionKey, AcceptedEngagement>();
  let presented = 0;
  for (const delivery of deliveries) {
    const read = readDelivery(deps, delivery);
    if (!read) {
      failed.add(delivery.id);
      continue;
    }
    presented += read.length;
    const keys = read.map((engagement) =>
      impressionKeyOf(deps.sha256, deps.publisherId, engagement),
    );
    keysByDelivery.set(delivery.id, keys);
    keys.forEach((key, index) => {
      const engagement = read[index];
      if (engagement && !engagements.has(key)) engagements.set(key, engagement);
    });
  }
  const decisions = await decide(deps, engagements);
  const results = await deps.countOnce.record(decisions, deadlineMs);
  for (const [id, keys] of keysByDelivery) {
    // Fails closed: a key that the counting step did not speak of is undecided too.
    const decided = (key: ImpressionKey) => (results.get(key) ?? "undecided") !== "undecided";
    if (!keys.every(decided)) failed.add(id);
  }
  return { failedIds: [...failed], ...summarise(decisions, results, presented) };
}

function readDelivery(deps: CountDeps, { id, body }: Delivery): AcceptedEngagement[] | undefined {
  try {
    return readEvent(engagementsAccepted, body).engagements;
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error;
    deps.onUnreadable?.(id, error);
    return undefined;
  }
}

async function decide(
  deps: CountDeps,
  engagements: ReadonlyMap<ImpressionKey, AcceptedEngagement>,
): Promise<Decision[]> {
  if (engagements.size === 0) return [];
  // Both are read afresh for each batch: a price or a creator from a cache would be wrong money.
  const [cards, articles] = await Promise.all([
    allRateCards(deps.rateCards, deps.currency),
    deps.articles.getMany([...new Set([...engagements.values()].map((e) => e.articleId))]),
  ]);
  return [...engagements].map(([key, engagement]) =>
    decideOne(deps, key, engagement, articles.get(engagement.articleId), cards),
  );
}

function decideOne(
  deps: CountDeps,
  key: ImpressionKey,
  { articleId, kind, occurredAtMs }: AcceptedEngagement,
  article: Article | undefined,
  cards: readonly RateCard[],
): Decision {
  const day = utcDayOf(occurredAtMs);
  const expiresAtMs = endOfUtcDayMs(day) + deps.dedupeTtlMs;
  const about = { articleId, kind, occurredAtMs };
  const refused = { outcome: "rejected", key, expiresAtMs, engagement: about } as const;
  // From then on the key may be gone, and with it the proof that it was not paid before.
  if (deps.clock.nowMs() >= expiresAtMs - forgettingMarginMs) {
    const rememberedUntilMs = deps.clock.nowMs() + rejectionMemoryMs;
    return { ...refused, expiresAtMs: rememberedUntilMs, reason: "past_dedupe_horizon" };
  }
  if (!article) return { ...refused, reason: "unknown_article" };
  const card = cardInForce(cards, occurredAtMs);
  return {
    outcome: "paid",
    key,
    expiresAtMs,
    counter: { creatorId: article.creatorId, articleId, day },
    line: lineKey(kind, card.version),
    micros: card.prices[kind],
  };
}

function summarise(
  decisions: readonly Decision[],
  results: ReadonlyMap<ImpressionKey, Recorded>,
  presented: number,
) {
  let recorded = 0;
  const rejected: RejectedDecision[] = [];
  let duplicates = presented - decisions.length;
  for (const decision of decisions) {
    const result = results.get(decision.key);
    if (result === "duplicate") duplicates += 1;
    if (result === "recorded") recorded += 1;
    if (result === "recorded" && decision.outcome === "rejected") rejected.push(decision);
  }
  return { recorded, rejected, duplicates };
}
