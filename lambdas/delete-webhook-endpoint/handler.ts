import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbWebhookEndpoints } from "../../adapters/dynamodb/webhook-endpoints.ts";
import { apiHandler } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { webhookEndpointIdSchema } from "../../core/contracts/webhook-bodies.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";
import { deleteEndpoint } from "../../core/webhooks/manage-endpoints.ts";

const endpoints = dynamoDbWebhookEndpoints(documentClient, setting("webhooksTable"));

export const handler = apiHandler(async ({ event }) => {
  const endpointId = pathParameter(event, "endpointId", webhookEndpointIdSchema);
  await deleteEndpoint(endpoints, ownerOf(callerOf(event)), endpointId);
  return { status: 204, body: undefined };
});
