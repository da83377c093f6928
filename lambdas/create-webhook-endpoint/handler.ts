import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbWebhookEndpoints } from "../../adapters/dynamodb/webhook-endpoints.ts";
import { apiHandler, located } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { urlCheckFromEnvironment } from "../../adapters/outbound/outbound-from-environment.ts";
import { sha256Hex, systemClock } from "../../adapters/runtime.ts";
import { secretsFromEnvironment } from "../../adapters/webhooks/standard-webhooks.ts";
import { withSecret } from "../../adapters/webhooks/with-secret.ts";
import { createWebhookEndpointSchema } from "../../core/contracts/webhook-bodies.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { canonicalJson } from "../../core/values/canonical-json.ts";
import { pathOfEndpoint } from "../../core/webhooks/endpoint.ts";
import { createEndpoint } from "../../core/webhooks/manage-endpoints.ts";
import { presentEndpoint, shownSecret } from "../../core/webhooks/present-endpoint.ts";

const deps = {
  endpoints: dynamoDbWebhookEndpoints(documentClient, setting("webhooksTable")),
  checkUrl: urlCheckFromEnvironment(),
  clock: systemClock,
};
const secrets = secretsFromEnvironment();

const create = idempotently(async ({ event }, body) => {
  const endpoint = await createEndpoint(deps, validate(createWebhookEndpointSchema, body), {
    owner: ownerOf(callerOf(event)),
    requestId: requestIdOf(event),
    fingerprint: sha256Hex(canonicalJson(body)),
  });
  const said = { ...presentEndpoint(endpoint, systemClock.nowMs()), ...shownSecret(endpoint) };
  return located(201, pathOfEndpoint(endpoint.endpointId), said);
});

export const handler = apiHandler(async (call) =>
  withSecret(secrets, await create(call, jsonBody(call.event))),
);
