import type * as z from "zod";
import { limits } from "../contracts/limits.ts";
import type { rateCardsQuerySchema } from "../contracts/queries.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";
import { type ArticleStore, readArticle } from "./article.ts";
import { blankCreator, type CreatorStore } from "./creator.ts";
import {
  allRateCards,
  type CardScope,
  ownCardInForce,
  type RateCard,
  type RateCardStore,
} from "./rate-card.ts";

export interface CardStores {
  readonly rateCards: RateCardStore;
  readonly articles: ArticleStore;
  readonly creators: CreatorStore;
  readonly clock: Clock;
  readonly currency: string;
}

/** The cards of one scope: the publisher's are items of their own, others lie in what owns them. */
export interface CardsOfScope {
  /** Oldest first; the publisher's start with the default. */
  readonly cards: readonly RateCard[];
  readonly maxCards: number;
  /** `raced` when another writer changed the scope since `cards` were read. */
  append(card: RateCard): Promise<"put" | "raced">;
}

/**
 * A creator that was never registered has no cards, and is registered by the first.
 * @throws Problem 404 when the scope's article is not registered.
 */
export async function cardsOfScope(stores: CardStores, scope: CardScope): Promise<CardsOfScope> {
  const { rateCards, articles, creators, clock } = stores;
  if (scope === "publisher") {
    return {
      cards: await allRateCards(rateCards, stores.currency),
      maxCards: Number.POSITIVE_INFINITY,
      append: async (card) => ((await rateCards.publish(card)) === "published" ? "put" : "raced"),
    };
  }
  const [owner, put] =
    "articleId" in scope
      ? ownedBy(await readArticle(articles, scope.articleId), articles)
      : ownedBy(
          (await creators.getMany([scope.creatorId])).get(scope.creatorId) ??
            blankCreator(scope.creatorId),
          creators,
        );
  return {
    cards: owner.rateCards,
    maxCards: limits.maxVersions,
    append: (card) => put([...owner.rateCards, card], clock.nowMs()),
  };
}

interface Owner {
  readonly rateCards: readonly RateCard[];
  readonly revision: number;
  readonly updatedAtMs: number;
}

function ownedBy<Kind extends Owner>(
  owner: Kind,
  store: { put(changed: Kind): Promise<"put" | "raced"> },
) {
  const put = (rateCards: readonly RateCard[], updatedAtMs: number) =>
    store.put({ ...owner, rateCards, updatedAtMs, revision: owner.revision + 1 });
  return [owner as Owner, put] as const;
}

/** @throws Problem 404 when a scope has no card of its own at that moment. */
export function scopedCardInForce(cards: readonly RateCard[], scope: CardScope, atMs: number) {
  const card = ownCardInForce(cards, atMs);
  if (card) return card;
  throw problems.notFound(`rate card in force of ${JSON.stringify(scope)}`);
}

/** @throws Problem 400 when a query names both an article and a creator. */
export function scopeOfQuery({
  articleId,
  creatorId,
}: z.infer<typeof rateCardsQuerySchema>): CardScope {
  if (articleId !== undefined && creatorId !== undefined) {
    const detail = "send either articleId or creatorId, not both";
    throw problems.invalid(`creatorId: ${detail}`, [{ field: "creatorId", detail }]);
  }
  if (articleId !== undefined) return { articleId };
  return creatorId === undefined ? "publisher" : { creatorId };
}
