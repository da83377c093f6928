import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { LambdaFunction } from "../lambda/function.ts";
import { type Functions, functionArn } from "../lambda/functions.ts";
import { invokeWithin } from "../lambda/invoke-within.ts";
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
  /** @param gone the client has left: it is not asked any more if it has not been by then. */
  authorize(
    request: IncomingMessage,
    connection: ConnectionFacts,
    gone: AbortSignal,
  ): Promise<ConnectVerdict>;
}

/** API Gateway waits no longer for an authorizer. */
const timeoutMs = 10_000;

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
    async authorize(request, connection, gone) {
      if (!sources.every((has) => has(request))) {
        return { kind: "refused", status: 401, reason: "no identity" };
      }
      return ask(lambda, request, connection, gone);
    },
  };
}

async function ask(
  lambda: LambdaFunction,
  request: IncomingMessage,
  connection: ConnectionFacts,
  gone: AbortSignal,
): Promise<ConnectVerdict> {
  const { apiId, stage } = connection;
  const methodArn = `arn:aws:execute-api:${region}:${account}:${apiId}/${stage}/$connect`;
  const event = {
    type: "REQUEST",
    methodArn,
    ...requestParts(request),
    requestContext: connection.context("$connect", "CONNECT"),
  };
  const outcome = await invokeWithin(lambda, JSON.stringify(event), { timeoutMs, gone });
  if (outcome === "timeout") return { kind: "refused", status: 500, reason: "timed out" };
  if (!outcome.ok) {
    // The one error that an authorizer may throw to say no.
    const unauthorized = "error" in outcome && outcome.error.errorMessage === "Unauthorized";
    const unrun = "abandoned" in outcome ? "not run" : "throttled";
    const reason = "error" in outcome ? outcome.error.errorMessage : unrun;
    return { kind: "refused", status: unauthorized ? 401 : 500, reason };
  }
  const verdict = readPolicy(JSON.parse(outcome.payload), methodArn);
  if (verdict.kind === "allowed") return verdict;
  return { kind: "refused", status: verdict.kind === "denied" ? 403 : 500, reason: verdict.kind };
}
