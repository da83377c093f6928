import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { RestOperation } from "../aws-json-server.ts";
import type { AccessLog } from "../http/access-log.ts";
import type { WebSocketModel } from "./api-model.ts";
import { accept, type Handshake, refuse } from "./connect.ts";
import { type Connection, factsOf, logValues } from "./connection-events.ts";
import type { Connections, LiveConnection } from "./connections.ts";
import { invokeRoute } from "./invoke-route.ts";
import { limitConnection, type WebSocketLimits } from "./limits.ts";
import { managementOperations } from "./management-api.ts";

export interface WebSocketApi {
  /** The `@connections` operations. */
  readonly operations: readonly RestOperation[];
  /** Takes a request that wants to become a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends every connection, as seen by its client and by `$disconnect`. */
  stop(): Promise<void>;
}

export interface WebSocketDeps {
  readonly connections: Connections;
  readonly accessLog: AccessLog;
  readonly limits: WebSocketLimits;
  readonly warn: (message: string) => void;
}

const abnormalClosure = 1006;

export function serveWebSockets(model: WebSocketModel, deps: WebSocketDeps): WebSocketApi {
  const { connections, warn } = deps;
  const marks = new WeakMap<LiveConnection, () => void>();
  /** Connections until they have ended, and the functions that run because of them. */
  const running = new Set<Promise<unknown>>();
  let stopping = false;
  const track = (work: Promise<unknown>) => {
    const run = work
      .catch((error: Error) => warn(`the WebSocket API failed: ${error.stack}`))
      .finally(() => running.delete(run));
    running.add(run);
  };
  const active = (connection: LiveConnection) => {
    connection.lastActiveAtMs = Date.now();
    marks.get(connection)?.();
  };

  const live = ({ connection: facts, socket }: Handshake) => {
    const connection: LiveConnection = { ...facts, socket, lastActiveAtMs: Date.now() };
    connections.open(connection);
    marks.set(connection, limitConnection(socket, deps.limits));
    socket.on("error", () => {
      // What was wrong is in the code that the connection closes with.
    });
    const gone = new AbortController();
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      active(connection);
      if (isBinary) socket.close(1003, "only text is understood");
      else track(receive(data.toString("utf8"), connection, model, deps, gone.signal));
    });
    const ended = Promise.withResolvers<void>();
    track(ended.promise);
    socket.on("close", (code: number, reason: Buffer) => {
      connections.close(connection.id);
      gone.abort();
      disconnect(connection, code, reason.toString("utf8"), model, deps).then(
        ended.resolve,
        ended.reject,
      );
    });
    if (stopping) socket.close(1001, "Going away");
  };

  // The process that held these was killed; whoever keeps a list of them hears of it now.
  for (const connection of connections.left()) {
    track(disconnect(connection, abnormalClosure, "Connection lost", model, deps));
  }
  return {
    operations: managementOperations(model.stage, connections, active),
    upgrade(request, socket, head) {
      socket.on("error", () => socket.destroy());
      if (stopping) refuse(socket, 503, "Service Unavailable");
      else
        track(
          accept(request, socket, head, model, deps).then((handshake) => {
            if (handshake?.kind === "open") live(handshake);
            if (handshake?.kind === "gone") {
              const { connection } = handshake;
              return disconnect(connection, abnormalClosure, "", model, deps);
            }
            return undefined;
          }),
        );
    },
    async stop() {
      stopping = true;
      for (const { socket } of connections.all()) socket.close(1001, "Going away");
      while (running.size > 0) await Promise.all(running);
    },
  };
}

/** A message runs the route it names; what goes wrong is told to its sender. */
async function receive(
  text: string,
  connection: LiveConnection,
  model: WebSocketModel,
  { accessLog }: WebSocketDeps,
  gone: AbortSignal,
): Promise<void> {
  const named = model.routes.get(model.select(text) ?? "");
  const route = named?.routeKey.startsWith("$") === false ? named : model.routes.get("$default");
  const context = factsOf(connection, model).context(route?.routeKey ?? "$default", "MESSAGE", {
    messageId: randomUUID(),
  });
  const tell = (message: string) => {
    const { connectionId, requestId } = context;
    connection.socket.send(JSON.stringify({ message, connectionId, requestId }));
  };
  const log = (status: number, more = {}) => accessLog.write(logValues(context, status, more));
  if (route === undefined) {
    log(403);
    return tell("Forbidden");
  }
  if (!model.admit()) {
    log(429);
    return tell("Too Many Requests");
  }
  const event = { requestContext: context, body: text, isBase64Encoded: false };
  const outcome = await invokeRoute(route, event, gone);
  log(outcome.ok ? outcome.status : 500, outcome.ok ? {} : { "integration.error": outcome.reason });
  if (!outcome.ok) tell("Internal server error");
  else if (route.responds && outcome.body !== undefined) connection.socket.send(outcome.body);
}

async function disconnect(
  connection: Connection,
  code: number,
  reason: string,
  model: WebSocketModel,
  { connections, accessLog }: WebSocketDeps,
): Promise<void> {
  const route = model.routes.get("$disconnect");
  if (route !== undefined) {
    const more = { disconnectStatusCode: code, disconnectReason: reason };
    const context = factsOf(connection, model).context("$disconnect", "DISCONNECT", more);
    const headers = { Host: connection.domainName, "x-api-key": "", "x-restapi": "" };
    const multiValueHeaders = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, [value]]),
    );
    const event = { headers, multiValueHeaders, requestContext: context, isBase64Encoded: false };
    const outcome = await invokeRoute(route, event);
    accessLog.write(logValues(context, outcome.ok ? outcome.status : 500));
    // The cloud stops: it runs at the next start.
    if (!outcome.ok && outcome.abandoned) return;
  }
  connections.forget(connection.id);
}
