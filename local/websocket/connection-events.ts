import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { commonLogTime } from "../http/request-event.ts";

export type EventType = "CONNECT" | "MESSAGE" | "DISCONNECT";

/** What is known of a connection for as long as it lives. */
export interface Connection {
  readonly id: string;
  readonly connectedAtMs: number;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  readonly domainName: string;
  /** What the authorizer said of the caller: part of every later event. */
  readonly authorizer?: Readonly<Record<string, string>>;
}

export interface ConnectionFacts {
  readonly apiId: string;
  readonly stage: string;
  /** The `requestContext` of an event. */
  context(routeKey: string, eventType: EventType, more?: object): Record<string, unknown>;
}

export function newConnection(request: IncomingMessage): Connection {
  return {
    // Sixteen characters with an `=`, as in AWS: a URL has to encode it.
    id: `${randomBytes(11).toString("base64url")}=`,
    connectedAtMs: Date.now(),
    sourceIp: request.socket.remoteAddress ?? "127.0.0.1",
    userAgent: request.headers["user-agent"],
    domainName: request.headers.host ?? "",
  };
}

export function factsOf(
  connection: Connection,
  { id: apiId, stage }: { readonly id: string; readonly stage: string },
): ConnectionFacts {
  return {
    apiId,
    stage,
    context(routeKey, eventType, more = {}) {
      const requestId = randomBytes(11).toString("base64url");
      const nowMs = Date.now();
      return {
        routeKey,
        eventType,
        extendedRequestId: requestId,
        requestTime: commonLogTime(nowMs),
        messageDirection: "IN",
        stage,
        connectedAt: connection.connectedAtMs,
        requestTimeEpoch: nowMs,
        identity: {
          ...(connection.userAgent !== undefined && { userAgent: connection.userAgent }),
          sourceIp: connection.sourceIp,
        },
        requestId,
        domainName: connection.domainName,
        connectionId: connection.id,
        apiId,
        ...(connection.authorizer && { authorizer: connection.authorizer }),
        ...more,
      };
    },
  };
}

/** The headers and query of the request that opens a connection, in both of their forms. */
export function requestParts(request: IncomingMessage) {
  const { rawHeaders } = request;
  const headers: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.push([rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""]);
  }
  const [, query = ""] = (request.url ?? "").split("?", 2);
  const parameters = [...new URLSearchParams(query)];
  return {
    headers: last(headers),
    multiValueHeaders: all(headers),
    ...(parameters.length > 0 && {
      queryStringParameters: last(parameters),
      multiValueQueryStringParameters: all(parameters),
    }),
  };
}

function last(pairs: readonly [string, string][]): Record<string, string> {
  // Made of pairs: a parameter may be called `__proto__`.
  return Object.fromEntries(pairs);
}

function all(pairs: readonly [string, string][]): Record<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of pairs) values.set(name, [...(values.get(name) ?? []), value]);
  return Object.fromEntries(values);
}

/** What the access log can print of a `requestContext`. */
export function logValues(context: Record<string, unknown>, status: number, more: object = {}) {
  const { identity, authorizer: _authorizer, ...values } = context;
  const { sourceIp, userAgent } = identity as Record<string, string>;
  return {
    ...(values as Record<string, string | number>),
    status,
    "identity.sourceIp": sourceIp,
    "identity.userAgent": userAgent,
    ...more,
  };
}
