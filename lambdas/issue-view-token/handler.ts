import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { jsonBody } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently } from "../../adapters/lambda/idempotency.ts";
import { newId, systemClock } from "../../adapters/runtime.ts";
import { jwsViewTokens } from "../../adapters/view-tokens/jws-view-tokens.ts";
import { secretsManagerSource } from "../../adapters/view-tokens/secrets.ts";
import { issueViewTokenSchema } from "../../core/contracts/bodies.ts";
import { issueViewToken } from "../../core/engagements/view-token.ts";
import { validate } from "../../core/perimeter/validate.ts";

const secrets = secretsManagerSource(setting("viewTokenSecretArn"), systemClock);
const deps = {
  articles: dynamoDbArticles(documentClient, setting("registryTable")),
  tokens: jwsViewTokens(secrets, systemClock),
  clock: systemClock,
  newId,
};

// A second token is harmless, so a key is welcome but not asked for.
const issue = idempotently(
  async (_, body) => ok(await issueViewToken(deps, validate(issueViewTokenSchema, body))),
  { required: false },
);

export const handler = apiHandler((call) => issue(call, jsonBody(call.event)));
