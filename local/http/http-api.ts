import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type InvocationOutcome, newTraceHeader } from "../lambda/function.ts";
import type { Stats } from "../stats.ts";
import type { AccessLog } from "./access-log.ts";
import type { ApiModel, ApiRoute } from "./api-model.ts";
import { corsHeaders, preflightHeaders } from "./cors.ts";
import type { Authorization } from "./jwt-authorizer.ts";
import { BodyTooLarge, ClientGone, readBody } from "./read-body.ts";
import { requestEvent } from "./request-event.ts";
import {
  answerFromPayload,
  gatewayAnswer,
  type HttpAnswer,
  internalServerError,
  serviceUnavailable,
} from "./response.ts";

/** Others are replaced, as API Gateway does: the value ends up in every log line. */
const traceHeaderPattern = /^Root=1-[0-9a-f]{8}-[0-9a-f]{24}(?:;[\w=;:-]*)?$/;

/** API Gateway's limit for the request line and all headers, in bytes. */
const maxHeaderBytes = 10_240;
// Clients keep connections for a while; closing one just as it is used again would fail a request.
const serverOptions = { maxHeaderSize: maxHeaderBytes, keepAliveTimeout: 65_000 };

export interface HttpApi {
  readonly url: string;
  /** Starts to answer: before that, requests wait. Without a model there is nothing to find. */
  serve(model: ApiModel | undefined, accessLog: AccessLog, stats: Stats): void;
  /** Requests that have no answer yet. */
  busy(): number;
  /** Answers what is in flight and takes nothing new. */
  stop(): Promise<void>;
}

interface Exchange {
  readonly requestId: string;
  readonly receivedAtMs: number;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly log: Record<string, string | number>;
}

/** Binds the port first, so that a busy one is known before anything else is started. */
export async function listenHttpApi(port: number): Promise<HttpApi> {
  const ready =
    Promise.withResolvers<(request: IncomingMessage) => Promise<HttpAnswer> | HttpAnswer>();
  let busy = 0;
  let stopping = false;
  const server = createServer(serverOptions, async (request, response) => {
    busy += 1;
    try {
      const handle = await ready.promise;
      send(response, await handle(request), stopping);
    } catch (error) {
      if (error instanceof ClientGone) return;
      process.stderr.write(`the HTTP API failed: ${(error as Error).stack}\n`);
      if (response.headersSent) response.destroy();
      else send(response, internalServerError, true);
    } finally {
      busy -= 1;
    }
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    busy: () => busy,
    serve(model, accessLog, stats) {
      ready.resolve((request) =>
        model ? answer(request, model, accessLog, stats) : gatewayAnswer(404, "Not Found"),
      );
    },
    async stop() {
      stopping = true;
      // Requests that came before a start which failed.
      ready.resolve(() => serviceUnavailable);
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      // A client that holds its connection open without a request keeps nobody waiting.
      const sweep = setInterval(() => server.closeIdleConnections(), 50);
      await closed;
      clearInterval(sweep);
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
    const message = `port ${port} is in use; stop what listens there, or set PORT to another one`;
    throw new Error(message, { cause });
  }
}

function send(response: ServerResponse, answer: HttpAnswer, close: boolean): void {
  const withoutBody = answer.status === 204 || answer.status === 304;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(!withoutBody && { "content-length": Buffer.byteLength(answer.body) }),
    ...(close && { connection: "close" }),
  });
  // Text goes out in one write with the headers.
  response.end(withoutBody ? undefined : answer.body);
}

async function answer(
  request: IncomingMessage,
  model: ApiModel,
  accessLog: AccessLog,
  stats: Stats,
): Promise<HttpAnswer> {
  const [target = "", ...query] = (request.url ?? "").split("?");
  const exchange: Exchange = {
    requestId: randomBytes(12).toString("base64url"),
    receivedAtMs: Date.now(),
    rawPath: decodePath(target) ?? "",
    rawQuery: query.join("?"),
    log: {},
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
    responseLatency: Date.now() - exchange.receivedAtMs,
    ...exchange.log,
  });
  return { ...result, headers: responseHeaders };
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
  const { promise: timeout, resolve: onTimeout } = Promise.withResolvers<"timeout">();
  const timer = setTimeout(() => onTimeout("timeout"), timeoutMs);
  const outcome = await Promise.race([lambda.invoke(event, { traceHeader }), timeout]);
  clearTimeout(timer);
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
