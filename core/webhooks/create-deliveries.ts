import {
  jobChanged,
  payoutRequested,
  webhookEndpointDisabled,
  webhookPingRequested,
  webhookResendRequested,
} from "../contracts/events.ts";
import { finishedJobStates } from "../contracts/job-types.ts";
import type { Sha256Hex } from "../earnings/impression-key.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { Delivery } from "../messaging/delivery.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { detailTypeOf, readEvent } from "../messaging/read-event.ts";
import type { Clock } from "../values/time.ts";
import { givenUp, newDelivery, type WebhookDelivery } from "./delivery.ts";
import type { WebhookDeliveries } from "./delivery-store.ts";
import { dueEvent } from "./due-event.ts";
import { callbacksId, type WebhookEndpoint, type WebhookEndpoints } from "./endpoint.ts";
import {
  bodyOf,
  deliveryIdFor,
  disabledMessage,
  jobMessage,
  payoutMessage,
  pingMessage,
  type WebhookMessage,
} from "./message.ts";
import { resendPart } from "./resend.ts";

export interface CreateDeps {
  readonly endpoints: Pick<WebhookEndpoints, "list" | "read">;
  readonly deliveries: WebhookDeliveries;
  readonly jobs: Pick<JobStore, "read">;
  readonly bus: EventPublisher;
  readonly clock: Clock;
  readonly sha256: Sha256Hex;
  /** Told of each message that goes back to the queue, and why. */
  readonly onFailed: (id: string, error: unknown) => void;
}

/**
 * Turns what happened into deliveries, one for each endpoint that is to be told. Their ids follow from
 * the event: one that comes again, or is worked on twice, finds them there.
 * @returns ids of messages to return.
 */
export async function createDeliveries(
  deps: CreateDeps,
  batch: readonly Delivery[],
  deadlineMs: number,
): Promise<readonly string[]> {
  const failedIds: string[] = [];
  for (const { id, body } of batch) {
    try {
      await createFrom(deps, body, deadlineMs);
    } catch (error) {
      deps.onFailed(id, error);
      failedIds.push(id);
    }
  }
  return failedIds;
}

async function createFrom(deps: CreateDeps, body: string, deadlineMs: number): Promise<void> {
  if (detailTypeOf(body) === webhookResendRequested.detailType) {
    return await resendPart(deps, readEvent(webhookResendRequested, body), deadlineMs);
  }
  const message = await messageOf(deps, body);
  if (!message) return;
  const { owner, callbackUrl } = message;
  const known = await deps.endpoints.list(owner);
  const told = known.filter((one) => one.endpointId !== callbacksId && message.isFor(one));
  const callbacks = known.filter((one) => one.endpointId === callbacksId);
  const created = await Promise.all([
    ...told.map((endpoint) => create(deps, message, endpoint)),
    ...(callbackUrl === undefined ? [] : callbacks).map((endpoint) =>
      create(deps, message, endpoint, callbackUrl),
    ),
  ]);
  await deps.bus.publish(created.flatMap(dueEvent));
}

async function messageOf(deps: CreateDeps, body: string): Promise<WebhookMessage | undefined> {
  switch (detailTypeOf(body)) {
    case jobChanged.detailType: {
      const detail = readEvent(jobChanged, body);
      // Most of them only tell how far it is.
      if (!(finishedJobStates as readonly string[]).includes(detail.state)) return undefined;
      const job = await deps.jobs.read(detail.jobId);
      return job && jobMessage(job, detail);
    }
    case payoutRequested.detailType:
      return payoutMessage(readEvent(payoutRequested, body));
    case webhookPingRequested.detailType:
      return pingMessage(readEvent(webhookPingRequested, body));
    default:
      return disabledMessage(readEvent(webhookEndpointDisabled, body));
  }
}

async function create(
  { deliveries, clock, sha256 }: CreateDeps,
  message: WebhookMessage,
  endpoint: WebhookEndpoint,
  callbackUrl?: string,
): Promise<WebhookDelivery | undefined> {
  const { owner, endpointId, ordered, state } = endpoint;
  const { type, orderingKey, traceparent } = message;
  const nowMs = clock.nowMs();
  const delivery = newDelivery(
    {
      deliveryId: deliveryIdFor(sha256, message, endpoint),
      ...{ owner, endpointId, type, traceparent },
      ...(callbackUrl !== undefined && { callbackUrl }),
      ...(ordered && { orderingKey }),
    },
    nowMs,
  );
  // Kept all the same: when the endpoint is enabled again, all that it missed can be sent again.
  const kept = state === "enabled" ? delivery : givenUp(delivery, "endpoint-disabled", nowMs);
  const outcome = await deliveries.add({ ...kept, version: 1 }, bodyOf(message));
  return outcome === "added" ? kept : await deliveries.read(owner, delivery.deliveryId);
}
