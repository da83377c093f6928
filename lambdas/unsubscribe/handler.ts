import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbFollowers } from "../../adapters/dynamodb/follower-store.ts";
import { limitedHandler } from "../../adapters/lambda/api-handler.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { unsubscribeTokens } from "../../adapters/links/unsubscribe-tokens.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { derivedKeys } from "../../adapters/secrets/derived-keys.ts";
import { askToUnsubscribe, unsubscribe } from "../../core/notifications/unsubscribe.ts";

const tokens = unsubscribeTokens(derivedKeys(setting("linkSecretArn")));
const deps = {
  followers: dynamoDbFollowers(documentClient, setting("followersTable")),
  creators: dynamoDbCreators(documentClient, setting("registryTable")),
  clock: systemClock,
};

const headers = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  // The address holds the token.
  "referrer-policy": "no-referrer",
};

export const handler = limitedHandler({ limitedBy: "ip" }, async ({ event }) => {
  const token = event.queryStringParameters?.token ?? "";
  const subscription = await tokens.read(token);
  const { status, html } =
    event.requestContext.http.method === "POST"
      ? await unsubscribe(deps, subscription)
      : await askToUnsubscribe(deps, subscription, token);
  return { status, body: html, headers };
});
