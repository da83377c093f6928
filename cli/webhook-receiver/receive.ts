import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { Unanswered } from "../program/unanswered.ts";

export interface ReceiverOptions {
  readonly port: number;
  readonly secrets: readonly string[];
  readonly status: number;
  readonly delayMs: number;
  /** Stop after so many messages; none: go on. */
  readonly count: number | undefined;
}

/** What came of a message: `unverified`: there was no secret to verify it by. */
export type Verdict = "verified" | "wrong signature" | "unverified";

const maxBytes = 1_048_576;
const unauthorized = 401;

/** Serves until it has received what it was to, or the signal says so; says what comes. */
export async function receive(
  options: ReceiverOptions,
  say: (text: string) => void,
  stop: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  let received = 0;
  const server = createServer(async (request, response) => {
    const text = await bodyOf(request);
    if (request.method !== "POST" || text === undefined) {
      response.writeHead(request.method === "POST" ? 413 : 405, { allow: "POST" }).end();
      return;
    }
    const verdict = verify(options.secrets, text, request);
    await sleep(options.delayMs);
    const status = verdict === "wrong signature" ? unauthorized : options.status;
    response.writeHead(status, { "content-type": "text/plain" }).end(`${verdict}\n`);
    say(describe(verdict, status, text, request));
    received += 1;
    if (received === options.count) done.abort();
  });
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening").catch((cause: NodeJS.ErrnoException) => {
    throw new Unanswered(`cannot listen on port ${options.port}: ${cause.code}`, { cause });
  });
  say(`Receiving webhooks at http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const ended = AbortSignal.any([done.signal, stop]);
  if (!ended.aborted) await once(ended, "abort");
  server.close();
  server.closeIdleConnections();
  if (!done.signal.aborted) server.closeAllConnections();
  await once(server, "close");
}

/** Undefined: it is too long to be one of ours. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function verify(
  secrets: readonly string[],
  text: string,
  { headers }: Pick<IncomingMessage, "headers">,
): Verdict {
  if (secrets.length === 0) return "unverified";
  const verified = secrets.some((secret) => {
    try {
      new Webhook(secret).verify(text, headers as Record<string, string>, { jsonParse: false });
      return true;
    } catch {
      return false;
    }
  });
  return verified ? "verified" : "wrong signature";
}

function describe(verdict: Verdict, status: number, text: string, request: IncomingMessage) {
  const { "webhook-id": id = "no webhook-id" } = request.headers;
  const time = new Date().toISOString().slice(11, 19);
  return `${time}  ${verdict}, answered ${status}  ${request.url}  ${id}\n${text}`;
}
