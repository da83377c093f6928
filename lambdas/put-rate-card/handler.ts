import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { jsonBody } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { putRateCardSchema } from "../../core/contracts/bodies.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { presentRateCard, putRateCard } from "../../core/registry/rate-card.ts";

const deps = {
  rateCards: dynamoDbRateCards(documentClient, setting("registryTable")),
  clock: systemClock,
  currency: setting("currency"),
};

const put = idempotently(async (call, body) => {
  const card = await putRateCard(deps, validate(putRateCardSchema, body), requestIdOf(call.event));
  return ok(presentRateCard(card));
});

export const handler = apiHandler((call) => put(call, jsonBody(call.event)));
