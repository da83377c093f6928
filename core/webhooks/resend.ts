import { type WebhookResendRequested, webhookResendRequested } from "../contracts/events.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";
import { firstPlace, placeOf, sentAgain, type WebhookDelivery } from "./delivery.ts";
import type { WebhookDeliveries } from "./delivery-store.ts";
import { dueEvent } from "./due-event.ts";
import type { WebhookEndpoints } from "./endpoint.ts";
import { readEndpoint } from "./manage-endpoints.ts";

interface Deps {
  readonly endpoints: Pick<WebhookEndpoints, "read">;
  readonly deliveries: Pick<WebhookDeliveries, "read" | "list" | "replace">;
  readonly bus: EventPublisher;
  readonly clock: Clock;
}

/** Read at once; each takes a write and an event. */
const pageSize = 50;

/** Sends one delivery again, whatever came of it. @throws Problem 404, 409 */
export async function resendDelivery(
  deps: Deps,
  owner: string,
  deliveryId: string,
): Promise<WebhookDelivery> {
  const place = placeOf(deliveryId);
  const delivery = place && (await deps.deliveries.read(owner, deliveryId));
  if (!delivery) throw problems.notFound(`webhook delivery ${JSON.stringify(deliveryId)}`);
  await requireEnabled(deps, owner, delivery.endpointId);
  const again = await renew(deps, delivery);
  await deps.bus.publish(dueEvent(again));
  if (again) return again;
  throw problems.conflict(
    "contended",
    "It is being delivered",
    "The delivery changed at the same time; look at it, and send it again.",
    { retryAfterSeconds: 1 },
  );
}

/** Has all that failed since then sent again. @throws Problem 404, 409 */
export async function requestResend(
  deps: Pick<Deps, "endpoints" | "bus" | "clock">,
  request: Pick<WebhookResendRequested, "owner" | "endpointId" | "sinceMs" | "traceparent">,
): Promise<void> {
  await requireEnabled(deps, request.owner, request.endpointId);
  const detail = { schemaVersion: 1, ...request, requestedAtMs: deps.clock.nowMs() };
  await deps.bus.publish([{ contract: webhookResendRequested, detail }]);
}

/** Works on such a request until the deadline, and announces the rest as work of its own. */
export async function resendPart(
  deps: Deps,
  request: WebhookResendRequested,
  deadlineMs: number,
): Promise<void> {
  const { owner, endpointId, sinceMs } = request;
  let after: string | undefined = request.cursor ?? firstPlace(sinceMs, deps.clock.nowMs());
  while (after !== undefined) {
    if (deps.clock.nowMs() >= deadlineMs) {
      const rest = { ...request, cursor: after };
      return await deps.bus.publish([{ contract: webhookResendRequested, detail: rest }]);
    }
    const range = { after, newestFirst: false, limit: pageSize };
    const page = await deps.deliveries.list(owner, endpointId, range);
    const due = await Promise.all(page.map((one) => renewedFor(deps, request, one)));
    await deps.bus.publish(due.flatMap(dueEvent));
    after = page.length < pageSize ? undefined : timedIdOfLast(page);
  }
}

/** What failed before it was asked for; and what an earlier worker on the request left unannounced. */
async function renewedFor(
  deps: Deps,
  { requestedAtMs }: WebhookResendRequested,
  delivery: WebhookDelivery,
): Promise<WebhookDelivery | undefined> {
  const { state, tries, changedAtMs, nextAttemptAtMs = 0 } = delivery;
  if (state === "failed" && changedAtMs <= requestedAtMs) return await renew(deps, delivery);
  return tries === 0 && nextAttemptAtMs >= requestedAtMs ? delivery : undefined;
}

/** Undefined: somebody else changed it in the meantime. */
async function renew(
  { deliveries, clock }: Pick<Deps, "deliveries" | "clock">,
  delivery: WebhookDelivery,
): Promise<WebhookDelivery | undefined> {
  const again = sentAgain(delivery, clock.nowMs());
  return (await deliveries.replace(again)) === "replaced" ? again : undefined;
}

async function requireEnabled(
  { endpoints }: Pick<Deps, "endpoints">,
  owner: string,
  endpointId: string,
): Promise<void> {
  const { state } = await readEndpoint(endpoints, owner, endpointId);
  if (state === "enabled") return;
  throw problems.conflict(
    "webhook-endpoint-disabled",
    "The endpoint is disabled",
    `Nothing is sent to ${endpointId} while it is disabled; enable it first with PUT ` +
      `/v1/webhook-endpoints/${endpointId}.`,
  );
}

function timedIdOfLast(page: readonly WebhookDelivery[]): string | undefined {
  const last = page.at(-1);
  return last && placeOf(last.deliveryId)?.timedId;
}
