import { MetricUnit } from "@aws-lambda-powertools/metrics";
import type { CountDeps } from "../../core/earnings/count-engagements.ts";
import { entryIdOf, type LedgerEntry } from "../../core/ledger/entry.ts";
import type { OutboundOutcome } from "../../core/outbound/outbound-caller.ts";
import { isAlwaysKept, isInSample } from "../../core/tracing/keep-trace.ts";
import { stepLog } from "../../core/tracing/step-log.ts";
import { letterStep, type StepOutcome } from "../../core/tracing/trace-step.ts";
import {
  continueTrace,
  spanIdOf,
  type TraceContext,
  type TraceStart,
  traceparentIn,
} from "../../core/values/trace-context.ts";
import type { WebhookDelivery } from "../../core/webhooks/delivery.ts";
import { documentClient } from "../dynamodb/client.ts";
import { writeTraceSteps } from "../dynamodb/trace-table.ts";
import { randomHex, systemClock } from "../runtime.ts";
import { numberSetting, setting } from "./environment.ts";
import { logger } from "./logger.ts";
import { metrics } from "./metrics.ts";

/** The function that this is. */
export const service = process.env.POWERTOOLS_SERVICE_NAME ?? "";
const tracesTable = setting("tracesTable");
const tracePerMillion = numberSetting("tracePerMillion");
const ttlDays = numberSetting("traceRetentionDays");

/** The steps of this invocation, for whoever has something to say of them. */
export const traces = stepLog(service, systemClock);

export const inSample = (traceId: string): boolean => isInSample(traceId, tracePerMillion);

export function outcomeOf(status: number): StepOutcome {
  if (status >= 500) return "failed";
  return status >= 400 ? "refused" : "ok";
}

/** How a trace begins here, or comes in from outside, whose flags say nothing of what we keep. */
export const traceStart: TraceStart = {
  isKept: (traceId) => isAlwaysKept(service) || inSample(traceId),
  newTraceId: () => xRayTraceId(process.env._X_AMZN_TRACE_ID) ?? randomHex(16),
};

/** Under the id that X-Ray gave it, so that what is found in the one is found in the other. */
function xRayTraceId(header = ""): string | undefined {
  const [, seconds, rest] = /Root=1-([0-9a-f]{8})-([0-9a-f]{24})/.exec(header) ?? [];
  return seconds === undefined ? undefined : `${seconds}${rest}`;
}

const maxEntries = 20;

/** Notes with the steps of their traces what was booked. */
export function traceEntries(
  deliveries: readonly { readonly trace: TraceContext }[],
  entries: readonly LedgerEntry[],
): void {
  const spans = new Map(deliveries.map(({ trace }) => [trace.traceId, trace.spanId]));
  for (const [traceId, booked] of Map.groupBy(entries, (entry) => entry.traceId)) {
    traces.note(spans.get(traceId) ?? "", {
      result: `${booked.length} ${booked.length === 1 ? "entry" : "entries"} booked`,
      entries: booked.slice(0, maxEntries).map(entryIdOf),
    });
  }
}

/** Tells in a message's trace that it is a dead letter now, whatever else was kept of it. */
export function traceLetter(letterId: string, body: string, errorClass: string): void {
  const traceparent = traceparentIn(body);
  if (traceparent === undefined) return;
  const trace = continueTrace(traceparent, randomHex);
  traces.begin(trace, { step: letterStep, ids: { letterId } });
  traces.note(trace.spanId, { error: errorClass });
  traces.end(trace.spanId, { outcome: "failed" });
}

/** Notes what a webhook's receiver said. */
export function traceCall({ traceparent }: WebhookDelivery, outcome: OutboundOutcome): void {
  const answer = outcome.kind === "answered" ? String(outcome.status) : causeOf(outcome);
  const arrived = /^2\d\d$/.test(answer);
  traces.note(spanIdOf(traces.current(traceparent)), {
    result: `the receiver ${arrived ? "took it" : "did not take it"}: ${answer}`,
    ...(!arrived && { error: answer }),
  });
}

const causeOf = (outcome: Exclude<OutboundOutcome, { kind: "answered" }>): string =>
  outcome.kind === "refused" ? "refused" : outcome.cause;

/** Notes with the steps of kept traces where their engagements went, to find them in the ledger. */
export function countedPlaces(
  deliveries: readonly { readonly id: string; readonly trace: TraceContext }[],
): NonNullable<CountDeps["follow"]> {
  const kept = deliveries.filter(({ trace }) => trace.kept);
  const spans = new Map(kept.map(({ id, trace }) => [id, trace.spanId]));
  return {
    isFollowed: (id) => spans.has(id),
    onCounted(id, places) {
      const counted = places.slice(0, maxEntries);
      const result = places.length === 0 ? "nothing new" : "counted";
      traces.note(spans.get(id) ?? "", { result, counted });
    },
  };
}

/**
 * Writes down the steps that are kept, when the work is done: it may take so long and no longer, and
 * what goes wrong here is logged, and nothing else.
 */
export async function writeTraces(withinMs: number): Promise<void> {
  const steps = traces.take();
  if (steps.length === 0 || withinMs <= 0) return;
  let lost = steps.length;
  try {
    lost = await writeTraceSteps(documentClient, tracesTable, steps, { ttlDays, withinMs });
  } catch (error) {
    logger.warn("trace not written", { error: error as Error });
  }
  if (lost > 0) metrics.singleMetric().addMetric("TraceStepsLost", MetricUnit.Count, lost);
}
