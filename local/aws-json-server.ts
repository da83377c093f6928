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

export interface AwsJsonServer {
  readonly url: string;
  stop(): Promise<void>;
}

// PutEvents allows 1 MB; escaping in JSON can double it. Beyond this it cannot be a request of ours.
const maxBodyBytes = 8 * 1_048_576;

/**
 * Serves the AWS JSON protocol: `X-Amz-Target: Service.Operation`, a JSON object in and out.
 * `operations` are keyed by the whole target, such as `AWSEvents.PutEvents`.
 */
export async function startAwsJsonServer(
  operations: Readonly<Record<string, Operation>>,
): Promise<AwsJsonServer> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    answer(operations, request, response).catch(() => request.socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  operations: Readonly<Record<string, Operation>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = randomUUID();
  const send = (status: number, body: object, headers: Record<string, string> = {}) => {
    const payload = JSON.stringify(body);
    response.writeHead(status, {
      "content-type": "application/x-amz-json-1.1",
      "content-length": Buffer.byteLength(payload),
      "x-amzn-requestid": requestId,
      ...headers,
    });
    response.end(payload);
  };
  const target = String(request.headers["x-amz-target"] ?? "");
  try {
    const body = await readBody(request);
    const operation = Object.hasOwn(operations, target) ? operations[target] : undefined;
    if (operation === undefined) {
      const message = `the embedded cloud does not implement ${target || "requests without a target"}`;
      throw new AwsError("UnknownOperationException", message);
    }
    send(200, (await operation(parse(body))) as object);
  } catch (error) {
    if (error instanceof HangConnection) return;
    if (error instanceof DropConnection) {
      request.socket.destroy();
      return;
    }
    const known = error instanceof AwsError;
    if (!known) process.stderr.write(`${target} failed: ${(error as Error).stack}\n`);
    const code = known ? error.code : "InternalFailure";
    const body = { __type: code, message: (error as Error).message };
    send(known ? error.status : 500, body, { "x-amzn-errortype": code });
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) {
      throw new AwsError("RequestEntityTooLargeException", "the request is too large", 413);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(body: string): Record<string, unknown> {
  try {
    const input: unknown = JSON.parse(body || "{}");
    if (typeof input === "object" && input !== null && !Array.isArray(input)) {
      return input as Record<string, unknown>;
    }
  } catch {
    // Answered below, like every other body that is not a JSON object.
  }
  throw new AwsError("SerializationException", "the body is not a JSON object");
}
