import type { DatabaseSync } from "node:sqlite";
import type { WebSocket } from "ws";
import type { Connection } from "./connection-events.ts";

export interface LiveConnection extends Connection {
  readonly socket: WebSocket;
  lastActiveAtMs: number;
}

/** Who is connected, and who was when a process was killed. */
export interface Connections {
  get(id: string): LiveConnection | undefined;
  all(): LiveConnection[];
  /** Returns when it is durable that there may be a connection, so that its end is told. */
  remember(connection: Connection): void;
  open(connection: LiveConnection): void;
  /** Nobody can be sent to any more; the connection is remembered until `forget`. */
  close(id: string): void;
  /** Its `$disconnect` has run, or it never came to be. */
  forget(id: string): void;
  /** At the start: those whose `$disconnect` never ran, because the process died. */
  left(): Connection[];
}

export function openConnections(database: DatabaseSync): Connections {
  database.exec(
    "CREATE TABLE IF NOT EXISTS connections (id TEXT PRIMARY KEY, connection TEXT NOT NULL)",
  );
  const insert = database.prepare("INSERT INTO connections VALUES (?, ?)");
  const remove = database.prepare("DELETE FROM connections WHERE id = ?");
  const select = database.prepare("SELECT connection FROM connections");
  const live = new Map<string, LiveConnection>();
  return {
    get: (id) => live.get(id),
    all: () => [...live.values()],
    remember(connection) {
      insert.run(connection.id, JSON.stringify(connection));
    },
    open(connection) {
      live.set(connection.id, connection);
    },
    close(id) {
      live.delete(id);
    },
    forget(id) {
      remove.run(id);
    },
    left: () =>
      select
        .all()
        .map((row) => JSON.parse((row as { connection: string }).connection) as Connection),
  };
}
