import type { JobType } from "../contracts/job-types.ts";
import type { TraceLink } from "../values/trace-context.ts";
import type { Job, JobOutcome, JobProgress, JsonObject } from "./job.ts";

/** What a type's worker is given of one job. */
export interface JobRun<Payload = JsonObject> {
  readonly jobId: string;
  readonly type: JobType;
  readonly owner: string;
  readonly payload: Payload;
  /** What an earlier attempt, or part, left with `report`. */
  readonly checkpoint: JsonObject | undefined;
  /** 1 for the first. */
  readonly attempt: number;
  readonly acceptedAtMs: number;
  readonly trace: TraceLink;
  /** Aborted when the job was cancelled or taken up by another worker, or when time is over. */
  readonly signal: AbortSignal;
  /** Stop here, ms since the epoch: answer `unfinished`, and the next part goes on. */
  readonly deadlineMs: number;
  /**
   * Tells clients how far it is, at most once a second unless there is a checkpoint, which is durable
   * when this resolves. @throws JobStopped when the job is not this worker's any more.
   */
  report(progress: JobProgress, checkpoint?: JsonObject): Promise<void>;
}

/** A type's work. What it throws is tried again, four times in all; it may run beside itself. */
export type JobWork<Payload = JsonObject> = (run: JobRun<Payload>) => Promise<JobOutcome>;

/** The job was cancelled, finished or taken up by another worker: leave it. */
export class JobStopped extends Error {
  override readonly name = "JobStopped";
  readonly job: Job | undefined;

  constructor(job: Job | undefined) {
    super(`the job is ${job?.state ?? "forgotten"}`);
    this.job = job;
  }
}
