import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbWebhookEndpoints } from "../../adapters/dynamodb/webhook-endpoints.ts";
import { dynamoDbEndpointHealths } from "../../adapters/dynamodb/webhook-healths.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { webhookEndpointIdSchema } from "../../core/contracts/webhook-bodies.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";
import { listEndpoints, showEndpoint } from "../../core/webhooks/read-endpoints.ts";

const deps = {
  endpoints: dynamoDbWebhookEndpoints(documentClient, setting("webhooksTable")),
  healths: dynamoDbEndpointHealths(documentClient, setting("webhooksTable")),
  clock: systemClock,
};

export const handler = apiHandler(async ({ event }) => {
  const owner = ownerOf(callerOf(event));
  if (event.pathParameters?.endpointId === undefined) return ok(await listEndpoints(deps, owner));
  const endpointId = pathParameter(event, "endpointId", webhookEndpointIdSchema);
  return ok(await showEndpoint(deps, owner, endpointId));
});
