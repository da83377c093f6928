import {
  EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from "@aws-sdk/client-eventbridge";
import { limits } from "../../core/contracts/limits.ts";
import type { EventPublisher, OutgoingEvent } from "../../core/messaging/event-publisher.ts";
import { problems } from "../../core/perimeter/problem.ts";
import { type Backoff, backoffMs, type Pacing } from "../../core/values/retry.ts";
import { traceIdOf } from "../../core/values/trace-context.ts";

/** With their time-outs these take nine seconds at most, of the twenty an edge function has. */
const maxAttempts = 4;
const backoff: Backoff = { baseMs: 50, capMs: 1_000 };
/** What PutEvents takes in one call, all entries together. */
const maxRequestBytes = 1_000_000;

/** One for each execution environment. A lost answer is sent again: consumers count once. */
export const eventBridgeClient = new EventBridgeClient({
  maxAttempts: 1,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true },
});

interface Deps {
  readonly client: EventBridgeClient;
  readonly busName: string;
  readonly pacing: Pacing;
  readonly onRetry?: (entries: number, reason: unknown) => void;
  /** Whether X-Ray records what follows; default: what it decided for this function. */
  readonly isXRayed?: (traceId: string) => boolean;
}

export function eventBridgePublisher(deps: Deps): EventPublisher {
  return {
    async publish(events) {
      const entries = events.map((event) => entryOf(event, deps));
      for (const request of requestsOf(entries)) await putAll(deps, request);
    },
  };
}

function entryOf(
  { contract, detail }: OutgoingEvent,
  { busName, isXRayed }: Deps,
): PutEventsRequestEntry {
  const entry = {
    EventBusName: busName,
    Source: contract.source,
    DetailType: contract.detailType,
    Detail: JSON.stringify(detail),
    // Joins X-Ray's traces of edge and worker.
    TraceHeader: traceHeader(detail, isXRayed),
  };
  if (sizeOf(entry) > maxRequestBytes) {
    throw problems.tooLarge("One of these is larger than the event bus takes; send it in parts.");
  }
  return entry;
}

/** It starts as a header of the caller's; EventBridge refuses the whole call when it is too long. */
function traceHeader(detail: unknown, isXRayed: Deps["isXRayed"]): string | undefined {
  const header = process.env._X_AMZN_TRACE_ID ?? "";
  if (header.length === 0 || header.length > 500) return undefined;
  const { traceparent } = (detail ?? {}) as { readonly traceparent?: unknown };
  if (!isXRayed || typeof traceparent !== "string") return header;
  // Lambda's own rate at the edge cannot be set; that of all that follows is this flag's.
  return header.replace(/Sampled=[01]/, `Sampled=${isXRayed(traceIdOf(traceparent)) ? 1 : 0}`);
}

function sizeOf({ Source = "", DetailType = "", Detail = "" }: PutEventsRequestEntry): number {
  return Buffer.byteLength(Source) + Buffer.byteLength(DetailType) + Buffer.byteLength(Detail);
}

/** As few calls as PutEvents' two limits allow. */
function requestsOf(entries: readonly PutEventsRequestEntry[]): PutEventsRequestEntry[][] {
  const requests: PutEventsRequestEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = sizeOf(entry);
    const last = requests.at(-1);
    const fits =
      last && last.length < limits.maxPutEventsEntries && bytes + size <= maxRequestBytes;
    bytes = fits ? bytes + size : size;
    if (fits) last.push(entry);
    else requests.push([entry]);
  }
  return requests;
}

/** EventBridge answers 200 and names the entries it did not take: just those are sent again. */
async function putAll(deps: Deps, entries: readonly PutEventsRequestEntry[]): Promise<void> {
  let left = [...entries];
  let reason: unknown;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    try {
      const answer = await deps.client.send(new PutEventsCommand({ Entries: left }));
      if (!answer.FailedEntryCount) return;
      left = left.filter((_, index) => answer.Entries?.[index]?.ErrorCode !== undefined);
      reason = answer.Entries?.find(({ ErrorCode }) => ErrorCode !== undefined)?.ErrorCode;
    } catch (error) {
      reason = error;
    }
    deps.onRetry?.(left.length, reason);
    await deps.pacing.sleep(backoffMs(attempt, backoff, deps.pacing.random));
  }
  const cause = reason instanceof Error ? reason : new Error(String(reason));
  throw problems.unavailable("The event bus did not take it; send the same request again.", cause);
}
