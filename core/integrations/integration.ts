import type { IntegrationId } from "../contracts/job-types.ts";
import type { BreakerRules } from "../pacing/breaker.ts";
import { problems } from "../perimeter/problem.ts";
import type { SecretGeneration } from "../webhooks/endpoint.ts";

/** A service of others that jobs call: a CRM, a newsletter tool, a webhook of somebody's making. */
export interface Integration {
  readonly integrationId: IntegrationId;
  readonly url: string;
  readonly method: "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly ratePerSecond: number;
  readonly timeoutMs: number;
  readonly failuresToOpen: number;
  readonly coolDownMs: number;
  /** Newest first; the one before signs, too, until it is no longer valid. */
  readonly secrets: readonly SecretGeneration[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Changes with every write, so that two writers cannot undo each other. */
  readonly revision: number;
}

export interface IntegrationStore {
  /** Strongly consistent. */
  read(integrationId: IntegrationId): Promise<Integration | undefined>;
  /** By id, from after `after`. */
  list(limit: number, after: string | undefined): Promise<readonly Integration[]>;
  /** `raced` when the stored revision is not `integration.revision - 1` (0: there is none yet). */
  put(integration: Integration): Promise<"put" | "raced">;
  delete(integrationId: IntegrationId): Promise<void>;
}

/** @throws Problem 404 */
export async function readIntegration(
  store: Pick<IntegrationStore, "read">,
  integrationId: IntegrationId,
): Promise<Integration> {
  const integration = await store.read(integrationId);
  if (!integration) throw problems.notFound(`integration ${JSON.stringify(integrationId)}`);
  return integration;
}

type Registered = Pick<Integration, "integrationId" | "createdAtMs">;

/** One that is registered anew under an old id is another: nothing of the old one holds for it. */
const ownNameOf = ({ integrationId, createdAtMs }: Registered) => `${integrationId}@${createdAtMs}`;

/** Under which its limit, breaker, lease and outcomes are kept. */
export const pacingNameOf = (integration: Registered) => `integration#${ownNameOf(integration)}`;

/** What its secrets follow from. */
export const signerOf = (integration: Registered) => ({
  owner: "integrations",
  endpointId: ownNameOf(integration),
});

/** What the worker does around a call, at most: a probe that takes longer than both was killed. */
const aroundCallMs = 15_000;
const longestCoolDownMs = 15 * 60_000;

export function breakerRulesOf({
  failuresToOpen,
  coolDownMs,
  timeoutMs,
}: Pick<Integration, "failuresToOpen" | "coolDownMs" | "timeoutMs">): BreakerRules {
  return {
    failuresToOpen,
    // It answers, but every other call is for nothing.
    ...{ shareToOpen: 0.5, minCalls: 20, windowMs: 60_000 },
    ...{ coolDownMs, maxCoolDownMs: Math.max(coolDownMs, longestCoolDownMs) },
    ...{ probes: 1, probeTimeoutMs: timeoutMs + aroundCallMs },
  };
}
