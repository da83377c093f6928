import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbWebhookEndpoints } from "../../adapters/dynamodb/webhook-endpoints.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently } from "../../adapters/lambda/idempotency.ts";
import { urlCheckFromEnvironment } from "../../adapters/outbound/outbound-from-environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import {
  patchWebhookEndpointSchema,
  putWebhookEndpointSchema,
  webhookEndpointIdSchema,
} from "../../core/contracts/webhook-bodies.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { patchEndpoint, putEndpoint } from "../../core/webhooks/manage-endpoints.ts";
import { presentEndpoint } from "../../core/webhooks/present-endpoint.ts";

const deps = {
  endpoints: dynamoDbWebhookEndpoints(documentClient, setting("webhooksTable")),
  checkUrl: urlCheckFromEnvironment(),
  clock: systemClock,
};

const put = idempotently(async ({ event }, body) => {
  const endpointId = pathParameter(event, "endpointId", webhookEndpointIdSchema);
  const owner = ownerOf(callerOf(event));
  const endpoint = event.routeKey.startsWith("PATCH ")
    ? await patchEndpoint(deps, owner, endpointId, validate(patchWebhookEndpointSchema, body))
    : await putEndpoint(deps, owner, endpointId, validate(putWebhookEndpointSchema, body));
  return ok(presentEndpoint(endpoint, systemClock.nowMs()));
});

export const handler = apiHandler((call) => put(call, jsonBody(call.event)));
