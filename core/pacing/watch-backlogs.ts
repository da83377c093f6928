import { type Priority, priorityOf } from "../contracts/queued-work.ts";
import type { QueueMetrics } from "../monitoring/queue-figures.ts";
import { atOnce } from "../values/at-once.ts";
import type { Clock } from "../values/time.ts";
import { isHeeded, judgeQueue, type Pressure, type QueuePressure } from "./pressure.ts";
import { ageMatters, type LevelLimits } from "./queue-level.ts";

/** From when on it is too much, by what waits in a queue. */
export interface BackpressureLimits
  extends Readonly<Record<Priority, Omit<LevelLimits, "leastWaiting">>> {
  readonly leastWaiting: number;
  readonly retryAfterSeconds: number;
}

export interface PressureStore {
  /**
   * What was written a moment ago may not be seen yet.
   * @throws when it cannot be read, or not be understood by this version.
   */
  read(): Promise<Pressure | undefined>;
  write(pressure: Pressure): Promise<void>;
}

export interface WatchDeps {
  /** Names of all workers' queues. */
  readonly queues: readonly string[];
  /** Messages that wait for a worker. */
  readonly waitingIn: (queue: string) => Promise<number>;
  /** Tells how old the oldest message is. */
  readonly metrics: QueueMetrics;
  readonly store: PressureStore;
  readonly limits: BackpressureLimits;
  readonly clock: Clock;
  /** Told whose age nobody knows: their depth alone decides. */
  readonly onAgesUnknown: (queues: readonly string[]) => void;
  /** Told when nobody knows what was seen before: queues are judged anew, and that is written. */
  readonly onUnread: (error: unknown) => void;
}

export interface Watched {
  readonly pressure: Pressure;
  /** Queues that could not be looked at, and why. */
  readonly unseen: readonly { readonly queue: string; readonly error: unknown }[];
}

const looksAtOnce = 40;

/**
 * Looks at every queue and writes down which are too full. One that cannot be looked at stays as it
 * was, until that is too old to be believed.
 */
export async function watchBacklogs(deps: WatchDeps): Promise<Watched> {
  const { queues, clock, limits, store, onUnread } = deps;
  const [{ depths, unseen }, before] = await Promise.all([
    lookAtAll(deps),
    store.read().catch(onUnread),
  ]);
  const ages = await agesThatMatter(deps, depths);
  const nowMs = clock.nowMs();
  const judged = queues.flatMap((queue): [string, QueuePressure][] => {
    const known = before?.queues[queue];
    const heeded = known && isHeeded(known, nowMs) ? known : undefined;
    const waiting = depths.get(queue);
    const look = waiting !== undefined && { waiting, oldestSeconds: ages.get(queue) };
    const next = look ? judgeQueue(heeded, look, limitsOf(queue, limits), nowMs) : heeded;
    return next ? [[queue, next]] : [];
  });
  const { retryAfterSeconds } = limits;
  const pressure = { queues: Object.fromEntries(judged), retryAfterSeconds };
  await store.write(pressure);
  return { pressure, unseen };
}

function limitsOf(queue: string, limits: BackpressureLimits): LevelLimits {
  return { ...limits[priorityOf(queue)], leastWaiting: limits.leastWaiting };
}

async function lookAtAll({ queues, waitingIn }: WatchDeps) {
  const depths = new Map<string, number>();
  const unseen: Watched["unseen"][number][] = [];
  await atOnce(queues, looksAtOnce, async (queue) => {
    try {
      depths.set(queue, await waitingIn(queue));
    } catch (error) {
      unseen.push({ queue, error });
    }
  });
  return { depths, unseen };
}

/** An age is paid for, and of a queue in which little waits it would change nothing. */
async function agesThatMatter(
  { metrics, limits, onAgesUnknown }: WatchDeps,
  depths: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const asked = [...depths]
    .filter(([queue, waiting]) => ageMatters(waiting, limitsOf(queue, limits)))
    .map(([queue]) => queue);
  if (asked.length === 0) return new Map();
  const measured = await metrics.read(asked);
  const ages = asked.flatMap((queue): [string, number][] => {
    const oldestSeconds = measured?.get(queue)?.oldestSeconds;
    return oldestSeconds === undefined ? [] : [[queue, oldestSeconds]];
  });
  const known = new Map(ages);
  const unknown = asked.filter((queue) => !known.has(queue));
  if (unknown.length > 0) onAgesUnknown(unknown);
  return known;
}
