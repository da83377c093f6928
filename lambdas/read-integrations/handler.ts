import { dynamoDbCallOutcomes } from "../../adapters/dynamodb/call-outcomes.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbIntegrations } from "../../adapters/dynamodb/integration-store.ts";
import { breakersFromEnvironment } from "../../adapters/dynamodb/pacing-from-environment.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { pathParameter, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { integrationIdSchema } from "../../core/contracts/job-types.ts";
import { pageQuerySchema } from "../../core/contracts/queries.ts";
import { listIntegrations, showIntegration } from "../../core/integrations/read-integrations.ts";

const client = documentClient;
const clock = systemClock;
const deps = {
  store: dynamoDbIntegrations(client, setting("registryTable")),
  breakers: breakersFromEnvironment(),
  outcomes: dynamoDbCallOutcomes({ client, pacingTable: setting("pacingTable"), clock }),
  clock,
};

export const handler = apiHandler(async ({ event }) => {
  if (event.pathParameters?.integrationId === undefined) {
    return ok(await listIntegrations(deps, query(event, pageQuerySchema)));
  }
  const integrationId = pathParameter(event, "integrationId", integrationIdSchema);
  return ok(await showIntegration(deps, integrationId));
});
