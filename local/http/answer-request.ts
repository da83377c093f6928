import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Metrics } from "../cloudwatch/metrics.ts";
import { type InvocationOutcome, newTraceHeader } from "../lambda/function.ts";
import { invokeWithin } from "../lambda/invoke-within.ts";
import type { Stats } from "../stats.ts";
import type { AccessLog } from "./access-log.ts";
import type { ApiModel, ApiRoute } from "./api-model.ts";
import { corsHeaders, preflightHeaders } from "./cors.ts";
import type { Authorization } from "./jwt-authorizer.ts";
import { BodyTooLarge, readBody } from "./read-body.ts";
import { requestEvent } from "./request-event.ts";
import {
  answerFromPayload,
  clientClosedRequest,
  gatewayAnswer,
  type HttpAnswer,
  internalServerError,
  serviceUnavailable,
} from "./response.ts";

/** Others are replaced, as API Gateway does: the value ends up in every log line. */
const traceHeaderPattern = /^Root=1-[0-9a-f]{8}-[0-9a-f]{24}(?:;[\w=;:-]*)?$/;

export interface Observers {
  readonly stats: Stats;
  readonly metrics: Metrics;
}

interface Exchange {
  readonly requestId: string;
  readonly receivedAtMs: number;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly log: Record<string, string | number>;
  /** The client has left. */
  readonly gone: AbortSignal;
}

/** One request through authorizer, route and function, with its line in the access log. */
export async function answerRequest(
  request: IncomingMessage,
  model: ApiModel,
  accessLog: AccessLog,
  { stats, metrics }: Observers,
  gone: AbortSignal,
): Promise<HttpAnswer> {
  const [target = "", ...query] = (request.url ?? "").split("?");
  const exchange: Exchange = {
    requestId: randomBytes(12).toString("base64url"),
    receivedAtMs: Date.now(),
    rawPath: decodePath(target) ?? "",
    rawQuery: query.join("?"),
    log: {},
    gone,
  };
  const result = await route(request, model, exchange);
  const responseHeaders = {
    ...result.headers,
    ...corsHeaders(model.cors, request.headers.origin),
    "apigw-requestid": exchange.requestId,
  };
  stats.requests += 1;
  const statusClass = `${Math.floor(result.status / 100)}xx`;
  stats.responses[statusClass] = (stats.responses[statusClass] ?? 0) + 1;
  const latencyMs = Date.now() - exchange.receivedAtMs;
  measure(metrics, model, exchange, result.status, latencyMs);
  accessLog.write({
    requestId: exchange.requestId,
    extendedRequestId: exchange.requestId,
    requestTimeEpoch: exchange.receivedAtMs,
    httpMethod: request.method,
    path: exchange.rawPath,
    protocol: `HTTP/${request.httpVersion}`,
    "identity.sourceIp": request.socket.remoteAddress,
    "identity.userAgent": request.headers["user-agent"],
    status: result.status,
    responseLength: Buffer.byteLength(result.body),
    responseLatency: latencyMs,
    ...exchange.log,
  });
  return { ...result, headers: responseHeaders };
}

/** What API Gateway tells CloudWatch, of the API, its stage and, with detailed metrics, the route. */
function measure(
  metrics: Metrics,
  { id: ApiId, stage: Stage }: ApiModel,
  { log }: Exchange,
  status: number,
  latencyMs: number,
): void {
  const [Method, Resource] = String(log.routeKey ?? "").split(" ");
  const ofRoute = Method && Resource ? [{ ApiId, Stage, Method, Resource }] : [];
  for (const dimensions of [{ ApiId }, { ApiId, Stage }, ...ofRoute]) {
    const record = (name: string, value: number) =>
      metrics.record({ namespace: "AWS/ApiGateway", name, dimensions }, value);
    record("Count", 1);
    record("4xx", status >= 400 && status < 500 ? 1 : 0);
    record("5xx", status >= 500 ? 1 : 0);
    record("Latency", latencyMs);
    if (log.integrationLatency !== undefined) {
      record("IntegrationLatency", Number(log.integrationLatency));
    }
  }
}

