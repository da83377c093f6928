import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { AccessLog } from "./access-log.ts";
import { answerRequest, type Observers } from "./answer-request.ts";
import type { ApiModel } from "./api-model.ts";
import { ClientGone } from "./read-body.ts";
import {
  gatewayAnswer,
  type HttpAnswer,
  internalServerError,
  serviceUnavailable,
} from "./response.ts";

/** API Gateway's limit for the request line and all headers, in bytes. */
const maxHeaderBytes = 10_240;
// Clients keep connections for a while; closing one just as it is used again would fail a request.
const serverOptions = {
  maxHeaderSize: maxHeaderBytes,
  keepAliveTimeout: 65_000,
  // Some clients offer HTTP/2 in the same way; they are answered in the version they asked in.
  shouldUpgradeCallback: ({ headers }: IncomingMessage) =>
    headers.upgrade?.toLowerCase() === "websocket",
};

export interface HttpApi {
  readonly url: string;
  /** Starts to answer: before that, requests wait. Without a model there is nothing to find. */
  serve(model: ApiModel | undefined, accessLog: AccessLog, observers: Observers): void;
  /** Who takes requests to become something else than HTTP; nobody does before. */
  onUpgrade(take: Upgrade): void;
  /** Who answers a path below `/_local/`, and what is below it: no route can reach these then. */
  onLocal(path: string, answer: LocalAnswer): void;
  /** Requests that have no answer yet. */
  busy(): number;
  /** Answers what is in flight and takes nothing new. */
  stop(): Promise<void>;
  /** While it stops: ends every connection, answered or not. */
  cut(): void;
}

type LocalAnswer = (path: string, accept: string) => HttpAnswer;

type Handle = (request: IncomingMessage, gone: AbortSignal) => Promise<HttpAnswer> | HttpAnswer;

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Binds the port first, so that a busy one is known before anything else is started. */
export async function listenHttpApi(port: number): Promise<HttpApi> {
  const ready = Promise.withResolvers<Handle>();
  let busy = 0;
  let stopping = false;
  const local = new Map<string, LocalAnswer>();
  const answerTo = (request: IncomingMessage, handle: Handle, gone: AbortSignal) => {
    const { url = "", method, headers } = request;
    if (method !== "GET" || !url.startsWith("/_local/")) return handle(request, gone);
    const path = url.split("?")[0] ?? "";
    const answer = local.get(path.split("/").slice(0, 3).join("/"));
    return answer?.(path, headers.accept ?? "") ?? gatewayAnswer(404, "Not Found");
  };
  const server = createServer(serverOptions, async (request, response) => {
    busy += 1;
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    try {
      const handle = await ready.promise;
      send(response, await answerTo(request, handle, gone.signal), stopping);
    } catch (error) {
      if (error instanceof ClientGone) return;
      process.stderr.write(`the HTTP API failed: ${(error as Error).stack}\n`);
      if (response.headersSent) response.destroy();
      else send(response, internalServerError, true);
    } finally {
      busy -= 1;
    }
  });
  // Those that became WebSockets among them, which the server itself forgets.
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    busy: () => busy,
    onLocal: (path, answer) => void local.set(path, answer),
    onUpgrade: (take) => void server.on("upgrade", take),
    serve(model, accessLog, observers) {
      ready.resolve((request, gone) =>
        model
          ? answerRequest(request, model, accessLog, observers, gone)
          : gatewayAnswer(404, "Not Found"),
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
    cut() {
      for (const socket of sockets) socket.destroy();
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
