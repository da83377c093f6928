import type { CreatorId } from "../contracts/ids.ts";
import type { PricedKind } from "../contracts/kinds.ts";
import { limits } from "../contracts/limits.ts";
import type { Article, ArticleTerms } from "../registry/article.ts";
import type { Creator } from "../registry/creator.ts";
import {
  type CardRef,
  cardInForce,
  ownCardInForce,
  priceOf,
  type RateCard,
} from "../registry/rate-card.ts";
import { allocate } from "../values/allocate.ts";
import type { Micros } from "../values/micros.ts";

/** What one engagement is worth to one of its article's creators. */
export interface Part {
  readonly creatorId: CreatorId;
  readonly basisPoints: number;
  readonly card: CardRef;
  readonly micros: Micros;
  readonly feeMicros: Micros;
  /** The whole price, before it was split: what the engagement weighs in a pool. */
  readonly priceMicros: Micros;
}

export interface Cards {
  /** The publisher's, oldest first, starting with the default. */
  readonly publisher: readonly RateCard[];
  readonly creators: ReadonlyMap<CreatorId, Pick<Creator, "rateCards">>;
}

/** An article's own card goes before its creator's, that before the publisher's. */
export function cardFor(
  cards: Cards,
  article: Pick<Article, "rateCards">,
  creatorId: CreatorId,
  atMs: number,
): { readonly card: RateCard; readonly ref: CardRef } {
  const ofArticle = ownCardInForce(article.rateCards, atMs);
  if (ofArticle) return { card: ofArticle, ref: `a${ofArticle.version}` };
  const ofCreator = ownCardInForce(cards.creators.get(creatorId)?.rateCards ?? [], atMs);
  if (ofCreator) return { card: ofCreator, ref: `c${ofCreator.version}` };
  const ofPublisher = cardInForce(cards.publisher, atMs);
  return { card: ofPublisher, ref: `${ofPublisher.version}` };
}

/**
 * What one engagement pays each creator of an article. The same engagement always splits the same
 * way, so a line of many is its count times one part, exactly.
 */
export function partsOf(
  cards: Cards,
  article: Pick<Article, "rateCards">,
  { shares }: Pick<ArticleTerms, "shares">,
  kind: PricedKind,
  atMs: number,
): Part[] {
  return shares.map(({ creatorId, basisPoints }, index) => {
    const { card, ref } = cardFor(cards, article, creatorId, atMs);
    const part = partOf(card, shares, index, kind);
    return { creatorId, basisPoints, card: ref, ...part };
  });
}

/** The part of the creator at `index` under a card: their share, less the publisher's fee on it. */
export function partOf(
  card: RateCard,
  shares: ArticleTerms["shares"],
  index: number,
  kind: PricedKind,
): Pick<Part, "micros" | "feeMicros" | "priceMicros"> {
  const priceMicros = priceOf(card, kind);
  const weights = shares.map((share) => BigInt(share.basisPoints));
  const gross = allocate(priceMicros, weights)[index] ?? 0n;
  // Rounded down: the odd micro is the creator's.
  const feeMicros = (gross * BigInt(card.feeBasisPoints)) / BigInt(limits.basisPoints);
  return {
    priceMicros,
    micros: (gross - feeMicros) as Micros,
    feeMicros: feeMicros as Micros,
  };
}
