import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { apiHandler } from "../../adapters/lambda/api-handler.ts";
import { jsonBody } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { publishRateCardSchema, putRateCardSchema } from "../../core/contracts/registry-bodies.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { publishRateCard } from "../../core/registry/publish-rate-card.ts";
import { presentRateCard } from "../../core/registry/rate-card.ts";

const registryTable = setting("registryTable");
const stores = {
  rateCards: dynamoDbRateCards(documentClient, registryTable),
  articles: dynamoDbArticles(documentClient, registryTable),
  creators: dynamoDbCreators(documentClient, registryTable),
  clock: systemClock,
  currency: setting("currency"),
};

/** `PUT …/current` is the short form: everybody's prices, from now on. */
const put = idempotently(async ({ event }, body) => {
  const isNew = event.routeKey.startsWith("POST ");
  const wanted = isNew
    ? validate(publishRateCardSchema, body)
    : { ...validate(putRateCardSchema, body), scope: "publisher" as const };
  const card = await publishRateCard(stores, wanted, requestIdOf(event));
  return { status: isNew ? 201 : 200, body: presentRateCard(card, wanted.scope) };
});

export const handler = apiHandler((call) => put(call, jsonBody(call.event)));