/** HTTP APIs match and hand over the decoded path. */
function decodePath(target: string): string | undefined {
  if (!target.startsWith("/")) return undefined;
  try {
    return decodeURIComponent(target);
  } catch {
    return undefined;
  }
}

async function route(
  request: IncomingMessage,
  model: ApiModel,
  exchange: Exchange,
): Promise<HttpAnswer> {
  if (exchange.rawPath === "") return gatewayAnswer(400, "Bad Request");
  const method = request.method ?? "";
  if (method === "OPTIONS" && model.cors !== undefined && request.headers.origin !== undefined) {
    const headers = preflightHeaders(model.cors, request.headers.origin);
    return { status: 204, headers, body: "" };
  }
  const found = model.find(method, exchange.rawPath);
  if (found === undefined) return gatewayAnswer(404, "Not Found");
  exchange.log.routeKey = found.route.routeKey;
  if (!found.route.admit()) return gatewayAnswer(429, "Too Many Requests");

  let authorization: Authorization | undefined;
  if (found.route.authorize !== undefined) {
    const header = request.headers.authorization;
    const verdict = await found.route.authorize(header, found.route.scopes);
    if (verdict.kind === "unauthorized") {
      exchange.log["authorizer.error"] = verdict.reason;
      return gatewayAnswer(401, "Unauthorized", { "www-authenticate": "Bearer" });
    }
    if (verdict.kind === "forbidden") return gatewayAnswer(403, "Forbidden");
    authorization = verdict.authorization;
  }

  let body: Buffer;
  try {
    body = await readBody(request);
  } catch (error) {
    if (!(error instanceof BodyTooLarge)) throw error;
    return gatewayAnswer(413, "Request Entity Too Large", { connection: "close" });
  }
  const incomingTrace = request.headers["x-amzn-trace-id"];
  const wellFormed = typeof incomingTrace === "string" && traceHeaderPattern.test(incomingTrace);
  const traceHeader = wellFormed ? incomingTrace : newTraceHeader();
  const event = requestEvent(request, body, {
    ...exchange,
    routeKey: found.route.routeKey,
    pathParameters: found.pathParameters,
    authorization,
    traceHeader,
    apiId: model.id,
    stage: model.stage,
  });
  return integrate(found.route, event, traceHeader, exchange);
}

async function integrate(
  { lambda, timeoutMs }: ApiRoute,
  event: string,
  traceHeader: string,
  exchange: Exchange,
): Promise<HttpAnswer> {
  const startedAtMs = Date.now();
  const { gone } = exchange;
  const outcome = await invokeWithin(lambda, event, { timeoutMs, gone, traceHeader });
  exchange.log.integrationLatency = Date.now() - startedAtMs;
  if (outcome === "timeout") {
    exchange.log["integration.error"] = "Endpoint request timed out";
    return serviceUnavailable;
  }
  if (outcome.ok) return answerFromPayload(outcome.payload);
  return failedAnswer(outcome, exchange);
}

function failedAnswer(
  outcome: Extract<InvocationOutcome, { ok: false }>,
  exchange: Exchange,
): HttpAnswer {
  if ("abandoned" in outcome) {
    exchange.log["integration.error"] = exchange.gone.aborted
      ? "The client left before the function ran"
      : "The API stops";
    return exchange.gone.aborted ? clientClosedRequest : serviceUnavailable;
  }
  if ("throttled" in outcome) {
    exchange.log["integration.error"] = "Rate Exceeded.";
    return serviceUnavailable;
  }
  exchange.log["integration.error"] = outcome.error.errorMessage;
  if (outcome.error.errorType === "RequestEntityTooLargeException") {
    return gatewayAnswer(413, "Request Entity Too Large");
  }
  return internalServerError;
}
