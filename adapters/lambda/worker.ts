import { MetricUnit } from "@aws-lambda-powertools/metrics";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { limits } from "../../core/contracts/limits.ts";
import { type Delivery, type FailedDelivery, idOf } from "../../core/messaging/delivery.ts";
import { isAlwaysKept } from "../../core/tracing/keep-trace.ts";
import { idsIn } from "../../core/tracing/step-log.ts";
import {
  continueTrace,
  type TraceContext,
  type TraceStart,
  traceparentIn,
} from "../../core/values/trace-context.ts";
import { randomHex } from "../runtime.ts";
import { returnLater } from "../sqs/return-later.ts";
import { deadlineOf } from "./deadline.ts";
import { failureOf, forgetFailures, noteSharedFailure, recordFailures } from "./failures.ts";
import { logger } from "./logger.ts";
import { metrics } from "./metrics.ts";
import { closeLetters } from "./redriven.ts";
import { service, traceStart, traces, writeTraces } from "./traces.ts";

/** A message, and the step of its own trace in which it is worked on. */
export type TracedDelivery = Delivery & { readonly trace: TraceContext };

export interface Batch {
  readonly deliveries: readonly TracedDelivery[];
  /** Stop here and return the rest: what is left is for the answer to be written. */
  readonly deadlineMs: number;
  /** Of the first message: for what is done for all of them together. */
  readonly trace: TraceContext;
}

const maxTracesLogged = 200;

/**
 * A queue's worker. The function says which deliveries failed, and may say when they come back; all
 * others are done. When it throws, all of them return to the queue.
 */
export function workerHandler(work: (batch: Batch) => Promise<readonly FailedDelivery[]>) {
  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const deliveries = event.Records.map(deliveryOf);
    const trace = deliveries[0]?.trace ?? continueTrace(undefined, randomHex, traceStart);
    logger.resetKeys();
    logger.appendKeys({ trace_id: trace.traceId, trace_ids: distinctTraceIds(deliveries) });
    forgetFailures();
    for (const [index, delivery] of deliveries.entries()) begin(delivery, event.Records[index]);
    try {
      const failed = await work({ deliveries, deadlineMs: deadlineOf(context), trace });
      await Promise.all([
        returnInTime(event, failed),
        recordFailures(deliveries, failed),
        closeLetters(event.Records, failed),
      ]);
      const failedIds = failed.map(idOf);
      end(deliveries, failed);
      metrics.addMetric("DeliveriesFailed", MetricUnit.Count, failedIds.length);
      metrics.publishStoredMetrics();
      if (failedIds.length > 0) logger.error("deliveries failed", { failedIds });
      return { batchItemFailures: failedIds.map((itemIdentifier) => ({ itemIdentifier })) };
    } catch (error) {
      noteSharedFailure(error);
      await recordFailures(
        deliveries,
        deliveries.map(({ id }) => id),
      );
      for (const { trace } of deliveries) {
        traces.end(trace.spanId, { outcome: "failed", error, returned: true });
      }
      throw error;
    } finally {
      await writeTraces(limits.traceWriteInBackgroundMs);
    }
  };
}

function deliveryOf({ messageId, body, attributes }: SQSRecord): TracedDelivery {
  const traceparent = traceparentIn(body);
  return {
    ...{ id: messageId, body },
    receives: Number(attributes.ApproximateReceiveCount),
    trace: continueTrace(traceparent, randomHex, startFor(traceparent)),
  };
}

/** What was decided before holds, unless it comes from elsewhere or this worker is always kept. */
function startFor(traceparent: string | undefined): TraceStart | undefined {
  return traceparent === undefined || isAlwaysKept(service) ? traceStart : undefined;
}

function begin({ id, receives = 1, trace }: TracedDelivery, record: SQSRecord | undefined): void {
  const waitedMs = Math.max(0, Date.now() - Number(record?.attributes.SentTimestamp ?? Date.now()));
  traces.begin(trace, {
    step: "took a message",
    attempt: receives,
    waitedMs,
    ids: { messageId: id },
  });
}

function end(deliveries: readonly TracedDelivery[], failed: readonly FailedDelivery[]): void {
  const returned = new Map(
    failed.map((one) => (typeof one === "string" ? [one, undefined] : [one.id, one.retryInMs])),
  );
  for (const { id, body, receives = 1, trace } of deliveries) {
    const { spanId } = trace;
    const error = failureOf(id);
    const againInMs = returned.get(id);
    // One that only waits for its time is returned too, and has not failed.
    const hasFailed = returned.has(id) && (error !== undefined || againInMs === undefined);
    const outcome = hasFailed ? "failed" : "ok";
    if (trace.kept || hasFailed || receives > 1) describe(spanId, body);
    traces.end(spanId, {
      outcome,
      ...(hasFailed && error !== undefined && { error }),
      ...(returned.has(id) && { returned: true }),
      ...(againInMs !== undefined && { againInMs }),
    });
  }
}

/** Which event it is, and what it is about. */
function describe(spanId: string, body: string): void {
  try {
    const { "detail-type": event, detail } = JSON.parse(body) as Record<string, unknown>;
    if (typeof event !== "string") return;
    traces.note(spanId, { step: `took ${event}`, event, ids: idsIn(detail) });
  } catch {
    // It is not ours to say that a message is no event.
  }
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

function distinctTraceIds(deliveries: readonly TracedDelivery[]): string[] {
  return [...new Set(deliveries.map(({ trace }) => trace.traceId))].slice(0, maxTracesLogged);
}
