import * as z from "zod";

/** What endpoints are told of. A body is `{type, timestamp, data}`, as Standard Webhooks has it. */
export const webhookEventTypes = [
  "job.succeeded",
  "job.failed",
  "job.cancelled",
  "payout.requested",
  "webhook_endpoint.disabled",
] as const;

/** Sent on demand, whatever an endpoint asked for. */
export const pingEventType = "ping";

export const webhookEventTypeSchema = z.enum(webhookEventTypes, {
  error: `must be one of ${webhookEventTypes.join(", ")}`,
});

export type WebhookEventType = (typeof webhookEventTypes)[number] | typeof pingEventType;

export const deliveryStates = ["pending", "delivered", "failed"] as const;
export type DeliveryState = (typeof deliveryStates)[number];
