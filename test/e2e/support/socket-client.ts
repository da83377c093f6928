import { onTestFinished } from "vitest";
import { type ClientOptions, WebSocket } from "ws";

// biome-ignore lint/suspicious/noExplicitAny: tests state the shape they expect
type Message = any;

/** A client over the wire, and all that it was told. */
export interface SocketClient {
  readonly socket: WebSocket;
  readonly received: Message[];
  readonly closed: Promise<number>;
  say(message: object | string): void;
  /** Says it, and waits for what comes next that is no push. */
  ask(message: object | string): Promise<Message>;
  /** Waits for a message that fits. */
  hear(fits: (message: Message) => boolean): Promise<Message>;
}

/** Connects, or says with which status it was refused. Ended with the test. */
export async function connectTo(url: string, options: ClientOptions = {}): Promise<SocketClient> {
  const socket = new WebSocket(url, options);
  onTestFinished(() => socket.terminate());
  const received: Message[] = [];
  const waiting = new Set<() => void>();
  socket.on("message", (data) => {
    received.push(JSON.parse(String(data)));
    for (const look of waiting) look();
  });
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  await new Promise<void>((opened, refused) => {
    socket.once("open", opened);
    socket.once("unexpected-response", (_, { statusCode }) => refused(new Refused(statusCode)));
    socket.once("error", refused);
  });
  const hear = (fits: (message: Message) => boolean, from = 0) =>
    new Promise<Message>((resolve) => {
      const look = () => {
        const found = received.slice(from).find(fits);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const say = (message: object | string) =>
    socket.send(typeof message === "string" ? message : JSON.stringify(message));
  return {
    ...{ socket, received, closed, say },
    hear: (fits) => hear(fits),
    ask(message) {
      const from = received.length;
      say(message);
      return hear(({ type }) => type !== "changed", from);
    },
  };
}

export class Refused extends Error {
  readonly status: number | undefined;

  constructor(status: number | undefined) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

/** The status with which a connection was refused. */
export async function refusalOf(connecting: Promise<SocketClient>): Promise<number | undefined> {
  try {
    await connecting;
  } catch (error) {
    if (error instanceof Refused) return error.status;
    throw error;
  }
  return undefined;
}
