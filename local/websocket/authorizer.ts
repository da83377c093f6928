import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { LambdaFunction } from "../lambda/function.ts";
import { type Functions, functionArn } from "../lambda/functions.ts";
import { readProperties } from "../templates/properties.ts";
import { account, region } from "../templates/resource-types.ts";
import { describe, type Resource } from "../templates/resources.ts";
import { type ConnectionFacts, requestParts } from "./connection-events.ts";
import { readPolicy } from "./policy.ts";

export type ConnectVerdict =
  | { readonly kind: "allowed"; readonly context: Readonly<Record<string, string>> }
  | { readonly kind: "refused"; readonly status: 401 | 403 | 500; readonly reason: string };

/** A Lambda authorizer of type REQUEST: its function decides who may connect. */
export interface RequestAuthorizer {
  authorize(request: IncomingMessage, connection: ConnectionFacts): Promise<ConnectVerdict>;
}

const authorizerShape = {
  AuthorizerType: z.literal("REQUEST", { error: "only REQUEST authorizers are for WebSockets" }),
  AuthorizerUri: z.string(),
  IdentitySource: z.array(z.string()).default([]),
};

/** Where to look for the caller's identity; without it the function is not asked. */
function identitySource(expression: string, resource: Resource) {
  const [, kind, name = ""] = /^route\.request\.(header|querystring)\.(.+)$/.exec(expression) ?? [];
  if (kind === undefined) throw new Error(`${describe(resource)}: unknown source ${expression}`);
  return (request: IncomingMessage): boolean => {
    const { headers, queryStringParameters = {} } = requestParts(request);
    if (kind === "querystring") return Boolean(queryStringParameters[name]);
    return Object.keys(headers).some((header) => header.toLowerCase() === name.toLowerCase());
  };
}

export function createRequestAuthorizer(
  resource: Resource,
  functions: Functions,
): RequestAuthorizer {
  const properties = readProperties(resource, authorizerShape, ["ApiId", "Name"]);
  const lambda = functions.get(functionArn(properties.AuthorizerUri));
  const sources = properties.IdentitySource.map((one) => identitySource(one, resource));
  return {
    async authorize(request, connection) {
      if (!sources.every((has) => has(request))) {
        return { kind: "refused", status: 401, reason: "no identity" };
      }
      return ask(lambda, request, connection);
    },
  };
}

async function ask(
  lambda: LambdaFunction,
  request: IncomingMessage,
  connection: ConnectionFacts,
): Promise<ConnectVerdict> {
  const { apiId, stage } = connection;
  const methodArn = `arn:aws:execute-api:${region}:${account}:${apiId}/${stage}/$connect`;
  const event = {
    type: "REQUEST",
    methodArn,
    ...requestParts(request),
    requestContext: connection.context("$connect", "CONNECT"),
  };
  const outcome = await lambda.invoke(JSON.stringify(event));
  if (!outcome.ok) {
    // The one error that an authorizer may throw to say no.
    const unauthorized = "error" in outcome && outcome.error.errorMessage === "Unauthorized";
    const reason = "error" in outcome ? outcome.error.errorMessage : "throttled";
    return { kind: "refused", status: unauthorized ? 401 : 500, reason };
  }
  const verdict = readPolicy(JSON.parse(outcome.payload), methodArn);
  if (verdict.kind === "allowed") return verdict;
  return { kind: "refused", status: verdict.kind === "denied" ? 403 : 500, reason: verdict.kind };
}
