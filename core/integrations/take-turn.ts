import { limits } from "../contracts/limits.ts";
import type { JobOutcome } from "../jobs/job.ts";
import type { OutboundOutcome } from "../outbound/outbound-caller.ts";
import { admit } from "../pacing/breaker.ts";
import { rateOf } from "../pacing/rate-limiter.ts";
import { type Backoff, backoffMs } from "../values/retry.ts";
import { breakerRulesOf, type Integration, pacingNameOf } from "./integration.ts";
import type { SyncDeps, SyncRun } from "./sync-deps.ts";
import { waitingUntil } from "./sync-outcome.ts";

/** A wait up to this is waited for; for a longer one the job is put away, and the worker free. */
const shortWaitMs = 2_000;
/** A call that is under way for longer is slow. */
const quickCallMs = 1_000;
const longestLeaseWaitMs = 5_000;
const leaseBackoff: Backoff = { baseMs: 50, capMs: 400 };
/** Beyond the call itself: what the worker does around it. */
const leaseGraceMs = 15_000;

/**
 * Makes a call when it is this job's turn. While the breaker is open, others are calling or the rate
 * is used up, it is put away and comes back: waiting is no attempt, and holds no worker.
 */
export async function takeTurn(
  deps: SyncDeps,
  run: SyncRun,
  call: () => Promise<JobOutcome>,
): Promise<JobOutcome> {
  const { integration } = run;
  const name = pacingNameOf(integration);
  const breaker = await deps.breakers.read(name);
  const { admission } = admit(breaker, breakerRulesOf(integration), deps.clock.nowMs());
  if (admission.kind === "refused") return await putAway(deps, run, admission.retryAtMs, failing);
  // The next attempt of one that was killed takes its own place again.
  const holder = run.jobId;
  if (!(await takeLease(deps, integration, holder))) {
    return await putAway(deps, run, deps.clock.nowMs(), "other calls are under way");
  }
  try {
    const options = { maxWaitMs: shortWaitMs };
    const slot = await deps.limiter.reserve(name, 1, rateOf(integration.ratePerSecond), options);
    if (slot.kind === "refused") {
      const atMs = deps.clock.nowMs() + slot.retryAfterMs;
      return await putAway(deps, run, atMs, "its rate is used up");
    }
    await deps.pacing.sleep(slot.waitMs);
    return await call();
  } finally {
    // One that is not given back is over by itself.
    await deps.leases.giveBack(name, holder).catch(deps.onUnrecorded);
  }
}

export const failing = "the service is failing";

/**
 * A place among the calls under way. While they are quick it is worth waiting for; once one takes long
 * it is not: a slow service must leave workers for the others.
 */
async function takeLease(
  { leases, pacing, clock }: SyncDeps,
  integration: Integration,
  holder: string,
): Promise<boolean> {
  const heldMs = integration.timeoutMs + shortWaitMs + leaseGraceMs;
  const most = limits.maxCallsInFlight;
  const untilMs = clock.nowMs() + longestLeaseWaitMs;
  for (let attempt = 0; clock.nowMs() < untilMs; attempt += 1) {
    const lease = await leases.take(pacingNameOf(integration), holder, most, heldMs);
    if (lease.kind === "taken") return true;
    if (clock.nowMs() - lease.sinceMs > quickCallMs) return false;
    await pacing.sleep(backoffMs(attempt, leaseBackoff, pacing.random));
  }
  return false;
}

/**
 * Whoever has to wait comes back in turn, at the integration's rate, and not all at once. The line is
 * a rate limit of its own: a place in it is a time to come back, not yet a call.
 */
export async function putAway(
  { limiter, clock }: SyncDeps,
  run: SyncRun,
  atMs: number,
  why: string,
  outcome?: OutboundOutcome,
): Promise<JobOutcome> {
  const maxWaitMs = limits.maxIntegrationWaitMs;
  const line = `${pacingNameOf(run.integration)}#line`;
  const place = await limiter.reserve(line, 1, rateOf(run.integration.ratePerSecond), {
    maxWaitMs,
  });
  const inLineMs = place.kind === "reserved" ? place.waitMs : maxWaitMs;
  const returnAtMs = Math.max(atMs, clock.nowMs()) + inLineMs;
  return waitingUntil(run, returnAtMs, `Waiting: ${why}.`, outcome);
}
