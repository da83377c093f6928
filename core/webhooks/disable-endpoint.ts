import { webhookEndpointDisabled } from "../contracts/events.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import type { Clock } from "../values/time.ts";
import { changed, type WebhookEndpoint, type WebhookEndpoints } from "./endpoint.ts";

export interface DisableDeps {
  readonly endpoints: Pick<WebhookEndpoints, "read" | "put">;
  readonly bus: EventPublisher;
  readonly clock: Clock;
  /** Told of each that is disabled. */
  readonly onDisabled: (endpoint: WebhookEndpoint) => void;
}

/** Calls it no more, and has its owner told. One that its owner has just changed is left alone. */
export async function disableEndpoint(
  { endpoints, bus, clock, onDisabled }: DisableDeps,
  endpoint: WebhookEndpoint,
  reason: "gone" | "failing",
  traceparent: string,
): Promise<void> {
  const nowMs = clock.nowMs();
  const change = { state: "disabled", disabledReason: reason, disabledAtMs: nowMs } as const;
  const disabled = changed(endpoint, change, nowMs);
  if ((await endpoints.put(disabled)) === "raced") return;
  onDisabled(disabled);
  await announceDisabled(bus, disabled, traceparent);
}

/** To the owner's other endpoints. It may be said again: they are told once. */
export async function announceDisabled(
  bus: EventPublisher,
  { owner, endpointId, disabledReason: reason, disabledAtMs }: WebhookEndpoint,
  traceparent: string,
): Promise<void> {
  // Its owner knows what they did by hand.
  if (reason === undefined || reason === "by-hand" || disabledAtMs === undefined) return;
  const detail = { schemaVersion: 1, traceparent, owner, endpointId, reason, disabledAtMs };
  await bus.publish([{ contract: webhookEndpointDisabled, detail }]);
}
