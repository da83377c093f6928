import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCountersInRange } from "../../adapters/dynamodb/counters-in-range.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { jsonBody } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { dryRunRateCardSchema } from "../../core/contracts/registry-bodies.ts";
import { dryRunRateCard } from "../../core/earnings/dry-run-rate-card.ts";
import { validate } from "../../core/perimeter/validate.ts";

const deps = {
  counters: dynamoDbCountersInRange(documentClient, setting("earningsCountersTable")),
  articles: dynamoDbArticles(documentClient, setting("registryTable")),
  currency: setting("currency"),
};

/** Needs no Idempotency-Key: it changes nothing. */
export const handler = apiHandler(async ({ event }) =>
  ok(await dryRunRateCard(deps, validate(dryRunRateCardSchema, jsonBody(event)))),
);
