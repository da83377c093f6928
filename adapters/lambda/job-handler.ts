import { MetricUnit } from "@aws-lambda-powertools/metrics";
import type * as z from "zod";
import type { JobType, jobTypes } from "../../core/contracts/job-types.ts";
import { attemptJob } from "../../core/jobs/attempt-job.ts";
import type { Job } from "../../core/jobs/job.ts";
import type { JobWork } from "../../core/jobs/run-job.ts";
import type { EventDeferral } from "../../core/messaging/event-deferral.ts";
import { jobChangesFromEnvironment } from "../dynamodb/jobs-from-environment.ts";
import { failing, noteFailure } from "./failures.ts";
import { logger } from "./logger.ts";
import { metrics } from "./metrics.ts";
import { workerHandler } from "./worker.ts";

/** A type's payload, as it is once it was accepted. */
export type PayloadOf<Type extends JobType> = z.output<(typeof jobTypes)[Type]["payload"]>;

/**
 * The worker of one type of job. Messages of one batch are worked on side by side, each for itself.
 * @param deferral for types whose jobs wait (`unfinished` with a time).
 */
export function jobHandler<Type extends JobType, Payload = PayloadOf<Type>>(
  type: Type,
  work: JobWork<Payload>,
  { deferral }: { readonly deferral?: EventDeferral } = {},
) {
  const deps = {
    ...jobChangesFromEnvironment(),
    ...(deferral && { deferral }),
    random: Math.random,
    onBegun: ({ acceptedAtMs }: Job) =>
      metrics.addMetric("JobWait", MetricUnit.Milliseconds, Date.now() - acceptedAtMs),
    onFinished({ state, acceptedAtMs, finishedAtMs = acceptedAtMs }: Job) {
      const outcome = state === "succeeded" ? "JobsSucceeded" : "JobsFailed";
      metrics.addMetric(outcome, MetricUnit.Count, 1);
      metrics.addMetric("JobDuration", MetricUnit.Milliseconds, finishedAtMs - acceptedAtMs);
    },
  };
  return workerHandler(async ({ deliveries, deadlineMs }) => {
    const failed = await Promise.all(
      deliveries.map(async (delivery) => {
        const { id, trace } = delivery;
        const onFailed = (jobId: string, error: unknown) => {
          metrics.addMetric("AttemptsFailed", MetricUnit.Count, 1);
          logger.error("attempt failed", { jobId, error });
          noteFailure(id, error);
        };
        try {
          return await attemptJob({ ...deps, onFailed }, type, work, delivery, deadlineMs, trace);
        } catch (error) {
          failing("not attempted")(id, error);
          return id;
        }
      }),
    );
    metrics.addMetric("JobsAttempted", MetricUnit.Count, deliveries.length);
    return failed.filter((one) => one !== undefined);
  });
}
