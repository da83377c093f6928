import { limits } from "../contracts/limits.ts";
import type { Topic } from "../contracts/socket-messages.ts";
import type { Balance } from "../earnings/read-balance.ts";
import { changesAfter } from "../jobs/changes-after.ts";
import type { Job } from "../jobs/job.ts";
import { presentJob } from "../jobs/present-job.ts";
import { traceIdOf } from "../values/trace-context.ts";

/** What a client is told: in answer to `subscribe`, or because something changed. */
export type UpdateType = "subscribed" | "changed";

const utf8 = new TextEncoder();

/**
 * A job as it is now, and the steps it took after a version: a client drops those that it knows. As
 * much as one message takes; `gap` says that older steps are missing.
 */
export function jobUpdate(type: UpdateType, job: Job, after: number | undefined): string {
  const { jobId: id, version } = job;
  const traceId = traceIdOf(job.traceparent);
  const since = after === undefined ? undefined : changesAfter(job, after);
  let changes = since?.changes ?? [];
  let gap = since?.gap ?? false;
  for (;;) {
    const update = {
      ...{ type, topic: "job" satisfies Topic["topic"], id, version, traceId },
      ...(since && {
        changes: changes.map(({ atMs, ...step }) => ({
          ...step,
          at: new Date(atMs).toISOString(),
        })),
      }),
      ...(gap && { gap }),
      job: presentJob(job),
    };
    const text = JSON.stringify(update);
    if (changes.length === 0 || utf8.encode(text).length <= limits.maxPushBytes) return text;
    changes = changes.slice(Math.ceil(changes.length / 2));
    gap = true;
  }
}

/** @param traceId of the settlement that changed it, if that is what is told. */
export function balanceUpdate(type: UpdateType, balance: Balance, traceId?: string): string {
  const topic: Topic["topic"] = "balance";
  return JSON.stringify({ type, topic, id: balance.creatorId, traceId, balance });
}
