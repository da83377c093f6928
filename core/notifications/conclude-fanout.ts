import { type ChangeDeps, changeJob, finishJob } from "../jobs/change-job.ts";
import { isFinished, progressed } from "../jobs/job.ts";
import { type FanoutStore, isDone, summarize } from "./fanout.ts";

export interface ConcludeDeps {
  readonly fanouts: Pick<FanoutStore, "chains">;
  readonly jobs: ChangeDeps;
}

/** Clients need not know more often. */
const reportEveryMs = 1_000;

/**
 * Tells clients how far a fan-out has come, and ends its job once every chunk has its results. Whoever
 * has recorded a result asks for it, so the last one to do so sees them all.
 */
export async function concludeFanout(deps: ConcludeDeps, jobId: string): Promise<void> {
  const chains = await deps.fanouts.chains(jobId);
  const { counts, reasons, expected, sent, skipped, failed } = summarize(chains);
  const settled = sent + skipped + failed;
  const { jobs } = deps;
  if (isDone(chains)) {
    const end = {
      counts,
      result: { ...counts, ...(Object.keys(reasons).length > 0 && { reasons }) },
      message: `${sent} sent, ${skipped} skipped, ${failed} failed`,
      ...(sent === 0 && failed > 0 && { problem: nobodyTold }),
    };
    const state = end.problem ? "failed" : "succeeded";
    await finishJob(jobs, jobId, state, end);
    return;
  }
  await changeJob(jobs, jobId, (job) => {
    const nowMs = jobs.clock.nowMs();
    if (isFinished(job) || nowMs - job.changedAtMs < reportEveryMs) return undefined;
    const percent = Math.min(99, Math.floor((100 * settled) / Math.max(1, expected)));
    // A slow writer must not take it back.
    if (percent < job.progress.percent) return undefined;
    const message = `${settled} of ${expected} notifications`;
    return progressed(job, { percent, message, counts }, undefined, nowMs);
  });
}

const nobodyTold = {
  code: "nobody-told",
  title: "Nobody could be told",
  detail: "Every notification failed; `result.reasons` says why. Publish it again to try again.",
  status: 502,
} as const;
