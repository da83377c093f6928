import { type JobType, jobTypes } from "../contracts/job-types.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";

/** How much of one type of job is waiting, and whether more of it is taken. */
export interface Load {
  readonly type: JobType;
  readonly waiting: number;
  /** Jobs of this type are refused until half of it is done. */
  readonly shedding: boolean;
  readonly seenAtMs: number;
}

export interface LoadStore {
  read(type: JobType): Promise<Load | undefined>;
  write(load: Load): Promise<void>;
}

/** Messages of a type that wait for a worker. */
export interface QueueDepths {
  waiting(type: JobType): Promise<number>;
}

/** Whether too much of a type is waiting; undefined: it is not. */
export interface LoadReader {
  shedding(
    type: JobType,
  ): Promise<{ readonly retryAfterSeconds: number; readonly reason: string } | undefined>;
}

/** From how many on jobs are refused: those that can wait long before those that cannot. */
export interface BacklogLimits {
  readonly low: number;
  readonly normal: number;
}

/** What was seen so long ago says nothing: who watches has stopped, and must not stop the rest. */
const staleMs = 5 * 60_000;
/** Somebody looks again within a minute. */
const retryAfterSeconds = 60;

/** Sheds from the limit on, and takes jobs again below half of it, so that it does not flutter. */
export function judgeLoad(
  before: Load | undefined,
  type: JobType,
  waiting: number,
  backlogLimits: BacklogLimits,
  nowMs: number,
): Load {
  const most = backlogLimits[jobTypes[type].priority];
  const shedding = waiting >= most || (isShedding(before, nowMs) && waiting * 2 >= most);
  return { type, waiting, shedding, seenAtMs: nowMs };
}

function isShedding(load: Load | undefined, nowMs: number): load is Load {
  return load?.shedding === true && nowMs - load.seenAtMs <= staleMs;
}

/** @returns what is refused from now on; a queue that cannot be looked at does not hide others. */
export async function watchBacklogs(deps: {
  readonly types: readonly JobType[];
  readonly depths: QueueDepths;
  readonly loads: LoadStore;
  readonly limits: BacklogLimits;
  readonly clock: Clock;
}): Promise<readonly Load[]> {
  const looks = deps.types.map(async (type) => {
    const [waiting, before] = await Promise.all([deps.depths.waiting(type), deps.loads.read(type)]);
    const load = judgeLoad(before, type, waiting, deps.limits, deps.clock.nowMs());
    await deps.loads.write(load);
    return load;
  });
  const seen = await Promise.allSettled(looks);
  const errors = seen.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  if (errors.length > 0) throw new AggregateError(errors, "some queues could not be looked at");
  return seen.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}

/** Reads each load at most once in `cacheMs`: what is asked for with every request is looked up. */
export function loadReader(
  { loads, clock }: { readonly loads: Pick<LoadStore, "read">; readonly clock: Clock },
  cacheMs = 1_000,
): LoadReader {
  const cache = new Map<JobType, { readonly atMs: number; readonly load: Load | undefined }>();
  return {
    async shedding(type) {
      const nowMs = clock.nowMs();
      let known = cache.get(type);
      if (!known || nowMs - known.atMs >= cacheMs) {
        known = { atMs: nowMs, load: await loads.read(type) };
        cache.set(type, known);
      }
      const { load } = known;
      if (!isShedding(load, nowMs)) return undefined;
      const reason = `${load.waiting} jobs of type ${type} are waiting, which is too many`;
      return { retryAfterSeconds, reason };
    },
  };
}

/** @throws Problem 429 when too much of a type is waiting. */
export async function requireCapacity(reader: LoadReader, type: JobType): Promise<void> {
  const refusal = await reader.shedding(type);
  if (!refusal) return;
  const detail = `${refusal.reason}. Send it again later; nothing was accepted.`;
  throw problems.tooMany(detail, refusal.retryAfterSeconds);
}
