import type { Topic } from "../contracts/socket-messages.ts";

/** An open WebSocket, and who is at its other end. */
export interface Connection {
  readonly connectionId: string;
  /** As jobs name their owner. */
  readonly owner: string;
  readonly openedAtMs: number;
  /** By then it is closed, whether anybody told us or not. */
  readonly expiresAtMs: number;
}

/** Who is connected, and what they follow. All reads are strongly consistent. */
export interface ConnectionStore {
  /** `used`: the ticket has opened a connection before, and nothing was written. */
  open(connection: Connection, ticketId: string): Promise<"opened" | "used">;
  /** Forgets a connection and what it follows; one that is not known is forgotten already. */
  close(connectionId: string): Promise<void>;
  followed(connectionId: string): Promise<readonly Topic[]>;
  /** Again changes nothing. */
  follow(connection: Pick<Connection, "connectionId" | "expiresAtMs">, topic: Topic): Promise<void>;
  unfollow(connectionId: string, topic: Topic): Promise<void>;
  followers(topic: Topic): Promise<readonly string[]>;
}
