import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { jwsTickets } from "../../adapters/connections/jws-tickets.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import type { SocketAuthorizer } from "../../adapters/lambda/socket-handler.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { derivedKeys } from "../../adapters/secrets/derived-keys.ts";

const tickets = jwsTickets(derivedKeys(setting("linkSecretArn")), systemClock);

/** Says no by a policy: an error would be a 401, and count as a fault of ours. */
export async function handler(
  event: Pick<APIGatewayRequestAuthorizerEvent, "methodArn" | "queryStringParameters">,
): Promise<APIGatewayAuthorizerResult> {
  const claims = await tickets.verify(event.queryStringParameters?.ticket ?? "");
  logger.info("asked for a connection", { allowed: claims !== undefined });
  const Statement = {
    Action: "execute-api:Invoke",
    Effect: claims ? ("Allow" as const) : ("Deny" as const),
    Resource: event.methodArn,
  };
  const policyDocument = { Version: "2012-10-17", Statement: [Statement] };
  if (!claims) return { principalId: "nobody", policyDocument };
  const context: Omit<SocketAuthorizer, "principalId"> = {
    roles: claims.roles.join(" "),
    ticketId: claims.jti,
  };
  return { principalId: claims.sub, policyDocument, context: { ...context } };
}
