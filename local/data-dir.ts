import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Everything that one copy of the embedded cloud keeps, in one folder. */
export interface DataDir {
  readonly path: string;
  readonly assembly: string;
  /** Code that was changed since the start. */
  readonly bundles: string;
  readonly logs: string;
  readonly queues: string;
  readonly dynamodb: string;
  /** What the services keep that are written here. */
  readonly services: string;
  /** E-mails that were sent. */
  readonly mailbox: string;
  readonly secrets: string;
  readonly issuer: string;
}

export interface RunningCopy {
  readonly pid: number;
  readonly url?: string;
}

const lockFile = "lock.sqlite";
const runningFile = "running.json";

export function dataDirAt(path: string): DataDir {
  const root = resolve(path);
  return {
    path: root,
    assembly: join(root, "cloud-assembly"),
    bundles: join(root, "bundles"),
    logs: join(root, "logs"),
    queues: join(root, "queues"),
    dynamodb: join(root, "dynamodb"),
    services: join(root, "services"),
    mailbox: join(root, "mailbox"),
    secrets: join(root, "secrets.json"),
    issuer: join(root, "dev-issuer.json"),
  };
}

export interface DataDirLock {
  /** Tells a second copy whom it collides with. */
  announce(copy: RunningCopy): void;
  release(): void;
}

/**
 * Holds the folder for this process. The lock is SQLite's, so the operating system releases it
 * when the process dies, however it dies: there is no stale lock to judge.
 */
export function lockDataDir({ path }: DataDir): DataDirLock {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(path, lockFile));
  try {
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new Error(collision(path), { cause });
  }
  const announce = (copy: RunningCopy) => {
    writeFileSync(join(path, runningFile), `${JSON.stringify(copy)}\n`);
  };
  announce({ pid: process.pid });
  return {
    announce,
    release() {
      rmSync(join(path, runningFile), { force: true });
      if (database.isOpen) database.close();
    },
  };
}

/** Who holds the folder, as far as is known. */
export function runningCopy(path: string): RunningCopy | undefined {
  try {
    return JSON.parse(readFileSync(join(path, runningFile), "utf8")) as RunningCopy;
  } catch {
    return undefined;
  }
}

function collision(path: string): string {
  const holder = runningCopy(path);
  const where = holder?.url === undefined ? "" : ` and serves ${holder.url}`;
  const who = holder === undefined ? "another process" : `process ${holder.pid}`;
  return (
    `${path} is in use: ${who} holds it${where}. ` +
    "Stop it, or start this copy with another --data-dir and PORT."
  );
}

/** Deletes all state. The lock that protects this stays, and so does what is made of sources. */
export function resetDataDir(directory: DataDir): void {
  for (const part of [
    directory.logs,
    directory.queues,
    directory.dynamodb,
    directory.services,
    directory.mailbox,
    directory.secrets,
    directory.issuer,
  ]) {
    rmSync(part, { recursive: true, force: true });
  }
}
