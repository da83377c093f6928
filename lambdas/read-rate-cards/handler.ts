import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { allRateCards, cardInForce, presentRateCard } from "../../core/registry/rate-card.ts";

const rateCards = dynamoDbRateCards(documentClient, setting("registryTable"));
const currency = setting("currency");

export const handler = apiHandler(async ({ event }) => {
  const cards = await allRateCards(rateCards, currency);
  if (event.routeKey.endsWith("/current")) {
    return ok(presentRateCard(cardInForce(cards, systemClock.nowMs())));
  }
  return ok({ items: cards.toReversed().map(presentRateCard) });
});
