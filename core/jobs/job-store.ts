import type { JobState, JobType } from "../contracts/job-types.ts";
import type { Job } from "./job.ts";

/** Jobs, one record each, changed whole; strongly consistent. One that expired does not exist. */
export interface JobStore {
  /** `known`: there is one with this id, and nothing was written. */
  add(job: Job): Promise<"added" | "known">;
  read(jobId: string): Promise<Job | undefined>;
  /** Writes the next version, if the version before is what is stored. */
  replace(job: Job): Promise<"replaced" | "raced">;
  /** Nobody has to look at this version any more. */
  settle(job: Job): Promise<void>;
}

export interface JobFilter {
  readonly owner: string;
  readonly state?: JobState | undefined;
  readonly type?: JobType | undefined;
}

/** Lists, which may lag behind by a moment. */
export interface JobLists {
  /** An owner's, newest first, from where a cursor says. */
  list(
    filter: JobFilter,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ readonly jobs: readonly Job[]; readonly nextCursor?: string }>;
  /** Jobs of one bucket that should have been looked at by then, at most `limit`. */
  due(bucket: number, byMs: number, limit: number): Promise<readonly Job[]>;
}
