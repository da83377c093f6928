import type { RateCard } from "../../core/registry/rate-card.ts";
import type { Item } from "./items.ts";

/** A rate card as an item's attributes or as a part of what owns it. */
export function rateCardAttributes(card: RateCard): Item {
  return {
    version: BigInt(card.version),
    currency: card.currency,
    effectiveFromMs: BigInt(card.effectiveFromMs),
    prices: card.prices,
    weights: {
      reaction: mapValues(card.weights.reaction, BigInt),
      comment: mapValues(card.weights.comment, BigInt),
    },
    feeBasisPoints: BigInt(card.feeBasisPoints),
    commentsPerReader: BigInt(card.commentsPerReader),
    requestId: card.requestId,
  };
}

export function rateCardFromAttributes(item: Item): RateCard {
  const weights = item.weights as Record<keyof RateCard["weights"], Record<string, bigint>>;
  return {
    version: Number(item.version),
    currency: String(item.currency),
    effectiveFromMs: Number(item.effectiveFromMs),
    prices: item.prices as RateCard["prices"],
    weights: {
      reaction: mapValues(weights.reaction, Number) as RateCard["weights"]["reaction"],
      comment: mapValues(weights.comment, Number) as RateCard["weights"]["comment"],
    },
    feeBasisPoints: Number(item.feeBasisPoints),
    commentsPerReader: Number(item.commentsPerReader),
    ...(item.requestId === undefined ? {} : { requestId: String(item.requestId) }),
  };
}

function mapValues<From, To>(values: Readonly<Record<string, From>>, change: (one: From) => To) {
  const changed = Object.entries(values).map(([name, value]) => [name, change(value)] as const);
  return Object.fromEntries(changed) as Record<string, To>;
}
