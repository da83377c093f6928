import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What the services that are written here must not forget: one SQLite file in their folder. */
export function openServicesDatabase(directory: string): DatabaseSync {
  mkdirSync(directory, { recursive: true });
  const database = new DatabaseSync(join(directory, "services.sqlite"));
  // A killed process loses nothing with this; only a power cut could lose the last moment.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  return database;
}
