import type * as z from "zod";
import type {
  JobChanged,
  payoutRequested,
  webhookEndpointDisabled,
  webhookPingRequested,
} from "../contracts/events.ts";
import type { FinishedJobState } from "../contracts/job-types.ts";
import { pingEventType, type WebhookEventType } from "../contracts/webhook-events.ts";
import type { Sha256Hex } from "../earnings/impression-key.ts";
import { isFinished, type Job } from "../jobs/job.ts";
import { presentJob } from "../jobs/present-job.ts";
import { timedIdOf } from "../values/timed-id.ts";
import { deliveryIdOf } from "./delivery.ts";
import type { WebhookEndpoint } from "./endpoint.ts";

/** What happened, for all who asked to be told. */
export interface WebhookMessage {
  /** The same whenever its event comes, and for no other. */
  readonly key: string;
  readonly type: WebhookEventType;
  readonly owner: string;
  /** When it happened. */
  readonly atMs: number;
  readonly data: object;
  /** Whom it is about: messages of one of them keep their order, where that is asked for. */
  readonly orderingKey: string;
  readonly traceparent: string;
  readonly callbackUrl?: string;
  /** Which of the owner's endpoints are told. */
  isFor(endpoint: WebhookEndpoint): boolean;
}

const iso = (ms: number) => new Date(ms).toISOString();

const askedFor = (type: WebhookEventType) => (endpoint: WebhookEndpoint) =>
  endpoint.events?.includes(type) ?? true;

/** A job that finished; nothing changes that any more, so it is told once. */
export function jobMessage(job: Job, { traceparent }: JobChanged): WebhookMessage | undefined {
  if (!isFinished(job)) return undefined;
  const { jobId, owner, state, finishedAtMs, changedAtMs, callbackUrl } = job;
  const type = `job.${state as FinishedJobState}` as const;
  return {
    ...{ key: `job:${jobId}`, type, owner, atMs: finishedAtMs ?? changedAtMs, traceparent },
    // Without links to its files: a message may lie about for longer than they should work.
    data: presentJob(job),
    orderingKey: jobId,
    ...(callbackUrl !== undefined && { callbackUrl }),
    isFor: askedFor(type),
  };
}

export function payoutMessage(detail: z.infer<typeof payoutRequested.detail>): WebhookMessage {
  const { payoutId, creatorId, currency, amountMicros, requestedAtMs, traceparent } = detail;
  const type = "payout.requested";
  return {
    ...{ key: `payout:${payoutId}`, type, owner: "publisher", atMs: requestedAtMs, traceparent },
    data: { payoutId, creatorId, currency, amountMicros, requestedAt: iso(requestedAtMs) },
    orderingKey: creatorId,
    isFor: askedFor(type),
  };
}

export function pingMessage(detail: z.infer<typeof webhookPingRequested.detail>): WebhookMessage {
  const { owner, endpointId, pingId, requestedAtMs, traceparent } = detail;
  return {
    ...{ key: `ping:${pingId}`, type: pingEventType, owner, atMs: requestedAtMs, traceparent },
    data: { endpointId },
    orderingKey: endpointId,
    isFor: (endpoint) => endpoint.endpointId === endpointId,
  };
}

export function disabledMessage(
  detail: z.infer<typeof webhookEndpointDisabled.detail>,
): WebhookMessage {
  const { owner, endpointId, reason, disabledAtMs, traceparent } = detail;
  const type = "webhook_endpoint.disabled";
  return {
    ...{ key: `disabled:${endpointId}:${disabledAtMs}`, type, owner, atMs: disabledAtMs },
    ...{ traceparent, orderingKey: endpointId },
    data: { endpointId, reason, disabledAt: iso(disabledAtMs) },
    isFor: (endpoint) => endpoint.endpointId !== endpointId && askedFor(type)(endpoint),
  };
}

/** The same for the same message, so that it is delivered once. */
export function deliveryIdFor(
  sha256: Sha256Hex,
  { key, atMs }: Pick<WebhookMessage, "key" | "atMs">,
  { owner, endpointId }: Pick<WebhookEndpoint, "owner" | "endpointId">,
): string {
  const hash = sha256(JSON.stringify([owner, endpointId, key]));
  return deliveryIdOf(endpointId, timedIdOf(atMs, hash));
}

/** The body, byte for byte what is signed. */
export function bodyOf({ type, atMs, data }: WebhookMessage): string {
  return JSON.stringify({ type, timestamp: iso(atMs), data });
}
