import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { rateCardsQuerySchema } from "../../core/contracts/queries.ts";
import {
  cardsOfScope,
  scopedCardInForce,
  scopeOfQuery,
} from "../../core/registry/cards-of-scope.ts";
import { presentRateCard } from "../../core/registry/rate-card.ts";

const registryTable = setting("registryTable");
const stores = {
  rateCards: dynamoDbRateCards(documentClient, registryTable),
  articles: dynamoDbArticles(documentClient, registryTable),
  creators: dynamoDbCreators(documentClient, registryTable),
  clock: systemClock,
  currency: setting("currency"),
};

export const handler = apiHandler(async ({ event }) => {
  const scope = scopeOfQuery(query(event, rateCardsQuerySchema));
  const { cards } = await cardsOfScope(stores, scope);
  if (event.routeKey.endsWith("/current")) {
    return ok(presentRateCard(scopedCardInForce(cards, scope, systemClock.nowMs()), scope));
  }
  return ok({ items: cards.toReversed().map((card) => presentRateCard(card, scope)) });
});
