import { limits } from "../contracts/limits.ts";
import type { DeliveryState, WebhookEventType } from "../contracts/webhook-events.ts";
import { dayMs } from "../values/time.ts";
import { startOfTimedIds } from "../values/timed-id.ts";

/** One call of a receiver, and what came of it. */
export interface WebhookAttempt {
  readonly atMs: number;
  readonly durationMs: number;
  /** None: there was no answer. */
  readonly status?: number;
  /** Why there was none. */
  readonly error?: string;
  /** The beginning of the answer. */
  readonly responseBody?: string;
}

/** One message for one endpoint, or one callback; with every attempt to deliver it. */
export interface WebhookDelivery {
  /** `<endpoint id>-<time of the event>-<hash>`: the same whenever its event comes. Also `webhook-id`. */
  readonly deliveryId: string;
  readonly owner: string;
  readonly endpointId: string;
  readonly type: WebhookEventType;
  /** Of a callback: where to. */
  readonly callbackUrl?: string;
  /** Of an endpoint that wants order: those of one key wait for each other. */
  readonly orderingKey?: string;
  readonly traceparent: string;
  readonly state: DeliveryState;
  /** 1, 2, 3 …: grows with each change. */
  readonly version: number;
  /** Attempts since it was sent, or sent again. */
  readonly tries: number;
  /** The latest, oldest first. */
  readonly attempts: readonly WebhookAttempt[];
  /** While it is pending. */
  readonly nextAttemptAtMs?: number;
  /** It waited for its turn at a slow receiver, and need not again. */
  readonly hasTurn?: boolean;
  /** A worker is at it, and is believed to be until then. */
  readonly diallingUntilMs?: number;
  /** Why it was given up. */
  readonly failure?: string;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  /** From then on it does not exist. */
  readonly expiresAtMs: number;
}

const maxKeptAttempts = 30;

type New = Pick<
  WebhookDelivery,
  "deliveryId" | "owner" | "endpointId" | "type" | "callbackUrl" | "orderingKey" | "traceparent"
>;

export function newDelivery(of: New, nowMs: number): WebhookDelivery {
  return {
    ...of,
    ...{ state: "pending", version: 1, tries: 0, attempts: [], nextAttemptAtMs: nowMs },
    ...{ createdAtMs: nowMs, changedAtMs: nowMs },
    expiresAtMs: nowMs + limits.webhookRetentionDays * dayMs,
  };
}

type Change = Partial<
  Pick<WebhookDelivery, "state" | "tries" | "attempts" | "failure"> & {
    nextAttemptAtMs: number | undefined;
    hasTurn: boolean | undefined;
    diallingUntilMs: number | undefined;
  }
>;

/** Left out: as before. Undefined: not any more. */
function changed(delivery: WebhookDelivery, change: Change, nowMs: number): WebhookDelivery {
  const next = { ...delivery, ...change, version: delivery.version + 1, changedAtMs: nowMs };
  return JSON.parse(JSON.stringify(next)) as WebhookDelivery;
}

/** A worker calls the receiver; another one leaves it alone until then. */
export function claimed(delivery: WebhookDelivery, untilMs: number, nowMs: number) {
  return changed(delivery, { diallingUntilMs: untilMs }, nowMs);
}

/** It waits, without an attempt. */
export function postponed(
  delivery: WebhookDelivery,
  atMs: number,
  hasTurn: boolean,
  nowMs: number,
): WebhookDelivery {
  return changed(delivery, { nextAttemptAtMs: atMs, hasTurn: hasTurn || undefined }, nowMs);
}

/** What follows from an attempt. */
export type AttemptEnd =
  | { readonly kind: "delivered" }
  | { readonly kind: "retry"; readonly atMs: number }
  | { readonly kind: "failed"; readonly failure: string };

export function attempted(
  delivery: WebhookDelivery,
  attempt: WebhookAttempt,
  end: AttemptEnd,
  nowMs: number,
): WebhookDelivery {
  const change: Change = {
    tries: delivery.tries + 1,
    attempts: [...delivery.attempts, attempt].slice(-maxKeptAttempts),
    ...{ nextAttemptAtMs: undefined, hasTurn: undefined, diallingUntilMs: undefined },
  };
  // Another worker was faster: what it came to stands, unless this one was the one that arrived.
  if (delivery.state !== "pending" && end.kind !== "delivered") {
    return changed(delivery, change, nowMs);
  }
  switch (end.kind) {
    case "delivered":
      return changed(delivery, { ...change, state: "delivered" }, nowMs);
    case "failed":
      return changed(delivery, { ...change, state: "failed", failure: end.failure }, nowMs);
    case "retry":
      return changed(delivery, { ...change, nextAttemptAtMs: end.atMs }, nowMs);
  }
}

/** Given up without an attempt. */
export function givenUp(delivery: WebhookDelivery, failure: string, nowMs: number) {
  const change = { state: "failed", failure, nextAttemptAtMs: undefined } as const;
  return changed(delivery, change, nowMs);
}

/** From the beginning, with all retries, under the same id; its receiver takes it once. */
export function sentAgain({ failure: _, ...delivery }: WebhookDelivery, nowMs: number) {
  const change = {
    state: "pending",
    tries: 0,
    nextAttemptAtMs: nowMs,
    hasTurn: undefined,
  } as const;
  return changed(delivery, change, nowMs);
}

const idParts = /^(ep_[0-9a-f]{24}|callbacks)-(\d{8}T\d{9}Z-[0-9a-f]{12})$/;

export const deliveryIdOf = (endpointId: string, timedId: string) => `${endpointId}-${timedId}`;

/** The endpoint of a delivery and its place among that endpoint's; undefined: it is no such id. */
export function placeOf(
  deliveryId: string,
): { readonly endpointId: string; readonly timedId: string } | undefined {
  const [, endpointId, timedId] = idParts.exec(deliveryId) ?? [];
  return endpointId === undefined || timedId === undefined ? undefined : { endpointId, timedId };
}

/** Before all deliveries since then that still exist. */
export function firstPlace(sinceMs: number | undefined, nowMs: number): string {
  const oldestMs = nowMs - limits.webhookRetentionDays * dayMs;
  return startOfTimedIds(Math.max(sinceMs ?? oldestMs, oldestMs));
}

export const pathOfDelivery = (deliveryId: string): string =>
  `/v1/webhook-deliveries/${deliveryId}`;
