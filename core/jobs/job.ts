import {
  type FinishedJobState,
  finishedJobStates,
  type JobState,
  type JobType,
} from "../contracts/job-types.ts";
import { limits } from "../contracts/limits.ts";
import { cutToBytes } from "../values/text.ts";

/** JSON as it is stored: plain data. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** What went wrong, as RFC 9457 has it; clients see it as it is. */
export interface JobProblem {
  /** Ends its `type` URI. */
  readonly code: string;
  readonly title: string;
  /** What to change. Nothing internal: it may be shown to a writer. */
  readonly detail: string;
  /** The HTTP status that the request would have got, had it waited. */
  readonly status: number;
  /** What else there is to say, by name. */
  readonly extensions?: JsonObject;
}

/** A file that came of a job; it is read by a link that is signed whenever somebody asks. */
export interface JobFile {
  /** What it is to the client: `pdf`, `csv`, `1200.avif`. */
  readonly name: string;
  /** Its key in the bucket. */
  readonly key: string;
  readonly contentType: string;
  readonly bytes: number;
  /** What to save it as. */
  readonly fileName: string;
}

export interface JobProgress {
  /** 0 to 100. */
  readonly percent: number;
  readonly message: string;
  /** Of a fan-out and the like: what was done so far, by name. */
  readonly counts?: Readonly<Record<string, number>>;
}

/** One step in a job's life; a client that comes back with a version is told all that came since. */
export interface JobChange {
  readonly version: number;
  readonly state: JobState;
  readonly progress: JobProgress;
  readonly atMs: number;
}

/** Slow work with a status that a client can follow. */
export interface Job {
  readonly jobId: string;
  readonly type: JobType;
  /** `creator:<id>`, `publisher` or `admin`: who may follow and cancel it. */
  readonly owner: string;
  /** The job that failed and whose place it took, by an operator's redrive. */
  readonly retryOf?: string;
  readonly payload: JsonObject;
  /** SHA-256 of the request's body: the same Idempotency-Key must come with the same. */
  readonly fingerprint: string;
  readonly callbackUrl?: string;
  readonly traceparent: string;
  readonly state: JobState;
  /** 1, 2, 3 …: grows with each change. */
  readonly version: number;
  /** How often a worker began it; it also tells workers apart. */
  readonly attempts: number;
  /** How often the message of the latest attempt was received: at `limits.maxReceives` it is the last. */
  readonly receives: number;
  readonly progress: JobProgress;
  /** Where the next attempt goes on; the type's own. */
  readonly checkpoint?: JsonObject;
  readonly result?: JsonObject;
  readonly files?: readonly JobFile[];
  readonly problem?: JobProblem;
  readonly acceptedAtMs: number;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly changedAtMs: number;
  /** The latest, oldest first. */
  readonly changes: readonly JobChange[];
  /** When somebody has to look at it unless it changed since; none: nothing is left to be done. */
  readonly attendAtMs?: number;
  /** From then on it does not exist. */
  readonly expiresAtMs: number;
}

/** What one run of a type's worker came to. */
export type JobOutcome =
  | {
      readonly kind: "succeeded";
      readonly result: JsonObject;
      readonly files?: readonly JobFile[];
      readonly message?: string;
      /** In all, where `progress` counts. */
      readonly counts?: NonNullable<JobProgress["counts"]>;
    }
  /** For good: another attempt would fail in the same way. */
  | { readonly kind: "failed"; readonly problem: JobProblem }
  /** Its time was over, or it must wait: it goes on from its checkpoint, at once or at `atMs`. */
  | { readonly kind: "unfinished"; readonly atMs?: number; readonly message?: string }
  /** Others will finish it, with `finishJob`; this message is done. */
  | { readonly kind: "handed-over" };

/** How long a finished job's news may take to be announced before it is announced again. */
export const announceWithinMs = 60_000;
/** How long an accepted job's message may take before it is sent again. */
export const beginWithinMs = 15 * 60_000;
/** How long a job may be in nobody's hands but its queue's before somebody looks at it again. */
export const goOnWithinMs = 2 * 3_600_000;
/** The last attempt of a job is given up this long after its time was over. */
const lastAttemptGraceMs = 60_000;

