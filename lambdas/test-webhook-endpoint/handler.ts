import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbWebhookEndpoints } from "../../adapters/dynamodb/webhook-endpoints.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { apiHandler, located } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { roomFromEnvironment } from "../../adapters/lambda/room.ts";
import { sha256Hex, systemClock } from "../../adapters/runtime.ts";
import { emptySchema, webhookEndpointIdSchema } from "../../core/contracts/webhook-bodies.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { pathOfDelivery } from "../../core/webhooks/delivery.ts";
import { pingEndpoint } from "../../core/webhooks/ping-endpoint.ts";

const deps = {
  endpoints: dynamoDbWebhookEndpoints(documentClient, setting("webhooksTable")),
  bus: busFromEnvironment(),
  clock: systemClock,
  sha256: sha256Hex,
};

const ping = idempotently(async ({ event, trace }, body) => {
  validate(emptySchema, body);
  const endpointId = pathParameter(event, "endpointId", webhookEndpointIdSchema);
  const owner = ownerOf(callerOf(event));
  const request = { owner, endpointId, traceparent: trace.traceparent };
  const deliveryId = await pingEndpoint(deps, request, requestIdOf(event));
  return located(202, pathOfDelivery(deliveryId), { deliveryId });
});

export const handler = apiHandler(
  roomFromEnvironment().whileThereIs("webhook.test", (call) => ping(call, jsonBody(call.event))),
);
