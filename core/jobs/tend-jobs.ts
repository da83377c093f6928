import { limits } from "../contracts/limits.ts";
import { jobBuckets } from "../contracts/storage.ts";
import { announce, type ChangeDeps, changeJob } from "./change-job.ts";
import { attemptsUsedUp, finished, handedOn, isFinished, type Job } from "./job.ts";
import type { JobLists } from "./job-store.ts";
import { workOf } from "./request-job.ts";

interface Deps extends ChangeDeps {
  readonly lists: Pick<JobLists, "due">;
}

/** Looked at in one run for each bucket; the next run goes on. */
const maxPerBucket = 100;

/**
 * Looks after jobs that nobody is looking after: announces an end that was not announced, fails one
 * whose last attempt died without a word, and sends the work of any other again, as its message may be
 * lost. If it is not, the job is worked on beside itself for a moment, as after any other repeat.
 */
export async function tendJobs(deps: Deps, deadlineMs: number): Promise<Record<string, number>> {
  const done = { announced: 0, sentAgain: 0, failed: 0, left: 0 };
  for (let bucket = 0; bucket < jobBuckets; bucket += 1) {
    const jobs = await deps.lists.due(bucket, deps.clock.nowMs(), maxPerBucket);
    for (const job of jobs) {
      if (deps.clock.nowMs() >= deadlineMs) return done;
      done[await tend(deps, job)] += 1;
    }
  }
  return done;
}

async function tend(deps: Deps, job: Job): Promise<"announced" | "sentAgain" | "failed" | "left"> {
  if (isFinished(job)) {
    await announce(deps, job);
    return "announced";
  }
  const nowMs = deps.clock.nowMs();
  const isLast = job.state === "running" && job.receives >= limits.maxReceives;
  // Moved on first: a job that cannot be helped must not be all that every run looks at.
  const next = await changeJob(deps, job.jobId, (one) => {
    if (one.version !== job.version) return undefined;
    if (isLast)
      return finished(
        one,
        "failed",
        { problem: attemptsUsedUp(", and the last one ended without a word") },
        nowMs,
      );
    return handedOn(one, undefined, nowMs, nowMs);
  });
  if (!next || next.version !== job.version + 1) return "left";
  if (isLast) return "failed";
  await deps.bus.publish([workOf(next)]);
  return "sentAgain";
}
