import { limits } from "../contracts/limits.ts";
import type { JobOutcome, Json, JsonObject } from "../jobs/job.ts";
import type { OutboundOutcome } from "../outbound/outbound-caller.ts";
import { isShallow } from "../values/is-shallow.ts";
import { cutToBytes } from "../values/text.ts";
import { inWords } from "./call-integration.ts";
import type { SyncRun } from "./sync-deps.ts";

type Answered = Extract<OutboundOutcome, { kind: "answered" }>;

const maxQuotedBytes = 500;

export function succeeded(outcome: Answered, calls: number): JobOutcome {
  const { status, durationMs } = outcome;
  const result = { status, ...bodyOf(outcome), durationMs, calls };
  return { kind: "succeeded", result, message: inWords(outcome) };
}

export function failed(
  code: string,
  detail: string,
  status: number,
  extensions?: JsonObject,
): JobOutcome {
  const title = "The other service did not take it";
  return {
    kind: "failed",
    problem: { code, title, detail, status, ...(extensions && { extensions }) },
  };
}

/** Another call would end in the same way, or there were enough of them. */
export function refused(outcome: OutboundOutcome, calls: number): JobOutcome {
  const times = calls > 1 ? ` It was called ${calls} times.` : "";
  return failed("integration-refused", `${inWords(outcome)}${times}`, 502, quoted(outcome));
}

/** Waiting is bounded: a client must learn some day that nothing will come of it. */
export function waitingUntil(
  { acceptedAtMs, calls }: SyncRun,
  atMs: number,
  message: string,
  outcome?: OutboundOutcome,
): JobOutcome {
  if (atMs <= acceptedAtMs + limits.maxIntegrationWaitMs) {
    return { kind: "unfinished", atMs, message };
  }
  const hours = limits.maxIntegrationWaitMs / 3_600_000;
  const last = outcome ? inWords(outcome) : message;
  const detail = `It could not be done within ${hours} hours. What was known last: ${last}`;
  return failed("integration-unavailable", detail, 504, { ...quoted(outcome), calls });
}

/** What the receiver said, as much as helps: it is for the publisher, who knows the receiver. */
function quoted(outcome: OutboundOutcome | undefined): JsonObject {
  if (outcome?.kind !== "answered") return {};
  const { status, body } = outcome;
  return { receiverStatus: status, receiverBody: cutToBytes(body, maxQuotedBytes) };
}

/** As JSON where it is some, else its beginning as text. */
function bodyOf({ body, truncated }: Answered): JsonObject {
  if (body === "") return {};
  const json = truncated ? undefined : shallowJson(body);
  if (json !== undefined) return { body: json };
  return { body: cutToBytes(body, maxQuotedBytes), ...(truncated && { truncated }) };
}

function shallowJson(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isShallow(value, limits.maxJsonDepth) ? value : undefined;
  } catch {
    return undefined;
  }
}
