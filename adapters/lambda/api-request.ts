import type { APIGatewayProxyEventV2, APIGatewayProxyEventV2WithJWTAuthorizer } from "aws-lambda";
import type * as z from "zod";
import { limits } from "../../core/contracts/limits.ts";
import type { Caller } from "../../core/perimeter/caller.ts";
import { callerOfJwt } from "../../core/perimeter/claims.ts";
import { parseJson } from "../../core/perimeter/parse-json.ts";
import { problems } from "../../core/perimeter/problem.ts";
import { validate } from "../../core/perimeter/validate.ts";

export type ApiEvent = APIGatewayProxyEventV2 | APIGatewayProxyEventV2WithJWTAuthorizer;

const jsonTypes = /^application\/(?:[\w.+-]+\+)?json$/;

/** @throws Problem 413, 415 or 400 that says what to change. */
export function jsonBody(
  event: ApiEvent,
  { allowText = false, maxBytes = limits.maxBodyBytes as number } = {},
): unknown {
  const mediaType = (event.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (!jsonTypes.test(mediaType) && !(allowText && mediaType === "text/plain")) {
    throw problems.unsupportedMediaType(
      `content-type is ${JSON.stringify(mediaType)}; send application/json` +
        (allowText ? " or text/plain holding JSON." : "."),
    );
  }
  if ((event.headers["content-encoding"] ?? "identity") !== "identity") {
    throw problems.unsupportedMediaType("Send the body without content-encoding.");
  }
  const bytes = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  if (bytes.length > maxBytes) {
    throw problems.tooLarge(`Send at most ${maxBytes} bytes; split the batch.`);
  }
  return parseJson(decodeUtf8(bytes), maxBytes);
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw problems.invalid("The body is not valid UTF-8.");
  }
}

export function pathParameter<Schema extends z.ZodType>(
  event: ApiEvent,
  name: string,
  schema: Schema,
): z.infer<Schema> {
  return validate(schema, event.pathParameters?.[name] ?? "", name);
}

export function query<Schema extends z.ZodType>(event: ApiEvent, schema: Schema): z.infer<Schema> {
  return validate(schema, event.queryStringParameters ?? {});
}

/**
 * Who the gateway's JWT authorizer let in.
 * @throws Problem 401 or 403 when its token does not name a caller whom the route lets in.
 */
export function callerOf(event: ApiEvent): Caller {
  const context = event.requestContext;
  const jwt = "authorizer" in context ? context.authorizer.jwt : { claims: {} };
  return callerOfJwt(jwt, event.routeKey);
}
