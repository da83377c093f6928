import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbIntegrations } from "../../adapters/dynamodb/integration-store.ts";
import { apiHandler } from "../../adapters/lambda/api-handler.ts";
import { jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { secretsFromEnvironment } from "../../adapters/webhooks/standard-webhooks.ts";
import { withSecret } from "../../adapters/webhooks/with-secret.ts";
import { integrationIdSchema } from "../../core/contracts/job-types.ts";
import { rotateWebhookSecretSchema } from "../../core/contracts/webhook-bodies.ts";
import { rotateIntegrationSecret } from "../../core/integrations/put-integration.ts";
import { presentWritten } from "../../core/integrations/read-integrations.ts";
import { validate } from "../../core/perimeter/validate.ts";

const deps = {
  store: dynamoDbIntegrations(documentClient, setting("registryTable")),
  clock: systemClock,
};
const secrets = secretsFromEnvironment();

const rotate = idempotently(async ({ event }, body) => {
  const integrationId = pathParameter(event, "integrationId", integrationIdSchema);
  const wanted = validate(rotateWebhookSecretSchema, body);
  const requestId = requestIdOf(event);
  const written = await rotateIntegrationSecret(deps, integrationId, requestId, wanted);
  return { status: 201, body: presentWritten(written, deps.clock.nowMs()) };
});

export const handler = apiHandler(async (call) =>
  withSecret(secrets, await rotate(call, jsonBody(call.event))),
);
