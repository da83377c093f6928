import { type IntegrationId, integrationIdSchema } from "../contracts/job-types.ts";
import type { Breaker } from "../pacing/breaker.ts";
import type { CircuitBreakers } from "../pacing/circuit-breakers.ts";
import { nextCursor, type PageQuery, wrongCursor } from "../perimeter/page.ts";
import type { Clock } from "../values/time.ts";
import { presentSecrets } from "../webhooks/present-endpoint.ts";
import {
  type Integration,
  type IntegrationStore,
  pacingNameOf,
  readIntegration,
  signerOf,
} from "./integration.ts";
import type { Written } from "./put-integration.ts";
import type { CallOutcomes } from "./sync-deps.ts";

export interface ReadDeps {
  readonly store: Pick<IntegrationStore, "read" | "list">;
  readonly breakers: Pick<CircuitBreakers, "read">;
  readonly outcomes: Pick<CallOutcomes, "read">;
  readonly clock: Clock;
}

const iso = (ms: number) => new Date(ms).toISOString();

/** By id. */
export async function listIntegrations(
  { store, clock }: Pick<ReadDeps, "store" | "clock">,
  { limit, cursor }: PageQuery,
) {
  if (cursor !== undefined && !integrationIdSchema.safeParse(cursor).success) throw wrongCursor();
  const integrations = await store.list(limit, cursor);
  return {
    items: integrations.map((integration) => presentIntegration(integration, clock.nowMs())),
    ...nextCursor(integrations, limit, ({ integrationId }) => integrationId),
  };
}

/** One of them, with how it does. @throws Problem 404 */
export async function showIntegration(
  { store, breakers, outcomes, clock }: ReadDeps,
  integrationId: IntegrationId,
) {
  const integration = await readIntegration(store, integrationId);
  const [breaker, lastDay] = await Promise.all([
    breakers.read(pacingNameOf(integration)),
    outcomes.read(pacingNameOf(integration)),
  ]);
  return {
    ...presentIntegration(integration, clock.nowMs()),
    breaker: presentBreaker(breaker),
    callsOfLastDay: lastDay,
  };
}

/** The public shape. The secret is not part of it: it is shown when it is made. */
export function presentIntegration(integration: Integration, nowMs: number) {
  const { secrets, createdAtMs, updatedAtMs, revision: _, ...settings } = integration;
  return {
    ...settings,
    secrets: presentSecrets({ secrets }, nowMs),
    createdAt: iso(createdAtMs),
    updatedAt: iso(updatedAtMs),
  };
}

/** With which secret to show beside it, if it has a new one. */
export function presentWritten({ integration, newGeneration }: Written, nowMs: number) {
  const made = integration.secrets.find(({ generation }) => generation === newGeneration);
  return {
    ...presentIntegration(integration, nowMs),
    ...(made && {
      shown: {
        ...signerOf(integration),
        ...{ generation: made.generation, createdAtMs: made.createdAtMs },
      },
    }),
  };
}

function presentBreaker(breaker: Breaker) {
  const { state, sinceMs } = breaker;
  const since = iso(sinceMs);
  switch (breaker.state) {
    case "closed": {
      const { failuresInRow, window } = breaker;
      return { state, since, failuresInRow, lately: pickCounts(window) };
    }
    case "open":
      return { state, since, openings: breaker.openings, nextProbeAt: iso(breaker.probeAtMs) };
    case "half-open":
      return { state, since, openings: breaker.openings, probes: breaker.begun };
  }
}

const pickCounts = ({ calls, failures }: { calls: number; failures: number }) => ({
  calls,
  failures,
});
