import { mkdirSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { type BuildAppOptions, buildApp } from "fauxqs";
import {
  type FauxqsApp,
  type FauxqsReply,
  type FauxqsRequest,
  prepareForS3,
  type S3Store,
} from "../s3/fauxqs-s3.ts";
import type { MessageAttribute, SqsStore, StoredMessage } from "./fauxqs-sqs.ts";

/**
 * fauxqs as a library: its stores are opened here instead of through `startFauxqs`, because that
 * listens on every network interface, and because sending and receiving through the store in this
 * process costs a tenth of an HTTP call. SDK clients still reach it over the wire protocol.
 */
export interface Fauxqs {
  readonly url: string;
  readonly store: SqsStore<Persistence>;
  readonly s3: S3Store;
  /** Asks `guard` before every request that is for S3, bodies unread. */
  guardS3(guard: S3Guard): void;
  /** Runs `work` in one SQLite transaction: all of it is durable, or none. */
  transaction<T>(work: () => T): T;
  stop(): Promise<void>;
}

/** True: it has answered the request itself. */
export type S3Guard = (request: FauxqsRequest, reply: FauxqsReply) => boolean;

interface Persistence {
  readonly db: DatabaseSync;
  loadSqsAndSns(sqs: SqsStore<Persistence>, sns: object): void;
  loadS3(s3: S3Store): void;
  transaction(work: () => void): void;
  updateMessageReady(messageId: string): void;
  close(): void;
}

interface Internals {
  readonly SqsStore: {
    new (): SqsStore<Persistence>;
    createMessage(body: string, attributes?: Record<string, MessageAttribute>): StoredMessage;
  };
  readonly SnsStore: new () => object & { persistence: Persistence };
  readonly S3Store: new () => S3Store & { persistence: Persistence };
  readonly PersistenceManager: new (directory: string) => Persistence;
}

const internals: Internals = await loadInternals();
export const createMessage = internals.SqsStore.createMessage;

/** fauxqs exports `buildApp({ stores })` but not the stores; its version is pinned for this. */
async function loadInternals(): Promise<Internals> {
  const manifest = findPackageJSON("fauxqs", import.meta.url);
  if (manifest === undefined) throw new Error("fauxqs is not installed; run npm ci");
  const load = (file: string) =>
    import(/* @vite-ignore */ pathToFileURL(join(dirname(manifest), "dist", file)).href);
  const [sqs, sns, s3, persistence] = await Promise.all(
    ["sqs/sqsStore.js", "sns/snsStore.js", "s3/s3Store.js", "persistence.js"].map(load),
  );
  return { ...sqs, ...sns, ...s3, ...persistence };
}

export async function openFauxqs(directory: string, region: string): Promise<Fauxqs> {
  mkdirSync(directory, { recursive: true });
  const persistence = new internals.PersistenceManager(directory);
  // A killed process loses nothing with this; only a power cut could lose the last moment.
  persistence.db.exec("PRAGMA synchronous = NORMAL");
  repairReturnToQueue(persistence);
  returnMessagesOfDeadConsumers(persistence.db);

  const sqsStore = new internals.SqsStore();
  const snsStore = new internals.SnsStore();
  persistence.loadSqsAndSns(sqsStore, snsStore);
  sqsStore.region = region;
  // An empty host makes queue URLs plain: no `sqs.us-east-1.` names that a machine must resolve.
  sqsStore.host = "";
  sqsStore.persistence = persistence;
  snsStore.persistence = persistence;
  for (const queue of sqsStore.allQueues()) queue.persistence = persistence;

  const s3Store = new internals.S3Store();
  persistence.loadS3(s3Store);
  s3Store.persistence = persistence;

  const stores = { sqsStore, snsStore, s3Store };
  const app = buildApp({
    logger: false,
    defaultRegion: region,
    stores: stores as unknown as NonNullable<BuildAppOptions["stores"]>,
  });
  let guard: S3Guard = () => false;
  prepareForS3(app as unknown as FauxqsApp, (request, reply) => guard(request, reply));
  const url = await app.listen({ host: "127.0.0.1", port: 0 });

  const transaction = nestable(persistence.db);
  persistence.transaction = transaction;
  return {
    url,
    store: sqsStore,
    s3: s3Store,
    guardS3(next) {
      guard = next;
    },
    transaction,
    async stop() {
      const closed = app.close();
      // Clients that wait for a message, or for nothing, are kept waiting no longer.
      for (const queue of sqsStore.allQueues()) queue.cancelWaiters();
      app.server.closeAllConnections();
      await closed;
      persistence.close();
    },
  };
}

/** A transaction within another one is part of it. */
function nestable(db: DatabaseSync) {
  let depth = 0;
  return <T>(work: () => T): T => {
    if (depth > 0) return work();
    depth += 1;
    db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      db.exec("COMMIT");
      return result;
    } catch (error) {
      db.exec("ROLLBACK");
      throw error;
    } finally {
      depth -= 1;
    }
  };
}

/**
 * fauxqs 2.4.1 forgets the receive count when a message becomes visible again, which its own
 * schema refuses: a ChangeMessageVisibility to 0 would fail and hide the message until a restart.
 */
function repairReturnToQueue(persistence: Persistence): void {
  const statement = persistence.db.prepare(
    "UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?",
  );
  persistence.updateMessageReady = (messageId) => {
    statement.run(messageId);
  };
}

/**
 * Whoever received these messages died with the process that runs everything, so nobody is working
 * on them: they are visible at once instead of after their visibility timeout. That receive does
 * not count: in AWS a function's death takes no poller with it, and repeated kills of the embedded
 * cloud must not send healthy messages to a dead-letter queue.
 */
function returnMessagesOfDeadConsumers(db: DatabaseSync): void {
  const interrupted = `receipt_handle IS NOT NULL AND visibility_deadline > ${Date.now()}`;
  db.exec(`UPDATE sqs_messages
    SET receipt_handle = NULL, visibility_deadline = NULL,
        approximate_receive_count = MAX(approximate_receive_count - 1, 0)
    WHERE ${interrupted}`);
}
