import type * as z from "zod";
import type { webhookDeliveriesQuerySchema } from "../contracts/webhook-bodies.ts";
import { checkTimedCursor } from "../perimeter/page.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";
import { firstPlace, placeOf, type WebhookDelivery } from "./delivery.ts";
import type { WebhookDeliveries } from "./delivery-store.ts";
import type { WebhookEndpoints } from "./endpoint.ts";
import { presentDelivery } from "./present-delivery.ts";

interface Deps {
  readonly endpoints: Pick<WebhookEndpoints, "list">;
  readonly deliveries: Pick<WebhookDeliveries, "read" | "list" | "bodyOf">;
  readonly clock: Clock;
}

type Query = z.infer<typeof webhookDeliveriesQuerySchema>;

/** What a search of one endpoint's deliveries came to. */
interface Search {
  readonly found: readonly WebhookDelivery[];
  /** The place up to which it looked; none: to the end. */
  readonly stoppedAt?: string;
}

/** Read at once, and in all: a state that few deliveries have must not make us read for ever. */
const pageSize = 100;
const maxPages = 10;

/** A page of an owner's deliveries, newest first, of one endpoint or of all. */
export async function listDeliveries(deps: Deps, owner: string, query: Query) {
  const { endpointId, limit, cursor } = query;
  checkTimedCursor(cursor);
  const endpointIds =
    endpointId === undefined
      ? (await deps.endpoints.list(owner)).map((endpoint) => endpoint.endpointId)
      : [endpointId];
  const searches = await Promise.all(endpointIds.map((one) => search(deps, owner, one, query)));
  // Beyond the latest of the places where one stopped, others may have found more than it.
  const stops = searches.flatMap(({ stoppedAt }) => stoppedAt ?? []).sort();
  const horizon = stops.at(-1);
  const found = searches
    .flatMap((one) => one.found)
    .filter((one) => horizon === undefined || timedIdOf(one) >= horizon)
    .sort((a, b) => (timedIdOf(a) < timedIdOf(b) ? 1 : -1));
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const next = found.length > limit && last ? timedIdOf(last) : horizon;
  return {
    items: items.map((one) => presentDelivery(one)),
    ...(next !== undefined && { nextCursor: next }),
  };
}

/** One delivery, with what it says and each attempt. @throws Problem 404 */
export async function readDelivery({ deliveries }: Deps, owner: string, deliveryId: string) {
  const delivery = placeOf(deliveryId) && (await deliveries.read(owner, deliveryId));
  if (!delivery) throw problems.notFound(`webhook delivery ${JSON.stringify(deliveryId)}`);
  return presentDelivery(delivery, await deliveries.bodyOf(delivery));
}

async function search(
  { deliveries, clock }: Deps,
  owner: string,
  endpointId: string,
  { state, since, cursor, limit }: Query,
): Promise<Search> {
  const after = firstPlace(since, clock.nowMs());
  const found: WebhookDelivery[] = [];
  let before = cursor;
  for (let page = 0; page < maxPages; page += 1) {
    const range = { after, before, newestFirst: true, limit: pageSize };
    const read = await deliveries.list(owner, endpointId, range);
    found.push(...read.filter((one) => state === undefined || one.state === state));
    const last = read.at(-1);
    if (!last || read.length < pageSize) return { found };
    before = timedIdOf(last);
    if (found.length > limit) break;
  }
  return { found, ...(before !== undefined && { stoppedAt: before }) };
}

const timedIdOf = ({ deliveryId }: WebhookDelivery) => placeOf(deliveryId)?.timedId ?? "";
