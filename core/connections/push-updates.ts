import { balanceChanged, jobChanged } from "../contracts/events.ts";
import type { CreatorId } from "../contracts/ids.ts";
import type { Topic } from "../contracts/socket-messages.ts";
import type { Balance } from "../earnings/read-balance.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { Delivery, FailedDelivery } from "../messaging/delivery.ts";
import { detailTypeOf, readEvent } from "../messaging/read-event.ts";
import { atOnce } from "../values/at-once.ts";
import { type Backoff, backoffMs } from "../values/retry.ts";
import type { ConnectionStore } from "./connection-store.ts";
import { balanceUpdate, jobUpdate } from "./update.ts";

/** The way to clients that are connected. */
export interface Sockets {
  /**
   * `gone`: nobody is at the other end any more. `slow`: it does not take what it is sent.
   * @throws when nobody can be sent to just now.
   */
  send(connectionId: string, text: string): Promise<"sent" | "gone" | "slow">;
  /** Ends a connection; one that is gone is ended already. */
  end(connectionId: string): Promise<void>;
}

export interface PushDeps {
  readonly connections: Pick<ConnectionStore, "followers" | "close">;
  readonly jobs: Pick<JobStore, "read">;
  readonly readBalance: (creatorId: CreatorId) => Promise<Balance>;
  readonly sockets: Sockets;
  readonly random: () => number;
  /** Told of each message that goes back to the queue, and why. */
  readonly onFailed: (deliveryId: string, error: unknown) => void;
}

export interface PushResult {
  readonly failed: readonly FailedDelivery[];
  readonly sent: number;
  readonly gone: number;
  readonly slow: number;
}

/** Topics worked on, and connections of one sent to, side by side. */
const topicsAtOnce = 20;
const connectionsAtOnce = 100;
const backoff: Backoff = { baseMs: 2_000, capMs: 60_000 };

/** A topic that changed, by which messages, and the version before the first change told of. */
interface Change extends Topic {
  readonly deliveries: Delivery[];
  after: number;
}

/**
 * Tells those who follow what changed: once for each topic, however many messages of the batch name
 * it, and as it is now. Clients know by the version what they have seen already.
 */
export async function pushUpdates(
  deps: PushDeps,
  deliveries: readonly Delivery[],
): Promise<PushResult> {
  const failures = new Map<string, FailedDelivery>();
  const fail = ({ id, receives = 1 }: Delivery, error: unknown) => {
    deps.onFailed(id, error);
    failures.set(id, { id, retryInMs: 1_000 + backoffMs(receives, backoff, deps.random) });
  };
  const totals = { sent: 0, gone: 0, slow: 0 };
  await atOnce(changesOf(deliveries, fail), topicsAtOnce, async (change) => {
    try {
      for (const outcome of await push(deps, change)) totals[outcome] += 1;
    } catch (error) {
      for (const delivery of change.deliveries) fail(delivery, error);
    }
  });
  return { failed: [...failures.values()], ...totals };
}

function changesOf(
  deliveries: readonly Delivery[],
  fail: (delivery: Delivery, error: unknown) => void,
): Change[] {
  const changes = new Map<string, Change>();
  const add = (delivery: Delivery, { topic, id }: Topic, after: number) => {
    const key = `${topic}#${id}`;
    const change = changes.get(key) ?? { topic, id, deliveries: [], after };
    change.deliveries.push(delivery);
    change.after = Math.min(change.after, after);
    changes.set(key, change);
  };
  for (const delivery of deliveries) {
    try {
      if (detailTypeOf(delivery.body) === balanceChanged.detailType) {
        const { creatorIds } = readEvent(balanceChanged, delivery.body);
        for (const id of creatorIds) add(delivery, { topic: "balance", id }, 0);
      } else {
        const { jobId, version } = readEvent(jobChanged, delivery.body);
        add(delivery, { topic: "job", id: jobId }, version - 1);
      }
    } catch (error) {
      fail(delivery, error);
    }
  }
  return [...changes.values()];
}

/** Followers are read first: whoever comes later reads for himself what is read here after. */
async function push(deps: PushDeps, change: Change): Promise<("sent" | "gone" | "slow")[]> {
  const followers = await deps.connections.followers(change);
  if (followers.length === 0) return [];
  const text = await textOf(deps, change);
  if (text === undefined) return [];
  return await atOnce(followers, connectionsAtOnce, (id) => tell(deps, id, text));
}

async function textOf(deps: PushDeps, change: Change): Promise<string | undefined> {
  const { topic, id, after, deliveries } = change;
  if (topic === "balance") {
    const balance = await deps.readBalance(id as CreatorId);
    return balanceUpdate("changed", balance, deliveries.at(-1)?.trace?.traceId);
  }
  const job = await deps.jobs.read(id);
  return job && jobUpdate("changed", job, after);
}

async function tell({ connections, sockets }: PushDeps, connectionId: string, text: string) {
  const outcome = await sockets.send(connectionId, text);
  if (outcome === "sent") return outcome;
  // It must not hold up others, nor miss anything: it may come back, and say what it saw last.
  if (outcome === "slow") await sockets.end(connectionId);
  await connections.close(connectionId);
  return outcome;
}
