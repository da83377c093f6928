import type { JobState, JobType } from "../contracts/job-types.ts";
import { problems } from "../perimeter/problem.ts";
import type { Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import { type ChangeDeps, changeJob } from "./change-job.ts";
import { finished, isFinished, type Job } from "./job.ts";
import type { JobLists, JobStore } from "./job-store.ts";
import { presentJob } from "./present-job.ts";
import type { WaitingPlaces, WaitRefusal } from "./waiting-places.ts";

/** An id as requests are given it; anything else is not looked up. */
const jobIdPattern = /^[0-9a-f]{32}$/;

/** @throws Problem 404 when there is none, or it is another's. */
export async function readJob(
  store: Pick<JobStore, "read">,
  jobId: string,
  owner: string,
): Promise<Job> {
  const job = jobIdPattern.test(jobId) ? await store.read(jobId) : undefined;
  if (!job || job.owner !== owner) throw problems.notFound(`job ${JSON.stringify(jobId)}`);
  return job;
}

export interface Wait {
  readonly waitMs: number;
  /** Answers at once when the job has come further than this version; none: when its state changes. */
  readonly after: number | undefined;
}

/** Looks at first, so that quick work is told at once; then more seldom, so that waiting is cheap. */
const quickMs = 3_000;
const quickIntervalMs = 100;
const slowIntervalMs = 250;

export interface WaitDeps {
  readonly store: Pick<JobStore, "read">;
  readonly places: WaitingPlaces;
  readonly clock: Clock;
  readonly pacing: Pacing;
}

export interface Followed {
  readonly job: Job;
  /** Why it is answered as it is, although there was time to wait. */
  readonly notWaited?: WaitRefusal | undefined;
}

/**
 * A long poll: answers the moment the job changes, or as it is when the time is over. A job that is
 * finished changes no more, and is answered at once; so is one for which no place to wait is free.
 * @throws Problem 404 when there is none, or it is another's.
 */
export async function waitForJob(
  deps: WaitDeps,
  jobId: string,
  owner: string,
  { waitMs, after }: Wait,
): Promise<Followed> {
  const startedAtMs = deps.clock.nowMs();
  const first = await readJob(deps.store, jobId, owner);
  const isNews = (job: Job) =>
    isFinished(job) || (after === undefined ? job.state !== first.state : job.version > after);
  if (isNews(first) || waitMs < quickIntervalMs) return { job: first };
  const place = await deps.places.take(owner, waitMs);
  if (place.kind === "refused") return { job: first, notWaited: place.why };
  try {
    for (let job = first; ; job = await readJob(deps.store, jobId, owner)) {
      const elapsedMs = deps.clock.nowMs() - startedAtMs;
      const intervalMs = elapsedMs < quickMs ? quickIntervalMs : slowIntervalMs;
      if (isNews(job) || elapsedMs + intervalMs > waitMs) return { job };
      await deps.pacing.sleep(intervalMs);
    }
  } finally {
    // Before the answer: the client's next poll needs the place.
    await place.giveBack();
  }
}

export interface ListQuery {
  readonly state?: JobState | undefined;
  readonly type?: JobType | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** An owner's jobs, newest first. */
export async function listJobs(lists: Pick<JobLists, "list">, owner: string, query: ListQuery) {
  const { state, type, limit, cursor } = query;
  const { jobs, ...more } = await lists.list({ owner, state, type }, limit, cursor);
  return { items: jobs.map((job) => presentJob(job)), ...more };
}

/**
 * Cancels what has not finished. A worker that is at it stops at its next report; what it has done by
 * then stays done.
 * @throws Problem 404; 409 when it has succeeded or failed.
 */
export async function cancelJob(deps: ChangeDeps, jobId: string, owner: string): Promise<Job> {
  await readJob(deps.store, jobId, owner);
  const job = await changeJob(deps, jobId, (one) =>
    isFinished(one) ? undefined : finished(one, "cancelled", {}, deps.clock.nowMs()),
  );
  if (!job) throw problems.notFound(`job ${JSON.stringify(jobId)}`);
  if (job.state === "cancelled") return job;
  throw problems.conflict(
    "job-finished",
    "The job is finished",
    `It has ${job.state} already, and a finished job never changes.`,
  );
}
