import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { AccessLog } from "../http/access-log.ts";
import type { WebSocketModel } from "./api-model.ts";
import {
  type Connection,
  factsOf,
  logValues,
  newConnection,
  requestParts,
} from "./connection-events.ts";
import type { Connections } from "./connections.ts";
import { invokeRoute } from "./invoke-route.ts";
import { maxMessageBytes } from "./limits.ts";

export interface Handshake {
  readonly connection: Connection;
  readonly socket: WebSocket;
}

export interface ConnectDeps {
  readonly accessLog: AccessLog;
  readonly connections: Connections;
}

export type Accepted =
  | (Handshake & { readonly kind: "open" })
  /** `$connect` said yes, but the client has left meanwhile. */
  | { readonly kind: "gone"; readonly connection: Connection };

/** How long a client has to answer a close. */
const closeTimeoutMs = 500;
/** The subprotocol that `$connect` chose. */
const protocols = new WeakMap<IncomingMessage, string>();
const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  maxPayload: maxMessageBytes,
  perMessageDeflate: false,
  closeTimeout: closeTimeoutMs,
  handleProtocols: (_offered, request) => protocols.get(request) ?? false,
} as ConstructorParameters<typeof WebSocketServer>[0]);

/** Asks the authorizer and `$connect`, and opens the connection if both agree. */
export async function accept(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  model: WebSocketModel,
  { accessLog, connections }: ConnectDeps,
): Promise<Accepted | undefined> {
  const [path = ""] = (request.url ?? "").split("?", 1);
  const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
  if (!isWebSocket || request.headers["sec-websocket-key"] === undefined) {
    return refuse(socket, 400, "Bad Request");
  }
  if (path.replace(/\/$/, "") !== `/${model.stage}`) return refuse(socket, 403, "Forbidden");
  let connection = newConnection(request);
  const left = new AbortController();
  socket.once("close", () => left.abort());
  const say = (status: number, more = {}) => {
    const context = factsOf(connection, model).context("$connect", "CONNECT");
    accessLog.write(logValues(context, status, more));
  };
  if (!model.admit()) {
    say(429);
    return refuse(socket, 429, "Too Many Requests");
  }
  const route = model.routes.get("$connect");
  if (route?.authorizer !== undefined) {
    const verdict = await route.authorizer.authorize(
      request,
      factsOf(connection, model),
      left.signal,
    );
    if (verdict.kind === "refused") {
      say(verdict.status, { "authorizer.error": verdict.reason });
      return refuse(socket, verdict.status, refusals[verdict.status]);
    }
    connection = { ...connection, authorizer: verdict.context };
  }
  // First of all: whatever `$connect` writes down of it, `$disconnect` is to take back.
  connections.remember(connection);
  if (route !== undefined) {
    const requestContext = factsOf(connection, model).context("$connect", "CONNECT");
    const event = { ...requestParts(request), requestContext, isBase64Encoded: false };
    const outcome = await invokeRoute(route, event, left.signal);
    if (!outcome.ok) {
      connections.forget(connection.id);
      say(502, { "integration.error": outcome.reason });
      return refuse(socket, 502, "Internal server error");
    }
    if (outcome.status < 200 || outcome.status > 299) {
      connections.forget(connection.id);
      say(outcome.status);
      return refuse(socket, outcome.status, outcome.body);
    }
    const chosen = Object.entries(outcome.headers).find(
      ([name]) => name.toLowerCase() === "sec-websocket-protocol",
    );
    if (chosen !== undefined) protocols.set(request, String(chosen[1]));
  }
  say(200);
  return open(request, socket, head, connection);
}

function open(request: IncomingMessage, socket: Duplex, head: Buffer, connection: Connection) {
  const { promise, resolve } = Promise.withResolvers<Accepted>();
  socket.once("close", () => resolve({ kind: "gone", connection }));
  if (socket.destroyed) resolve({ kind: "gone", connection });
  else {
    server.handleUpgrade(request, socket, head, (webSocket) => {
      resolve({ kind: "open", connection, socket: webSocket });
    });
  }
  return promise;
}

const refusals = { 401: "Unauthorized", 403: "Forbidden", 500: "Internal server error" } as const;

/** Answers with a status instead of a connection. */
export function refuse(socket: Duplex, status: number, message: string | undefined): undefined {
  const body = JSON.stringify({ message: message ?? STATUS_CODES[status] ?? "" });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nconnection: close\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return undefined;
}
