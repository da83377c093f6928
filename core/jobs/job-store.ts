import type { Job } from "./job.ts";

/** Jobs, one record each, changed whole; strongly consistent. One that expired does not exist. */
export interface JobStore {
  /** `known`: there is one with this id, and nothing was written. */
  add(job: Job): Promise<"added" | "known">;
  read(jobId: string): Promise<Job | undefined>;
  /** Writes the next version, if the version before is what is stored. */
  replace(job: Job): Promise<"replaced" | "raced">;
}
