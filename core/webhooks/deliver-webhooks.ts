import { type WebhookDue, webhookDue } from "../contracts/events.ts";
import { limits } from "../contracts/limits.ts";
import type { Delivery, FailedDelivery } from "../messaging/delivery.ts";
import type { EventDeferral } from "../messaging/event-deferral.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { readEvent } from "../messaging/read-event.ts";
import type { RateLimiter } from "../pacing/rate-limiter.ts";
import { hourMs } from "../values/time.ts";
import { type AttemptDeps, attempt, endDelivery, settleEnd } from "./attempt-delivery.ts";
import { claimed, postponed, type WebhookDelivery } from "./delivery.ts";
import { announceDisabled } from "./disable-endpoint.ts";
import { dueEvent } from "./due-event.ts";
import type { WebhookEndpoint } from "./endpoint.ts";
import { type EndpointHealth, slowCallsAtOnce } from "./endpoint-health.ts";

export interface DeliverDeps extends AttemptDeps {
  readonly bus: EventPublisher;
  readonly deferral: EventDeferral;
  readonly limiter: RateLimiter;
  /** Told of each call, and whether it was taken. */
  readonly onAttempted?: (delivered: boolean) => void;
  /** Told of each message that goes back to the queue, and why. */
  readonly onFailed: (id: string, error: unknown) => void;
}

/** A worker that was killed at it is believed to be at it for so long. */
const claimMs = limits.webhookTimeoutMs + 10_000;
const firstLookMs = 1_000;
/** A message can wait in its queue for so long; Scheduler is good for what is later. */
const soonMs = 60_000;
/** Turns at a slow receiver are given out for so long ahead, and no longer: it may recover. */
const maxTurnMs = hourMs;

/**
 * Attempts the deliveries that are due, side by side. It may be killed at any point, run twice or beside
 * itself: what was recorded is not attempted again, what was not may reach its receiver once more,
 * under the same id.
 * @returns messages to return, and when they should come back.
 */
export async function deliverWebhooks(
  deps: DeliverDeps,
  batch: readonly Delivery[],
): Promise<readonly FailedDelivery[]> {
  const failed = await Promise.all(
    batch.map(async ({ id, body, receives = 1 }) => {
      try {
        const retryInMs = await deliver(deps, readEvent(webhookDue, body), receives);
        return retryInMs === undefined ? [] : [{ id, retryInMs }];
      } catch (error) {
        deps.onFailed(id, error);
        return [id];
      }
    }),
  );
  return failed.flat();
}

/** @returns when the message should come back, in ms; undefined: it is done. */
async function deliver(
  deps: DeliverDeps,
  due: WebhookDue,
  receives: number,
): Promise<number | undefined> {
  const { deliveries, clock } = deps;
  const delivery = await deliveries.read(due.owner, due.deliveryId);
  if (!delivery) return undefined;
  if (delivery.nextAttemptAtMs === undefined) return await settleEnd(deps, delivery);
  const nowMs = clock.nowMs();
  const { nextAttemptAtMs, diallingUntilMs = 0 } = delivery;
  // A schedule's clock may differ from ours: the event that was made for this time is right.
  if (nextAttemptAtMs > nowMs && due.dueAtMs !== nextAttemptAtMs) {
    return await comeBack(deps, delivery, nextAttemptAtMs, receives);
  }
  if (diallingUntilMs > nowMs) return await lookAgain(deps, delivery, diallingUntilMs, receives);
  // Whoever is before it in line has it announced again.
  if (!(await isItsTurn(deps, delivery))) return undefined;
  const endpoint = await deps.endpoints.read(due.owner, delivery.endpointId);
  if (endpoint?.state !== "enabled") return await refuse(deps, delivery, endpoint);
  const health = await deps.healths.read(endpoint);
  const waitsUntilMs = await turnOf(deps, delivery, endpoint, health);
  if (waitsUntilMs !== undefined) return await postpone(deps, delivery, waitsUntilMs, receives);
  const mine = claimed(delivery, nowMs + claimMs, nowMs);
  if ((await deliveries.replace(mine)) === "raced") {
    return await lookAgain(deps, delivery, nowMs + claimMs, receives);
  }
  const after = await attempt(deps, mine, endpoint, health);
  deps.onAttempted?.(after.state === "delivered");
  if (after.nextAttemptAtMs === undefined) return await settleEnd(deps, after);
  return await comeBack(deps, after, after.nextAttemptAtMs, receives);
}

