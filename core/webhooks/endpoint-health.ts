import { dayMs } from "../values/time.ts";
import type { WebhookEndpoint } from "./endpoint.ts";

/** How an endpoint has been of late; kept apart, since it changes with what is delivered. */
export interface EndpointHealth {
  /** Nothing but failure since then. */
  readonly failingSinceMs?: number;
  /** It is slow: so much time has to lie between two calls of it. */
  readonly paceMs?: number;
  readonly revision: number;
}

export const unknownHealth: EndpointHealth = { revision: 0 };

export interface EndpointHealths {
  read(endpoint: Pick<WebhookEndpoint, "owner" | "endpointId">): Promise<EndpointHealth>;
  /** Writes the next revision, if the one before is what is stored: else others know better. */
  put(
    endpoint: Pick<WebhookEndpoint, "owner" | "endpointId">,
    health: EndpointHealth,
  ): Promise<void>;
}

/** After so long with nothing but failure an endpoint is disabled. */
export const maxFailingMs = 5 * dayMs;

/** An answer that takes longer makes its receiver a slow one… */
const slowMs = 1_000;
/** …of which so many calls run at once, on average: others need the workers too. */
export const slowCallsAtOnce = 3;

/** What an attempt makes of it; undefined: nothing that would have to be written. */
export function healthAfter(
  health: EndpointHealth,
  { succeeded, durationMs }: { readonly succeeded: boolean; readonly durationMs: number },
  nowMs: number,
): EndpointHealth | undefined {
  const failingSinceMs = succeeded ? undefined : (health.failingSinceMs ?? nowMs);
  const paceMs = durationMs > slowMs ? Math.ceil(durationMs / slowCallsAtOnce) : undefined;
  if (failingSinceMs === health.failingSinceMs && isAlike(paceMs, health.paceMs)) return undefined;
  return {
    ...(failingSinceMs !== undefined && { failingSinceMs }),
    ...(paceMs !== undefined && { paceMs }),
    revision: health.revision + 1,
  };
}

/** Not every answer that takes a moment longer is worth a write. */
function isAlike(one: number | undefined, other: number | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one < 2 * other && other < 2 * one;
}

/** An endpoint that its owner has changed, or enabled again, is given the time anew. */
export function hasFailedTooLong(
  { failingSinceMs }: EndpointHealth,
  changedAtMs: number,
  nowMs: number,
): boolean {
  if (failingSinceMs === undefined) return false;
  return nowMs - Math.max(failingSinceMs, changedAtMs) >= maxFailingMs;
}
