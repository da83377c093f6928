import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbWebhookEndpoints } from "../../adapters/dynamodb/webhook-endpoints.ts";
import { apiHandler } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { secretsFromEnvironment } from "../../adapters/webhooks/standard-webhooks.ts";
import { withSecret } from "../../adapters/webhooks/with-secret.ts";
import { rotateWebhookSecretSchema } from "../../core/contracts/webhook-bodies.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { presentSecrets, shownSecret } from "../../core/webhooks/present-endpoint.ts";
import { rotateCallbackSecret } from "../../core/webhooks/rotate-secret.ts";

const clock = systemClock;
const deps = {
  endpoints: dynamoDbWebhookEndpoints(documentClient, setting("webhooksTable")),
  clock,
};
const secrets = secretsFromEnvironment();

const rotate = idempotently(async ({ event }, body) => {
  const request = { owner: ownerOf(callerOf(event)), requestId: requestIdOf(event) };
  const wanted = validate(rotateWebhookSecretSchema, body);
  const endpoint = await rotateCallbackSecret(deps, request, wanted);
  const said = { ...shownSecret(endpoint), secrets: presentSecrets(endpoint, clock.nowMs()) };
  return { status: 201, body: said };
});

export const handler = apiHandler(async (call) =>
  withSecret(secrets, await rotate(call, jsonBody(call.event))),
);
