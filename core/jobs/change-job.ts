import { jobChanged } from "../contracts/events.ts";
import type { FinishedJobState } from "../contracts/job-types.ts";
import type { EventPublisher, OutgoingEvent } from "../messaging/event-publisher.ts";
import type { Clock } from "../values/time.ts";
import { finished, isFinished, type Job } from "./job.ts";
import type { JobStore } from "./job-store.ts";

export interface ChangeDeps {
  readonly store: Pick<JobStore, "read" | "replace" | "settle">;
  readonly bus: EventPublisher;
  readonly clock: Clock;
  /** News that did not get onto the bus; news of an end is announced again later. */
  readonly onUnannounced: (jobId: string, error: unknown) => void;
}

/** Rivals write as often as this while one of them loses. */
const maxTries = 20;

/**
 * Writes what `decide` makes of the stored job, and announces it. `decide` may be asked again, when
 * somebody else was faster; `undefined` leaves the job as it is.
 * @returns the job as it is then; undefined when there is none.
 */
export async function changeJob(
  deps: ChangeDeps,
  jobId: string,
  decide: (job: Job) => Job | undefined,
): Promise<Job | undefined> {
  for (let attempt = 0; attempt < maxTries; attempt += 1) {
    const job = await deps.store.read(jobId);
    const next = job && decide(job);
    if (!next) return job;
    if ((await deps.store.replace(next)) === "raced") continue;
    await announce(deps, next);
    return next;
  }
  throw new Error(`others kept changing job ${jobId}`);
}

type End = Parameters<typeof finished>[2];

/** Ends a job, unless it has ended already: then it stays as it is. */
export async function finishJob(
  deps: ChangeDeps,
  jobId: string,
  state: FinishedJobState,
  end: End,
): Promise<Job | undefined> {
  return await changeJob(deps, jobId, (job) =>
    isFinished(job) ? undefined : finished(job, state, end, deps.clock.nowMs()),
  );
}

/** Tells the bus. A job that ended is settled once that is done; until then it is announced again. */
export async function announce(deps: Omit<ChangeDeps, "clock">, job: Job): Promise<void> {
  try {
    await deps.bus.publish([changeOf(job)]);
    if (isFinished(job)) await deps.store.settle(job);
  } catch (error) {
    deps.onUnannounced(job.jobId, error);
  }
}

function changeOf(job: Job): OutgoingEvent {
  const { traceparent, jobId, type, owner, state, version, changedAtMs } = job;
  return {
    contract: jobChanged,
    detail: { schemaVersion: 1, traceparent, jobId, type, owner, state, version, changedAtMs },
  };
}