async function isItsTurn({ deliveries }: DeliverDeps, delivery: WebhookDelivery) {
  if (delivery.orderingKey === undefined) return true;
  return (await deliveries.firstInLine(delivery)) === delivery.deliveryId;
}

/** Nobody is there to be told; what failed can be sent again once there is. */
async function refuse(
  deps: DeliverDeps,
  delivery: WebhookDelivery,
  endpoint: WebhookEndpoint | undefined,
): Promise<undefined> {
  // Again, in case that whoever disabled it was killed before they could say so.
  if (endpoint) await announceDisabled(deps.bus, endpoint, delivery.traceparent);
  const why = endpoint ? "endpoint-disabled" : "endpoint-deleted";
  return await settleEnd(deps, await endDelivery(deps, delivery, why));
}

interface Turn {
  readonly atMs: number;
  readonly reserved: boolean;
}

/** When a slow receiver can be called, if not at once: workers must be left for the others. */
async function turnOf(
  { limiter, clock, random }: DeliverDeps,
  { hasTurn }: WebhookDelivery,
  { owner, endpointId }: WebhookEndpoint,
  { paceMs }: EndpointHealth,
): Promise<Turn | undefined> {
  if (paceMs === undefined || hasTurn) return undefined;
  const rate = { perSecond: 1_000 / paceMs, burst: slowCallsAtOnce };
  const name = `webhook#${owner}#${endpointId}`;
  const turn = await limiter.reserve(name, 1, rate, { maxWaitMs: maxTurnMs });
  const nowMs = clock.nowMs();
  if (turn.kind === "refused") {
    return { atMs: nowMs + Math.floor(maxTurnMs * (1 + random()) * 0.5), reserved: false };
  }
  return turn.waitMs < 1_000 ? undefined : { atMs: nowMs + turn.waitMs, reserved: true };
}

async function postpone(
  deps: DeliverDeps,
  delivery: WebhookDelivery,
  { atMs, reserved }: Turn,
  receives: number,
): Promise<number | undefined> {
  const later = postponed(delivery, atMs, reserved, deps.clock.nowMs());
  // Somebody else has changed it: they see to it.
  if ((await deps.deliveries.replace(later)) === "raced") return undefined;
  return await comeBack(deps, later, atMs, receives);
}

/** Another worker is at it, and was killed if it still is at that time; most are done in no time. */
async function lookAgain(
  deps: DeliverDeps,
  delivery: WebhookDelivery,
  untilMs: number,
  receives: number,
): Promise<number | undefined> {
  const soonestMs = deps.clock.nowMs() + firstLookMs * 5 ** (receives - 1);
  return await comeBack(deps, delivery, Math.min(soonestMs, untilMs), receives);
}

/**
 * Has a delivery looked at again at that time: by this message, if it is soon and the message has
 * receives left, else by an event.
 */
async function comeBack(
  { deferral, clock }: DeliverDeps,
  delivery: WebhookDelivery,
  atMs: number,
  receives: number,
): Promise<number | undefined> {
  const delayMs = Math.max(0, atMs - clock.nowMs());
  // The last receive is for a worker that is killed: this message must not die of waiting.
  if (delayMs <= soonMs && receives < limits.maxReceives - 1) return delayMs;
  const [event] = dueEvent(delivery);
  const name = `${delivery.deliveryId}.${delivery.version}.${atMs}`;
  if (event) await deferral.publishAt(event, atMs, name);
  return undefined;
}
