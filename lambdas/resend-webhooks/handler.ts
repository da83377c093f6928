import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbWebhookDeliveries } from "../../adapters/dynamodb/webhook-deliveries.ts";
import { dynamoDbWebhookEndpoints } from "../../adapters/dynamodb/webhook-endpoints.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { apiHandler, located } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently } from "../../adapters/lambda/idempotency.ts";
import { roomFromEnvironment } from "../../adapters/lambda/room.ts";
import { systemClock } from "../../adapters/runtime.ts";
import {
  emptySchema,
  resendWebhooksSchema,
  webhookEndpointIdSchema,
} from "../../core/contracts/webhook-bodies.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { pathOfDelivery } from "../../core/webhooks/delivery.ts";
import { presentDelivery } from "../../core/webhooks/present-delivery.ts";
import { requestResend, resendDelivery } from "../../core/webhooks/resend.ts";

const webhooksTable = setting("webhooksTable");
const deps = {
  endpoints: dynamoDbWebhookEndpoints(documentClient, webhooksTable),
  deliveries: dynamoDbWebhookDeliveries(documentClient, webhooksTable, systemClock),
  bus: busFromEnvironment(),
  clock: systemClock,
};

const resend = idempotently(async ({ event, trace }, body) => {
  const owner = ownerOf(callerOf(event));
  const deliveryId = event.pathParameters?.deliveryId;
  if (deliveryId !== undefined) {
    validate(emptySchema, body);
    const delivery = await resendDelivery(deps, owner, deliveryId);
    return located(202, pathOfDelivery(deliveryId), presentDelivery(delivery));
  }
  const endpointId = pathParameter(event, "endpointId", webhookEndpointIdSchema);
  const { since: sinceMs } = validate(resendWebhooksSchema, body);
  const { traceparent } = trace;
  await requestResend(deps, { owner, endpointId, sinceMs, traceparent });
  const since = new Date(sinceMs).toISOString();
  const location = `/v1/webhook-deliveries?endpointId=${endpointId}&since=${since}`;
  return located(202, location, { endpointId, since, links: { deliveries: location } });
});

export const handler = apiHandler(
  roomFromEnvironment().whileThereIs("webhook.resend", (call) =>
    resend(call, jsonBody(call.event)),
  ),
);
