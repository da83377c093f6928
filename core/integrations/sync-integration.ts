import { limits } from "../contracts/limits.ts";
import type { JobOutcome } from "../jobs/job.ts";
import type { JobRun } from "../jobs/run-job.ts";
import type { OutboundOutcome } from "../outbound/outbound-caller.ts";
import { comeBackAtMs } from "../outbound/retry-after.ts";
import { rateOf } from "../pacing/rate-limiter.ts";
import { type Backoff, backoffMs } from "../values/retry.ts";
import {
  breakerOutcomeOf,
  type CallResult,
  callIntegration,
  inWords,
  resultOf,
} from "./call-integration.ts";
import { breakerRulesOf, pacingNameOf } from "./integration.ts";
import type { SyncDeps, SyncPayload, SyncRun } from "./sync-deps.ts";
import { failed, refused, succeeded, waitingUntil } from "./sync-outcome.ts";
import { failing, putAway, takeTurn } from "./take-turn.ts";

/** A call that failed is made again after up to 10 s, 20 s, 40 s … an hour. */
const callBackoff: Backoff = { baseMs: 10_000, capMs: 3_600_000 };
/**
 * One that says "not now" is not counted, so it must not be asked without end: at least after up to
 * 1 s, 2 s, 4 s … 5 min, even if it asks for less.
 */
const pauseBackoff: Backoff = { baseMs: 1_000, capMs: 300_000 };
/** What a receiver asks for is heard, but not for longer than this at once. */
const longestPauseMs = 3_600_000;

/**
 * Calls an integration for one job, again while it fails, until it takes what it is sent. The
 * receiver's failures are counted by the job itself and not by its queue: a job that gives up says
 * what the receiver answered, and is nothing for an operator to look at.
 */
export async function syncIntegration(
  deps: SyncDeps,
  run: JobRun<SyncPayload>,
): Promise<JobOutcome> {
  const integration = await deps.store.read(run.payload.integrationId);
  if (!integration) return failed("integration-removed", "The integration was removed.", 404);
  const own: SyncRun = { ...run, integration, calls: Number(run.checkpoint?.calls ?? 0) };
  return await takeTurn(deps, own, () => callOnce(deps, own));
}

async function callOnce(deps: SyncDeps, run: SyncRun): Promise<JobOutcome> {
  const { integration, payload } = run;
  const [name, rules] = [pacingNameOf(integration), breakerRulesOf(integration)];
  const admission = await deps.breakers.admit(name, rules);
  if (admission.kind === "refused") return await putAway(deps, run, admission.retryAtMs, failing);
  const calls = run.calls + 1;
  // Durable before the call: one that was cut off counts, too. A job that was cancelled stops here.
  await run.report({ percent: 0, message: `Call ${calls}` }, { calls });
  const outcome = await callIntegration(deps, integration, run.jobId, payload.data, run.signal);
  if (outcome.kind === "failed" && outcome.cause === "aborted") {
    throw new Error("the job was cancelled, or its time was over");
  }
  const result = resultOf(outcome);
  const learned = breakerOutcomeOf(result);
  await Promise.all([
    deps.outcomes.add(name, result).catch(deps.onUnrecorded),
    learned && deps.breakers.record(name, rules, admission.epoch, learned).catch(deps.onUnrecorded),
  ]);
  return await conclude(deps, { ...run, calls }, outcome, result);
}

async function conclude(
  deps: SyncDeps,
  run: SyncRun,
  outcome: OutboundOutcome,
  result: CallResult,
): Promise<JobOutcome> {
  const { calls, integration } = run;
  if (result === "succeeded" && outcome.kind === "answered") return succeeded(outcome, calls);
  const isFinal = result === "refused" || result === "forbidden";
  const isLast = result !== "limited" && calls >= limits.maxIntegrationCalls;
  if (isFinal || isLast) return refused(outcome, calls);
  const nowMs = deps.clock.nowMs();
  const askedMs = comeBackAtMs(outcome, nowMs);
  if (askedMs === undefined) {
    const atMs = nowMs + backoffMs(calls - 1, callBackoff, deps.pacing.random);
    return waitingUntil(run, atMs, `${inWords(outcome)} It is called again.`, outcome);
  }
  // All of its jobs wait, not just this one.
  const pausedMs = Math.min(askedMs, nowMs + longestPauseMs);
  const name = pacingNameOf(integration);
  await deps.limiter.pauseUntil(name, rateOf(integration.ratePerSecond), pausedMs);
  const leastMs = nowMs + backoffMs(calls - 1, pauseBackoff, deps.pacing.random);
  return await putAway(deps, run, Math.max(pausedMs, leastMs), "it asked for a pause", outcome);
}
