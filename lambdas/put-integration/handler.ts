import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbIntegrations } from "../../adapters/dynamodb/integration-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { headersProblem } from "../../adapters/outbound/check-headers.ts";
import { urlCheckFromEnvironment } from "../../adapters/outbound/outbound-from-environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { secretsFromEnvironment } from "../../adapters/webhooks/standard-webhooks.ts";
import { withSecret } from "../../adapters/webhooks/with-secret.ts";
import {
  patchIntegrationSchema,
  putIntegrationSchema,
} from "../../core/contracts/integration-bodies.ts";
import { integrationIdSchema } from "../../core/contracts/job-types.ts";
import { patchIntegration, putIntegration } from "../../core/integrations/put-integration.ts";
import { presentWritten } from "../../core/integrations/read-integrations.ts";
import { validate } from "../../core/perimeter/validate.ts";

const deps = {
  store: dynamoDbIntegrations(documentClient, setting("registryTable")),
  checkUrl: urlCheckFromEnvironment(),
  checkHeaders: headersProblem,
  clock: systemClock,
};
const secrets = secretsFromEnvironment();

const put = idempotently(async ({ event }, body) => {
  const integrationId = pathParameter(event, "integrationId", integrationIdSchema);
  const written = event.routeKey.startsWith("PATCH ")
    ? await patchIntegration(deps, integrationId, validate(patchIntegrationSchema, body))
    : await putIntegration(
        deps,
        integrationId,
        validate(putIntegrationSchema, body),
        requestIdOf(event),
      );
  return ok(presentWritten(written, deps.clock.nowMs()));
});

export const handler = apiHandler(async (call) =>
  withSecret(secrets, await put(call, jsonBody(call.event))),
);
