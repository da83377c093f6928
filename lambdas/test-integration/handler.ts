import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbIntegrations } from "../../adapters/dynamodb/integration-store.ts";
import { rateLimiterFromEnvironment } from "../../adapters/dynamodb/pacing-from-environment.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { outboundFromEnvironment } from "../../adapters/outbound/outbound-from-environment.ts";
import { newId, systemClock } from "../../adapters/runtime.ts";
import { secretsFromEnvironment } from "../../adapters/webhooks/standard-webhooks.ts";
import { integrationIdSchema } from "../../core/contracts/job-types.ts";
import { testIntegration } from "../../core/integrations/test-integration.ts";

const deps = {
  store: dynamoDbIntegrations(documentClient, setting("registryTable")),
  limiter: rateLimiterFromEnvironment(),
  outbound: outboundFromEnvironment(),
  secrets: secretsFromEnvironment(),
  clock: systemClock,
  newId,
};

export const handler = apiHandler(async ({ event }) => {
  const integrationId = pathParameter(event, "integrationId", integrationIdSchema);
  return ok(await testIntegration(deps, integrationId));
});
