import type { Clock } from "../values/time.ts";
import { callbacksId, type WebhookEndpoint, type WebhookEndpoints } from "./endpoint.ts";
import type { EndpointHealths } from "./endpoint-health.ts";
import { readEndpoint } from "./manage-endpoints.ts";
import { presentEndpoint } from "./present-endpoint.ts";

interface Deps {
  readonly endpoints: Pick<WebhookEndpoints, "read" | "list">;
  readonly healths: Pick<EndpointHealths, "read">;
  readonly clock: Clock;
}

/** All of an owner's: there are few. What signs their callbacks is none of them. */
export async function listEndpoints(deps: Deps, owner: string) {
  const endpoints = await deps.endpoints.list(owner);
  const own = endpoints.filter(({ endpointId }) => endpointId !== callbacksId);
  return { items: await Promise.all(own.map((endpoint) => present(deps, endpoint))) };
}

/** @throws Problem 404 */
export async function showEndpoint(deps: Deps, owner: string, endpointId: string) {
  return await present(deps, await readEndpoint(deps.endpoints, owner, endpointId));
}

async function present({ healths, clock }: Deps, endpoint: WebhookEndpoint) {
  const { failingSinceMs } = await healths.read(endpoint);
  return {
    ...presentEndpoint(endpoint, clock.nowMs()),
    ...(failingSinceMs !== undefined && { failingSince: new Date(failingSinceMs).toISOString() }),
  };
}
