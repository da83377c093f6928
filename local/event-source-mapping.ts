import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { readBatchResponse } from "./batch-response.ts";
import type { CloudMinutes } from "./cloudwatch/metrics.ts";
import type { Faults } from "./faults.ts";
import type { InvocationOutcome, LambdaFunction } from "./lambda/function.ts";
import type { Functions } from "./lambda/functions.ts";
import { type BatchItem, type Carried, collectBatch } from "./sqs/collect-batch.ts";
import type { Queue, Queues, ReceivedMessage } from "./sqs/queues.ts";
import { boolean, number, readProperties } from "./templates/properties.ts";
import { describe, type Resource } from "./templates/resources.ts";

const mappingShape = {
  EventSourceArn: z.string().includes(":sqs:", { error: "only SQS queues are polled" }),
  FunctionName: z.string(),
  BatchSize: number.default(10),
  MaximumBatchingWindowInSeconds: number.default(0),
  FunctionResponseTypes: z.array(z.literal("ReportBatchItemFailures")).default([]),
  ScalingConfig: z.strictObject({ MaximumConcurrency: number.optional() }).optional(),
  Enabled: boolean.default(true),
};

export interface EventSourceMapping {
  readonly queue: Queue;
  /** Messages that were received and are not settled: running, held back or left over. */
  unsettled(): number;
  /** Lets batches in flight finish and returns everything else to the queue. */
  stop(): Promise<void>;
}

export interface MappingDeps {
  readonly queues: Queues;
  readonly functions: Functions;
  readonly faults: Faults;
  /** What failed comes back as fast as its time passes. */
  readonly minutes: CloudMinutes;
  readonly warn: (message: string) => void;
  /** Called whenever a batch is settled. */
  readonly onSettled: () => void;
}

interface Mapping {
  readonly queue: Queue;
  readonly lambda: LambdaFunction;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly concurrency: number;
  readonly reportsFailures: boolean;
  readonly deps: MappingDeps;
}

/** Polls one queue for one function, as Lambda's pollers do. */
export function startEventSourceMapping(resource: Resource, deps: MappingDeps): EventSourceMapping {
  const properties = readProperties(resource, mappingShape, ["Tags"]);
  const queue = deps.queues.byArn(properties.EventSourceArn);
  if (queue === undefined) {
    throw new Error(`${describe(resource)}: there is no queue ${properties.EventSourceArn}`);
  }
  const lambda = deps.functions.get(properties.FunctionName);
  const maximum = properties.ScalingConfig?.MaximumConcurrency ?? Number.POSITIVE_INFINITY;
  const mapping: Mapping = {
    queue,
    lambda,
    batchSize: properties.BatchSize,
    windowMs: properties.MaximumBatchingWindowInSeconds * 1000,
    concurrency: Math.min(maximum, lambda.concurrency),
    reportsFailures: properties.FunctionResponseTypes.length > 0,
    deps,
  };
  return properties.Enabled ? poll(mapping) : { queue, unsettled: () => 0, stop: async () => {} };
}

function poll(mapping: Mapping): EventSourceMapping {
  const { queue, deps } = mapping;
  const stopping = new AbortController();
  /** Received, but not for the batch that was just made. */
  const carried: Carried = { collecting: [], ready: [], held: new Set() };
  const running = new Set<Promise<void>>();
  let unsettled = 0;

  const dispatch = (items: readonly BatchItem[]) => {
    unsettled += items.length;
    const run = settleBatch(mapping, items, stopping.signal)
      .catch((error: Error) =>
        deps.warn(`a batch of ${queue.name} is lost sight of: ${error.stack}`),
      )
      .finally(() => {
        unsettled -= items.length;
        running.delete(run);
        deps.onSettled();
      });
    running.add(run);
  };

  const loop = async () => {
    while (!stopping.signal.aborted) {
      // A message that cannot run yet stays in its queue, where it uses up no receive.
      if (running.size >= mapping.concurrency) {
        await Promise.race(running);
        continue;
      }
      const batch = await collectBatch(mapping, carried, deps.faults, stopping.signal);
      if (stopping.signal.aborted) carried.ready.push(...batch);
      else if (batch.length > 0) {
        dispatch(batch);
        const duplicates = batch.filter(({ duplicated }) => duplicated);
        if (duplicates.length > 0) dispatch(duplicates.map(asDuplicate));
      }
    }
  };
  const looping = loop().catch((error: Error) => {
    deps.warn(`polling ${queue.name} ended: ${error.stack}`);
  });

  return {
    queue,
    unsettled: () =>
      unsettled + carried.collecting.length + carried.ready.length + carried.held.size,
    async stop() {
      stopping.abort();
      queue.cancelWaits();
      await looping;
      await Promise.all(running);
      const returned = [...carried.ready, ...carried.held].filter(({ isCopy }) => !isCopy);
      queue.release(returned.map(({ received }) => received.receiptHandle));
    },
  };
}

function asDuplicate(item: BatchItem): BatchItem {
  return { ...item, isCopy: true };
}

/** Runs the function on a batch, then deletes what succeeded; the rest becomes visible again. */
async function settleBatch(
  mapping: Mapping,
  items: readonly BatchItem[],
  stopping: AbortSignal,
): Promise<void> {
  const { queue, lambda } = mapping;
  const { pace } = mapping.deps.minutes;
  const payload = `{"Records":[${items.map(({ record }) => record).join(",")}]}`;
  const outcome = await invokeUntilRun(lambda, payload, stopping);
  const originals = items.filter(({ isCopy }) => !isCopy).map(({ received }) => received);
  // Stopped in the middle: as after a kill, they are visible at the next start, and no receive counts.
  if (outcome !== undefined && "abandoned" in outcome) return;
  if (outcome === undefined) {
    queue.release(originals.map(({ receiptHandle }) => receiptHandle));
    return;
  }
  const succeeded = new Set(outcome.ok ? succeededOf(mapping, originals, outcome, items) : []);
  queue.delete([...succeeded].map(({ receiptHandle }) => receiptHandle));
  if (pace <= 1) return;
  queue.hasten(
    originals.filter((one) => !succeeded.has(one)),
    pace,
  );
}

function succeededOf(
  { lambda, reportsFailures, deps }: Mapping,
  originals: readonly ReceivedMessage[],
  outcome: { readonly payload: string },
  items: readonly BatchItem[],
): readonly ReceivedMessage[] {
  if (!reportsFailures) return originals;
  const ids = new Set(items.map(({ received }) => received.message.messageId));
  const verdict = readBatchResponse(outcome.payload, ids);
  if (verdict.kind === "failed-items") {
    return originals.filter(({ message }) => !verdict.ids.has(message.messageId));
  }
  const { reason } = verdict;
  deps.warn(`${lambda.name} answered a batch wrongly, all of it is retried: ${reason}`);
  return [];
}

/** A throttled batch waits and tries again: it was received, but the function never saw it. */
async function invokeUntilRun(
  lambda: LambdaFunction,
  payload: string,
  stopping: AbortSignal,
): Promise<Exclude<InvocationOutcome, { throttled: true }> | undefined> {
  for (let backoffMs = 50; ; backoffMs = Math.min(backoffMs * 2, 2_000)) {
    const outcome = await lambda.invoke(payload);
    if (!("throttled" in outcome)) return outcome;
    try {
      await delay(backoffMs, undefined, { signal: stopping });
    } catch {
      return undefined;
    }
  }
}
