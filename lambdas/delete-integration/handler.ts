import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbIntegrations } from "../../adapters/dynamodb/integration-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { integrationIdSchema } from "../../core/contracts/job-types.ts";
import { readIntegration } from "../../core/integrations/integration.ts";

const store = dynamoDbIntegrations(documentClient, setting("registryTable"));

export const handler = apiHandler(async ({ event }) => {
  const integrationId = pathParameter(event, "integrationId", integrationIdSchema);
  await readIntegration(store, integrationId);
  await store.delete(integrationId);
  return ok({ integrationId, deleted: true });
});
