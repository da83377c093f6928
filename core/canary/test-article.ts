import { canaryArticleId, canaryCreatorId, canaryGroup } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import { type Article, type ArticleStore, termsInForce } from "../registry/article.ts";
import { defaultRateCard, ownCardInForce, type RateCard } from "../registry/rate-card.ts";
import { micros } from "../values/micros.ts";

/** A price of zero, and not an exception in payouts: money that is never earned can never be paid. */
export function canaryArticle(currency: string, nowMs: number): Article {
  const { prices, ...rest } = defaultRateCard(currency);
  const free: RateCard = {
    ...rest,
    version: 1,
    prices: Object.fromEntries(
      Object.keys(prices).map((kind) => [kind, micros(0)]),
    ) as typeof prices,
  };
  const shares = [{ creatorId: canaryCreatorId, basisPoints: limits.basisPoints }];
  return {
    articleId: canaryArticleId,
    title: "Pennyline's canary",
    terms: [{ version: 1, effectiveFromMs: 0, shares, group: canaryGroup }],
    rateCards: [free],
    updatedAtMs: nowMs,
    revision: 1,
  };
}

/** Whoever changed it could be paid for what no reader read. */
export function isHarmless(article: Article, nowMs: number): boolean {
  const terms = termsInForce(article, nowMs);
  const card = ownCardInForce(article.rateCards, nowMs);
  return (
    terms.group === canaryGroup &&
    terms.shares.every(({ creatorId }) => creatorId === canaryCreatorId) &&
    card !== undefined &&
    Object.values(card.prices).every((price) => price === 0n)
  );
}

/** Put there when it is missing. @returns whether it is as it has to be. */
export async function ensureTestArticle(
  articles: ArticleStore,
  currency: string,
  nowMs: number,
): Promise<boolean> {
  const stored = (await articles.getMany([canaryArticleId])).get(canaryArticleId);
  if (stored) return isHarmless(stored, nowMs);
  // Raced: another run has put the same.
  await articles.put(canaryArticle(currency, nowMs));
  return true;
}
