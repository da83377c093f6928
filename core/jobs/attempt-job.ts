import { jobRequested } from "../contracts/events.ts";
import type { JobType } from "../contracts/job-types.ts";
import { limits } from "../contracts/limits.ts";
import type { Delivery, FailedDelivery } from "../messaging/delivery.ts";
import type { EventDeferral } from "../messaging/event-deferral.ts";
import { readEvent } from "../messaging/read-event.ts";
import { Problem } from "../perimeter/problem.ts";
import { type Backoff, backoffMs } from "../values/retry.ts";
import type { TraceContext } from "../values/trace-context.ts";
import { announce, type ChangeDeps, changeJob } from "./change-job.ts";
import {
  attemptsUsedUp,
  begun,
  finished,
  handedOn,
  isFinished,
  type Job,
  type JobOutcome,
  type JobProblem,
  type JsonObject,
  progressed,
} from "./job.ts";
import { workOf } from "./request-job.ts";
import { JobStopped, type JobWork } from "./run-job.ts";

export interface AttemptDeps extends ChangeDeps {
  /** Only types whose jobs wait have it. */
  readonly deferral?: EventDeferral;
  readonly random: () => number;
  /** Told of each job as its first attempt begins, and as it ends here. */
  readonly onBegun?: (job: Job) => void;
  readonly onFinished?: (job: Job) => void;
  /** Told of each attempt that failed, and why. */
  readonly onFailed: (jobId: string, error: unknown) => void;
}

/** Full jitter below 8, 32 and 128 s: what failed once is tried soon, what fails again is left in peace. */
const backoff: Backoff = { baseMs: 2_000, capMs: 300_000 };
/** Clients need not know more often. */
const reportEveryMs = 1_000;

/**
 * Works on the job that a message names. The record decides: what is finished stays as it is, and a
 * worker whose job was taken up by another one stops.
 * @returns the failure of the message, if it has to come back.
 */
export async function attemptJob<Type extends JobType>(
  deps: AttemptDeps,
  type: Type,
  work: JobWork<never>,
  { id, body, receives = 1 }: Delivery,
  deadlineMs: number,
  trace: TraceContext,
): Promise<FailedDelivery | undefined> {
  const { jobId } = readEvent(jobRequested[type], body) as { readonly jobId: string };
  const job = await changeJob(deps, jobId, (one) =>
    isFinished(one) ? undefined : begun(one, receives, deadlineMs, deps.clock.nowMs()),
  );
  // It expired while its message waited.
  if (!job) return undefined;
  if (isFinished(job)) {
    if (job.attendAtMs !== undefined) await announce(deps, job);
    return undefined;
  }
  if (job.attempts === 1) deps.onBegun?.(job);
  try {
    return await attempt(deps, job, () => run(deps, job, work, deadlineMs, trace), {
      id,
      receives,
    });
  } catch (error) {
    // It was cancelled, or is another worker's by now: whatever went wrong is nobody's business.
    if (error instanceof JobStopped) return undefined;
    throw error;
  }
}

async function attempt(
  deps: AttemptDeps,
  job: Job,
  work: () => Promise<JobOutcome>,
  { id, receives }: Required<Pick<Delivery, "id" | "receives">>,
): Promise<FailedDelivery | undefined> {
  try {
    await conclude(deps, job, await work());
    return undefined;
  } catch (error) {
    if (error instanceof JobStopped) throw error;
    if (isFinal(error)) {
      // The caller's to mend: no fault of ours, which onFailed tells of.
      await conclude(deps, job, { kind: "failed", problem: problemOf(error) });
      return undefined;
    }
    deps.onFailed(job.jobId, error);
    if (receives >= limits.maxReceives) {
      // The message becomes a dead letter all the same: it is what an operator looks at.
      await conclude(deps, job, { kind: "failed", problem: attemptsUsedUp() });
    }
    // 4, 16, 64 times the base: it is received again at most thrice.
    return { id, retryInMs: backoffMs(2 * receives, backoff, deps.random) };
  }
}

async function run(
  deps: AttemptDeps,
  job: Job,
  work: JobWork<never>,
  deadlineMs: number,
  trace: TraceContext,
): Promise<JobOutcome> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), Math.max(0, deadlineMs - deps.clock.nowMs()));
  let reportedAtMs = Number.NEGATIVE_INFINITY;
  const { jobId, type, owner, checkpoint, attempts, acceptedAtMs } = job;
  try {
    return await work({
      ...{ jobId, type, owner, payload: job.payload as never, checkpoint, acceptedAtMs },
      ...{ attempt: attempts, trace, signal: stop.signal, deadlineMs },
      async report(progress, next) {
        const nowMs = deps.clock.nowMs();
        if (next === undefined && nowMs - reportedAtMs < reportEveryMs) return;
        reportedAtMs = nowMs;
        await changeOwn(deps, job, (one) => progressed(one, progress, next, nowMs), stop);
      },
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Writes a change of a job that is still this attempt's. @throws JobStopped when it is not. */
async function changeOwn(
  deps: AttemptDeps,
  { jobId, attempts }: Job,
  decide: (job: Job) => Job,
  stop?: AbortController,
): Promise<Job> {
  let isOwn = false;
  const job = await changeJob(deps, jobId, (one) => {
    isOwn = !isFinished(one) && one.attempts === attempts;
    return isOwn ? decide(one) : undefined;
  });
  if (job && isOwn) return job;
  stop?.abort();
  throw new JobStopped(job);
}

async function conclude(deps: AttemptDeps, job: Job, outcome: JobOutcome): Promise<void> {
  const nowMs = deps.clock.nowMs();
  switch (outcome.kind) {
    case "succeeded":
    case "failed": {
      const { kind } = outcome;
      const end = await changeOwn(deps, job, (one) => finished(one, kind, outcome, nowMs));
      deps.onFinished?.(end);
      return;
    }
    case "unfinished":
      await goOn(deps, job, outcome, nowMs);
      return;
    case "handed-over":
      await changeOwn(deps, job, (one) => handedOn(one, undefined, nowMs, nowMs));
      return;
    default:
      assertNever(outcome);
  }
}

/** The next part is a message of its own, which may be received as often as the first. */
async function goOn(
  deps: AttemptDeps,
  job: Job,
  { atMs = 0, message }: Extract<JobOutcome, { kind: "unfinished" }>,
  nowMs: number,
): Promise<void> {
  const waiting = await changeOwn(deps, job, (one) =>
    handedOn(one, message, Math.max(atMs, nowMs), nowMs),
  );
  if (atMs <= nowMs) {
    await deps.bus.publish([workOf(waiting)]);
    return;
  }
  if (!deps.deferral)
    throw new Error(`jobs of type ${job.type} cannot wait: see Needs.deferEvents`);
  await deps.deferral.publishAt(workOf(waiting), atMs, `job-${job.jobId}-${waiting.version}`);
}

/** A problem that says what the caller has to change is not mended by another attempt. */
function isFinal(error: unknown): error is Problem {
  return error instanceof Problem && error.status < 500 && error.status !== 429;
}

function problemOf({ code, title, message, status, extensions }: Problem): JobProblem {
  const { retryAfterSeconds: _, ...rest } = extensions;
  const more = Object.keys(rest).length > 0 && { extensions: rest as unknown as JsonObject };
  return { code, title, detail: message, status, ...more };
}

function assertNever(outcome: never): never {
  throw new Error(`unknown outcome ${JSON.stringify(outcome)}`);
}
