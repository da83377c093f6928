import { webhookDue } from "../contracts/events.ts";
import type { OutgoingEvent } from "../messaging/event-publisher.ts";
import type { WebhookDelivery } from "./delivery.ts";

/** The event that has a delivery attempted, while it is pending. */
export function dueEvent(delivery: WebhookDelivery | undefined): OutgoingEvent[] {
  if (delivery?.nextAttemptAtMs === undefined) return [];
  const { owner, deliveryId, traceparent, nextAttemptAtMs: dueAtMs } = delivery;
  const detail = { schemaVersion: 1, traceparent, owner, deliveryId, dueAtMs };
  return [{ contract: webhookDue, detail }];
}
