import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Received {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What to answer; nothing: it hangs, or the listener writes to the response itself. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type Answering = (
  request: Received,
  response: ServerResponse,
) => Reply | undefined | Promise<Reply | undefined>;

/** A server of somebody else's on a free port of this machine, which remembers what it was sent. */
export async function startReceiver(answering: Answering) {
  const received: Received[] = [];
  let answer = answering;
  const server = createServer(async (message, response) => {
    const { method = "", headers } = message;
    const chunks = await message.toArray().catch(() => []);
    const request = { method, headers, body: Buffer.concat(chunks).toString() };
    received.push(request);
    const reply = await answer(request, response);
    if (reply) response.writeHead(reply.status, reply.headers).end(reply.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    /** From now on. */
    answers(other: Answering) {
      answer = other;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The same for one test: stopped when the test is over. */
export async function receiverForTest(
  answering: Answering = () => ({ status: 200 }),
): Promise<Receiver> {
  const receiver = await startReceiver(answering);
  onTestFinished(() => receiver.stop());
  return receiver;
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
