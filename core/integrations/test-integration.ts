import type { IntegrationId } from "../contracts/job-types.ts";
import { type RateLimiter, rateOf } from "../pacing/rate-limiter.ts";
import { problems } from "../perimeter/problem.ts";
import { type CallDeps, callIntegration, inWords, resultOf } from "./call-integration.ts";
import { type IntegrationStore, pacingNameOf, readIntegration } from "./integration.ts";

export interface TestDeps extends CallDeps {
  readonly store: Pick<IntegrationStore, "read">;
  readonly limiter: Pick<RateLimiter, "reserve">;
  readonly newId: () => string;
}

/**
 * Calls an integration while somebody waits for it: as its jobs do, by the same rules and within its
 * rate, whatever its breaker says. What it answered is not shown: only that it did.
 * @throws Problem 404; 429 when its rate is used up.
 */
export async function testIntegration(deps: TestDeps, integrationId: IntegrationId) {
  const integration = await readIntegration(deps.store, integrationId);
  const slot = await deps.limiter.reserve(
    pacingNameOf(integration),
    1,
    rateOf(integration.ratePerSecond),
    {
      maxWaitMs: 0,
    },
  );
  if (slot.kind === "refused") {
    const seconds = Math.ceil(slot.retryAfterMs / 1_000);
    throw problems.tooMany("The rate of this integration is used up; test it later.", seconds);
  }
  const message = { type: "pennyline.test", integrationId };
  const outcome = await callIntegration(deps, integration, `test-${deps.newId()}`, message);
  const result = resultOf(outcome);
  return {
    result,
    ...(outcome.kind === "answered" && { status: outcome.status }),
    ...(result !== "succeeded" && { detail: inWords(outcome) }),
    durationMs: outcome.durationMs,
  };
}
