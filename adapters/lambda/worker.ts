import { MetricUnit } from "@aws-lambda-powertools/metrics";
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import type { Delivery, FailedDelivery } from "../../core/messaging/delivery.ts";
import { continueTrace, type TraceContext } from "../../core/values/trace-context.ts";
import { randomHex } from "../runtime.ts";
import { returnLater } from "../sqs/return-later.ts";
import { deadlineOf } from "./deadline.ts";
import { logger } from "./logger.ts";
import { metrics } from "./metrics.ts";

export interface Batch {
  readonly deliveries: readonly Delivery[];
  /** Stop here and return the rest: what is left is for the answer to be written. */
  readonly deadlineMs: number;
  readonly trace: TraceContext;
}

const maxTracesLogged = 200;
const traceparentInBody = /\\?"traceparent\\?":\s*\\?"(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})/;

/**
 * A queue's worker. The function says which deliveries failed, and may say when they come back; all
 * others are done. When it throws, all of them return to the queue.
 */
export function workerHandler(work: (batch: Batch) => Promise<readonly FailedDelivery[]>) {
  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const traceparents = event.Records.map(({ body }) => traceparentInBody.exec(body)?.[1]);
    const trace = continueTrace(traceparents[0], randomHex);
    logger.resetKeys();
    logger.appendKeys({ trace_id: trace.traceId, trace_ids: distinctTraceIds(traceparents) });
    const deliveries = event.Records.map(({ messageId, body, attributes }) => ({
      ...{ id: messageId, body },
      receives: Number(attributes.ApproximateReceiveCount),
    }));
    const failed = await work({ deliveries, deadlineMs: deadlineOf(context), trace });
    await returnInTime(event, failed);
    const failedIds = failed.map((one) => (typeof one === "string" ? one : one.id));
    metrics.addMetric("DeliveriesFailed", MetricUnit.Count, failedIds.length);
    metrics.publishStoredMetrics();
    if (failedIds.length > 0) logger.error("deliveries failed", { failedIds });
    return { batchItemFailures: failedIds.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

async function returnInTime(event: SQSEvent, failed: readonly FailedDelivery[]): Promise<void> {
  const handles = new Map(event.Records.map((record) => [record.messageId, record.receiptHandle]));
  await Promise.all(
    failed.map(async (one) => {
      if (typeof one === "string") return;
      try {
        await returnLater(handles.get(one.id) ?? "", one.retryInMs);
      } catch (error) {
        // It comes back all the same, when its time-out is over.
        logger.warn("could not return a message in time", { id: one.id, error: error as Error });
      }
    }),
  );
}

function distinctTraceIds(traceparents: readonly (string | undefined)[]): string[] {
  const ids = traceparents.flatMap((traceparent) => traceparent?.slice(3, 35) ?? []);
  return [...new Set(ids)].slice(0, maxTracesLogged);
}
