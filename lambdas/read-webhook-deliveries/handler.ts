import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbWebhookDeliveries } from "../../adapters/dynamodb/webhook-deliveries.ts";
import { dynamoDbWebhookEndpoints } from "../../adapters/dynamodb/webhook-endpoints.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { webhookDeliveriesQuerySchema } from "../../core/contracts/webhook-bodies.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";
import { listDeliveries, readDelivery } from "../../core/webhooks/read-deliveries.ts";

const webhooksTable = setting("webhooksTable");
const deps = {
  endpoints: dynamoDbWebhookEndpoints(documentClient, webhooksTable),
  deliveries: dynamoDbWebhookDeliveries(documentClient, webhooksTable, systemClock),
  clock: systemClock,
};

export const handler = apiHandler(async ({ event }) => {
  const owner = ownerOf(callerOf(event));
  const deliveryId = event.pathParameters?.deliveryId;
  if (deliveryId !== undefined) return ok(await readDelivery(deps, owner, deliveryId));
  return ok(await listDeliveries(deps, owner, query(event, webhookDeliveriesQuerySchema)));
});
