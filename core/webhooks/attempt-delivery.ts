import { limits } from "../contracts/limits.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import type { OutboundCaller, OutboundOutcome } from "../outbound/outbound-caller.ts";
import { cutToBytes } from "../values/text.ts";
import type { Clock } from "../values/time.ts";
import {
  type AttemptEnd,
  attempted,
  givenUp,
  type WebhookAttempt,
  type WebhookDelivery,
} from "./delivery.ts";
import type { WebhookDeliveries } from "./delivery-store.ts";
import { type DisableDeps, disableEndpoint } from "./disable-endpoint.ts";
import { dueEvent } from "./due-event.ts";
import {
  callbacksId,
  validSecrets,
  type WebhookEndpoint,
  type WebhookEndpoints,
} from "./endpoint.ts";
import {
  type EndpointHealth,
  type EndpointHealths,
  hasFailedTooLong,
  healthAfter,
} from "./endpoint-health.ts";
import { retryAtMs } from "./retry-schedule.ts";
import type { WebhookSecrets } from "./secrets.ts";

export interface AttemptDeps extends DisableDeps {
  readonly endpoints: Pick<WebhookEndpoints, "read" | "put">;
  readonly deliveries: WebhookDeliveries;
  readonly healths: EndpointHealths;
  readonly secrets: Pick<WebhookSecrets, "sign">;
  readonly outbound: OutboundCaller;
  readonly bus: EventPublisher;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The `traceparent` of the step that makes a call; default: of the one that asked for it. */
  readonly traceparentOf?: (delivery: WebhookDelivery) => string;
  /** Told of each call, before it is written down. */
  readonly onCalled?: (delivery: WebhookDelivery, outcome: OutboundOutcome) => void;
}

const gone = 410;
const maxRaces = 8;

/** Calls the receiver once and records what came of it. @returns the delivery as it is now. */
export async function attempt(
  deps: AttemptDeps,
  delivery: WebhookDelivery,
  endpoint: WebhookEndpoint,
  health: EndpointHealth,
): Promise<WebhookDelivery> {
  const atMs = deps.clock.nowMs();
  const outcome = await call(deps, delivery, endpoint, atMs);
  deps.onCalled?.(delivery, outcome);
  const nowMs = deps.clock.nowMs();
  const succeeded = isSuccess(outcome);
  const next = healthAfter(health, { succeeded, durationMs: outcome.durationMs }, nowMs);
  if (next) await deps.healths.put(endpoint, next);
  const reason = reasonToDisable(endpoint, outcome, next ?? health, nowMs);
  if (reason) await disableEndpoint(deps, endpoint, reason, delivery.traceparent);
  const record = attemptOf(outcome, atMs);
  return await change(deps, delivery, (current) => {
    const end = endOf(current, outcome, reason !== undefined, nowMs, deps.random);
    return attempted(current, record, end, nowMs);
  });
}

/** Gives up a delivery that was not attempted. */
export async function endDelivery(
  deps: Pick<AttemptDeps, "deliveries" | "clock">,
  delivery: WebhookDelivery,
  failure: string,
): Promise<WebhookDelivery> {
  return await change(deps, delivery, (current) => givenUp(current, failure, deps.clock.nowMs()));
}

/** Who waited for this one is next. Announced again by each who sees that it has ended. */
export async function settleEnd(
  { deliveries, bus }: Pick<AttemptDeps, "deliveries" | "bus">,
  delivery: WebhookDelivery,
): Promise<undefined> {
  if (delivery.orderingKey === undefined) return undefined;
  const next = await deliveries.firstInLine(delivery);
  if (next === undefined) return undefined;
  await bus.publish(dueEvent(await deliveries.read(delivery.owner, next)));
  return undefined;
}

async function call(
  { deliveries, secrets, outbound, traceparentOf }: AttemptDeps,
  delivery: WebhookDelivery,
  endpoint: WebhookEndpoint,
  atMs: number,
): Promise<OutboundOutcome> {
  const { deliveryId: id, callbackUrl } = delivery;
  const body = await deliveries.bodyOf(delivery);
  if (body === undefined) throw new Error(`the body of ${id} is gone`);
  const valid = validSecrets(endpoint, atMs);
  return await outbound.call({
    url: callbackUrl ?? endpoint.url ?? "",
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "Pennyline-Webhooks",
      traceparent: traceparentOf?.(delivery) ?? delivery.traceparent,
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(atMs / 1_000)),
      "webhook-signature": await secrets.sign(endpoint, valid, { id, atMs, body }),
    },
    body,
    timeoutMs: limits.webhookTimeoutMs,
    maxResponseBytes: limits.maxWebhookResponseBytes,
  });
}

/** Nothing else: a redirect is not followed, so the message did not arrive. */
function isSuccess(outcome: OutboundOutcome): boolean {
  return outcome.kind === "answered" && outcome.status >= 200 && outcome.status < 300;
}

function isGone(outcome: OutboundOutcome): boolean {
  return outcome.kind === "answered" && outcome.status === gone;
}

/** Callbacks stay enabled: each has its own receiver, and one of them says nothing of the others. */
function reasonToDisable(
  { endpointId, changedAtMs }: WebhookEndpoint,
  outcome: OutboundOutcome,
  health: EndpointHealth,
  nowMs: number,
): "gone" | "failing" | undefined {
  if (endpointId === callbacksId || isSuccess(outcome)) return undefined;
  if (isGone(outcome)) return "gone";
  return hasFailedTooLong(health, changedAtMs, nowMs) ? "failing" : undefined;
}

function endOf(
  { tries }: WebhookDelivery,
  outcome: OutboundOutcome,
  disabled: boolean,
  nowMs: number,
  random: () => number,
): AttemptEnd {
  if (isSuccess(outcome)) return { kind: "delivered" };
  if (isGone(outcome)) return { kind: "failed", failure: "gone" };
  if (disabled) return { kind: "failed", failure: "endpoint-disabled" };
  const atMs = retryAtMs(tries + 1, outcome, nowMs, random);
  return atMs === undefined
    ? { kind: "failed", failure: "no-tries-left" }
    : { kind: "retry", atMs };
}

function attemptOf(outcome: OutboundOutcome, atMs: number): WebhookAttempt {
  const { durationMs } = outcome;
  if (outcome.kind === "refused") return { atMs, durationMs, error: outcome.reason };
  if (outcome.kind === "failed") {
    return { atMs, durationMs, error: `${outcome.cause}: ${outcome.reason}` };
  }
  const { status, body } = outcome;
  const responseBody = cutToBytes(body, limits.maxKeptResponseBytes);
  return { atMs, durationMs, status, ...(responseBody !== "" && { responseBody }) };
}

/** Changes a delivery as it is now, whoever changed it in the meantime. */
async function change(
  { deliveries }: Pick<AttemptDeps, "deliveries">,
  seen: WebhookDelivery,
  next: (current: WebhookDelivery) => WebhookDelivery,
): Promise<WebhookDelivery> {
  let current = seen;
  for (let race = 0; race < maxRaces; race += 1) {
    const changed = next(current);
    if ((await deliveries.replace(changed)) === "replaced") return changed;
    const stored = await deliveries.read(seen.owner, seen.deliveryId);
    if (!stored) return changed;
    current = stored;
  }
  throw new Error(`others kept changing delivery ${seen.deliveryId}`);
}