export function isFinished({ state }: Pick<Job, "state">): boolean {
  return (finishedJobStates as readonly JobState[]).includes(state);
}

type Changed = Partial<
  Pick<
    Job,
    | "state"
    | "attempts"
    | "receives"
    | "progress"
    | "checkpoint"
    | "result"
    | "files"
    | "problem"
    | "startedAtMs"
    | "finishedAtMs"
    | "attendAtMs"
  >
>;

/** The next version of a job; its history keeps what clients can see. */
export function changed(job: Job, change: Changed, nowMs: number): Job {
  const next = { ...job, ...change, version: job.version + 1, changedAtMs: nowMs };
  const { state, progress, version } = next;
  const step: JobChange = { version, state, progress, atMs: nowMs };
  return { ...next, changes: [...job.changes, step].slice(-limits.maxJobChanges) };
}

export function newJob(
  request: Pick<
    Job,
    "jobId" | "type" | "owner" | "payload" | "fingerprint" | "callbackUrl" | "traceparent"
  >,
  nowMs: number,
  retentionMs: number,
): Job {
  const progress = { percent: 0, message: "" };
  return {
    ...request,
    ...{ state: "accepted", version: 1, attempts: 0, receives: 0, progress },
    ...{ acceptedAtMs: nowMs, changedAtMs: nowMs, attendAtMs: nowMs + beginWithinMs },
    changes: [{ version: 1, state: "accepted", progress, atMs: nowMs }],
    expiresAtMs: nowMs + retentionMs,
  };
}

/** A worker takes it up, from a message that was received so often, until its time is over. */
export function begun(job: Job, receives: number, deadlineMs: number, nowMs: number): Job {
  const isLast = receives >= limits.maxReceives;
  return changed(
    job,
    {
      ...{ state: "running", attempts: job.attempts + 1, receives },
      startedAtMs: job.startedAtMs ?? nowMs,
      attendAtMs: deadlineMs + (isLast ? lastAttemptGraceMs : goOnWithinMs),
    },
    nowMs,
  );
}

/** This message is done, and the job is not: another one goes on, or others finish it. */
export function handedOn(job: Job, message: string | undefined, atMs: number, nowMs: number): Job {
  const progress = message === undefined ? job.progress : { ...job.progress, message };
  return changed(job, { progress, receives: 0, attendAtMs: atMs + goOnWithinMs }, nowMs);
}

export function progressed(
  job: Job,
  progress: JobProgress,
  checkpoint: JsonObject | undefined,
  nowMs: number,
): Job {
  const { percent, message, counts } = progress;
  return changed(
    job,
    {
      progress: {
        percent: Math.min(100, Math.max(0, Math.floor(percent))),
        message: cutToBytes(message, limits.maxJobMessageBytes),
        ...(counts && { counts }),
      },
      ...(checkpoint && { checkpoint }),
    },
    nowMs,
  );
}

type End = Pick<Job, "result" | "files" | "problem"> &
  Pick<Partial<JobProgress>, "message" | "counts">;

/** It ends; nothing changes that any more. */
export function finished(job: Job, state: FinishedJobState, end: End, nowMs: number): Job {
  if (isFinished(job)) throw new Error(`job ${job.jobId} is ${job.state} already`);
  const { result, files, problem, message = job.progress.message, counts } = end;
  const percent = state === "succeeded" ? 100 : job.progress.percent;
  return changed(
    job,
    {
      state,
      ...(result && { result }),
      ...(files && { files }),
      ...(problem && { problem }),
      progress: { ...job.progress, percent, message, ...(counts && { counts }) },
      finishedAtMs: nowMs,
      attendAtMs: nowMs + announceWithinMs,
    },
    nowMs,
  );
}

/** Why a job failed whose last attempt did. */
export function attemptsUsedUp(howItEnded = ""): JobProblem {
  return {
    code: "attempts-used-up",
    title: "It did not work",
    detail: `It was tried ${limits.maxReceives} times${howItEnded}; quote the traceId to the operator.`,
    status: 500,
  };
}
