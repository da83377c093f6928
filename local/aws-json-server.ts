import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An error that an AWS SDK understands. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** Thrown by an operation whose answer shall never arrive: the connection is cut. */
export class DropConnection extends Error {}

/** Thrown by an operation that never answers: the connection stays open. */
export class HangConnection extends Error {}

export type Operation = (input: Record<string, unknown>) => unknown;

/** A request of a service whose operations are methods and paths. */
export interface RestRequest {
  /** The named groups of the path, decoded. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** The body as a JSON object. */
  json(): Record<string, unknown>;
}

export interface RestOperation {
  readonly method: string;
  readonly path: RegExp;
  /** Answers 200 with the JSON of what it returns; nothing is an empty body. */
  readonly run: (request: RestRequest) => unknown;
}

export interface AwsJsonServer {
  readonly url: string;
  /** Starts to answer: before that, requests wait. */
  serve(operations: Operations): void;
  stop(): Promise<void>;
}

// SES takes messages of 40 MB, in base64; everything else is far smaller.
const maxBodyBytes = 64 * 1_048_576;

export interface Operations {
  /** By `X-Amz-Target`, such as `AWSEvents.PutEvents`: a JSON object in and out. */
  readonly targets: Readonly<Record<string, Operation>>;
  readonly rest: readonly RestOperation[];
}

/** Serves both of the AWS JSON protocols for all services that are played here. */
export async function startAwsJsonServer(): Promise<AwsJsonServer> {
  const ready = Promise.withResolvers<Operations>();
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    ready.promise
      .then((operations) => answer(operations, request, response))
      .catch(() => request.socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: ready.resolve,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  operations: Operations,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = randomUUID();
  const send = (status: number, body: object | undefined, headers: Record<string, string> = {}) => {
    const payload = body === undefined ? "" : JSON.stringify(body);
    response.writeHead(status, {
      "content-type": "application/x-amz-json-1.1",
      "content-length": Buffer.byteLength(payload),
      "x-amzn-requestid": requestId,
      ...headers,
    });
    response.end(payload);
  };
  const target = request.headers["x-amz-target"];
  const name = target === undefined ? `${request.method} ${request.url}` : String(target);
  try {
    const body = await readBody(request);
    const run = target === undefined ? restOf(operations, request) : targetOf(operations, name);
    if (run === undefined) {
      const message = `the embedded cloud does not implement ${name}`;
      throw new AwsError("UnknownOperationException", message, target === undefined ? 404 : 400);
    }
    send(200, (await run(body)) as object | undefined);
  } catch (error) {
    if (error instanceof HangConnection) return;
    if (error instanceof DropConnection) {
      request.socket.destroy();
      return;
    }
    const known = error instanceof AwsError;
    if (!known) process.stderr.write(`${name} failed: ${(error as Error).stack}\n`);
    const code = known ? error.code : "InternalFailure";
    const body = { __type: code, message: (error as Error).message };
    send(known ? error.status : 500, body, { "x-amzn-errortype": code });
  }
}

type Run = (body: Buffer) => unknown;

function targetOf({ targets }: Operations, name: string): Run | undefined {
  const operation = Object.hasOwn(targets, name) ? targets[name] : undefined;
  return operation && ((body) => operation(parse(body)));
}

function restOf({ rest }: Operations, request: IncomingMessage): Run | undefined {
  const [path = "", query = ""] = (request.url ?? "").split("?", 2);
  for (const operation of rest) {
    const match = operation.method === request.method ? operation.path.exec(path) : null;
    if (match === null) continue;
    const groups = Object.entries(match.groups ?? {}).map(([name, text]) => [name, decode(text)]);
    return (body) =>
      operation.run({
        path: Object.fromEntries(groups),
        query: new URLSearchParams(query),
        body,
        json: () => parse(body),
      });
  }
  return undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsError("ValidationException", `${text} is not encoded as a URL is`);
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) {
      throw new AwsError("RequestEntityTooLargeException", "the request is too large", 413);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(body: Buffer): Record<string, unknown> {
  try {
    const input: unknown = JSON.parse(body.toString("utf8") || "{}");
    if (typeof input === "object" && input !== null && !Array.isArray(input)) {
      return input as Record<string, unknown>;
    }
  } catch {
    // Answered below, like every other body that is not a JSON object.
  }
  throw new AwsError("SerializationException", "the body is not a JSON object");
}
