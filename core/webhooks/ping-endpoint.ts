import { webhookPingRequested } from "../contracts/events.ts";
import type { Sha256Hex } from "../earnings/impression-key.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import type { Clock } from "../values/time.ts";
import type { WebhookEndpoints } from "./endpoint.ts";
import { readEndpoint } from "./manage-endpoints.ts";
import { deliveryIdFor, pingMessage } from "./message.ts";

interface Deps {
  readonly endpoints: Pick<WebhookEndpoints, "read">;
  readonly bus: EventPublisher;
  readonly clock: Clock;
  readonly sha256: Sha256Hex;
}

/**
 * Has an endpoint told something, by the way that everything takes.
 * @returns the id of the delivery that will come of it. @throws Problem 404
 */
export async function pingEndpoint(
  { endpoints, bus, clock, sha256 }: Deps,
  request: { readonly owner: string; readonly endpointId: string; readonly traceparent: string },
  pingId: string,
): Promise<string> {
  await readEndpoint(endpoints, request.owner, request.endpointId);
  const requestedAtMs = clock.nowMs();
  const detail = { schemaVersion: 1, ...request, pingId, requestedAtMs } as const;
  await bus.publish([{ contract: webhookPingRequested, detail }]);
  return deliveryIdFor(sha256, pingMessage(detail), request);
}
