import type { IncomingMessage } from "node:http";
import { account } from "../templates/resource-types.ts";
import type { Authorization } from "./jwt-authorizer.ts";

export interface RequestFacts {
  readonly requestId: string;
  readonly receivedAtMs: number;
  readonly routeKey: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly pathParameters: Readonly<Record<string, string>> | undefined;
  readonly authorization: Authorization | undefined;
  readonly traceHeader: string;
  readonly apiId: string;
  readonly stage: string;
}

/** The event of payload format 2.0, as JSON text. */
export function requestEvent(request: IncomingMessage, body: Buffer, facts: RequestFacts): string {
  const headers = joinHeaders(request);
  const cookies = headers.cookie?.split("; ");
  delete headers.cookie;
  const host = headers.host ?? "";
  const sourceIp = request.socket.remoteAddress ?? "127.0.0.1";
  headers["x-amzn-trace-id"] = facts.traceHeader;
  headers["x-forwarded-for"] = [headers["x-forwarded-for"], sourceIp].filter(Boolean).join(", ");
  headers["x-forwarded-port"] = String(request.socket.localPort ?? "");
  headers["x-forwarded-proto"] = "http";
  const { authorization } = facts;
  return JSON.stringify({
    version: "2.0",
    routeKey: facts.routeKey,
    rawPath: facts.rawPath,
    rawQueryString: facts.rawQuery,
    ...(cookies && { cookies }),
    headers,
    ...(facts.rawQuery !== "" && { queryStringParameters: joinQuery(facts.rawQuery) }),
    requestContext: {
      accountId: account,
      apiId: facts.apiId,
      ...(authorization && { authorizer: { jwt: authorization } }),
      domainName: host,
      domainPrefix: host.split(".")[0],
      http: {
        method: request.method,
        path: facts.rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: facts.requestId,
      routeKey: facts.routeKey,
      stage: facts.stage,
      time: commonLogTime(facts.receivedAtMs),
      timeEpoch: facts.receivedAtMs,
    },
    ...(facts.pathParameters && { pathParameters: facts.pathParameters }),
    ...encodeBody(body, headers["content-type"]),
  });
}

/** Names in lower case; several values of one header joined with commas. */
function joinHeaders(request: IncomingMessage): Record<string, string> {
  // No prototype: a header may be called `__proto__`.
  const headers: Record<string, string> = Object.create(null);
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    const value = rawHeaders[index + 1] ?? "";
    const separator = name === "cookie" ? "; " : ",";
    headers[name] = name in headers ? `${headers[name]}${separator}${value}` : value;
  }
  return headers;
}

function joinQuery(rawQuery: string): Record<string, string> {
  const parameters: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    parameters[name] = name in parameters ? `${parameters[name]},${value}` : value;
  }
  return parameters;
}

const textTypes = /^(text\/|application\/(json|javascript|xml|[^;]+\+(json|xml)))/i;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function encodeBody(body: Buffer, contentType: string | undefined) {
  if (body.length === 0) return { isBase64Encoded: false };
  if (contentType === undefined || textTypes.test(contentType)) {
    try {
      return { body: utf8.decode(body), isBase64Encoded: false };
    } catch {
      // Not text after all: the bytes themselves go on.
    }
  }
  return { body: body.toString("base64"), isBase64Encoded: true };
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** 22/Nov/2026:05:04:03 +0000 */
export function commonLogTime(ms: number): string {
  const iso = new Date(ms).toISOString();
  const month = months[Number(iso.slice(5, 7)) - 1];
  return `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}
