import { limits } from "../contracts/limits.ts";
import type { Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import type { Rate, RateLimiter, Reservation } from "./rate-limiter.ts";
import {
  chargedTab,
  enter,
  leastRefusalMs,
  maxCost,
  type Refusal,
  refusedTab,
  type Standing,
  standingOf,
  type Tab,
} from "./tab.ts";
import type { TabMemory } from "./tab-memory.ts";

/** Whoever is limited. */
export interface Limited {
  /** Of this caller and no other; stays in memory. */
  readonly key: string;
  readonly rate: Rate;
  /** What the shared bucket calls it: no address, and nothing that leads back to one. */
  sharedName(): string | Promise<string>;
}

export type Verdict = Standing & {
  /** Undefined: let it through. */
  readonly retryAfterMs: number | undefined;
};

export interface RequestLimiter {
  /** @param cost units; what is more than a caller may have at once counts as that. */
  admit(caller: Limited, cost: number): Promise<Verdict>;
}

export interface RequestLimiterDeps {
  readonly shared: Pick<RateLimiter, "reserve">;
  readonly memory: TabMemory;
  readonly clock: Clock;
  readonly pacing: Pick<Pacing, "sleep">;
  /** Requests are let through for a while without being charged. */
  readonly onUnavailable: (error: unknown) => void;
}

/** Who did not answer in time is not asked again for so long. */
const unavailableMs = 1_000;

/**
 * Limits callers across all environments, each of which handles one request at a time. When the
 * shared bucket cannot be asked, everyone is let through: a limiter must not stop money.
 */
export function requestLimiter(deps: RequestLimiterDeps): RequestLimiter {
  const { shared, memory, clock, pacing, onUnavailable } = deps;
  let askAgainAtMs = 0;

  const reserve = async (caller: Limited, units: number, idle: boolean) =>
    shared.reserve(await caller.sharedName(), units, caller.rate, { idle });
  /** What comes later than this is not waited for; it goes on by itself. */
  const tooLate = async (): Promise<never> => {
    await pacing.sleep(limits.limitAnswerMs);
    throw new Error(`no answer within ${limits.limitAnswerMs} ms`);
  };

  async function charge(caller: Limited, tab: Tab, due: Due): Promise<Verdict> {
    const { key, rate } = caller;
    const askedAtMs = clock.nowMs();
    if (askedAtMs < askAgainAtMs) return verdictOn(tab, rate, askedAtMs);
    const idle = tab.fullAtMs <= askedAtMs;
    let next: Tab;
    let retryAfterMs: number | undefined;
    try {
      const answer = await Promise.race([reserve(caller, due.units, idle), tooLate()]);
      if (isImpossible(answer, due.units, rate)) {
        throw new Error("the clocks of environments disagree");
      }
      if (answer.kind === "reserved") {
        next = chargedTab(answer.fullInMs, clock.nowMs());
      } else {
        retryAfterMs = Math.max(answer.retryAfterMs, leastRefusalMs);
        next = refusedTab(tab, { ...answer, ...due }, rate, clock.nowMs());
      }
    } catch (error) {
      askAgainAtMs = clock.nowMs() + unavailableMs;
      onUnavailable(error);
      // It may have been charged: rather never than twice.
      next = { ...tab, owed: 0, atMs: clock.nowMs() };
    }
    memory.write(key, next, true);
    return { ...standingOf(next, rate, next.atMs), retryAfterMs };
  }

  return {
    async admit(caller, wanted) {
      const { key, rate } = caller;
      const cost = Math.min(wanted, maxCost(rate));
      const nowMs = clock.nowMs();
      const tab = memory.read(key);
      const entry = enter(tab, cost, rate, nowMs);
      if (entry.kind === "due") return charge(caller, tab, { units: entry.units, cost });
      if (entry.kind === "refused") return verdictOn(tab, rate, nowMs);
      memory.write(key, entry.tab, false);
      return verdictOn(entry.tab, rate, nowMs);
    },
  };
}

type Due = Pick<Refusal, "units" | "cost">;

const maxSkewMs = 1_000;

/** A bucket is never emptier than empty, unless it was charged by a clock that is far ahead of ours. */
function isImpossible(answer: Reservation, units: number, rate: Rate): boolean {
  if (answer.kind === "reserved") return false;
  return answer.retryAfterMs > (units * 1_000) / rate.perSecond + maxSkewMs;
}

function verdictOn(tab: Tab, rate: Rate, nowMs: number): Verdict {
  const refusedForMs = tab.refusedUntilMs - nowMs;
  return {
    ...standingOf(tab, rate, nowMs),
    retryAfterMs: refusedForMs > 0 ? refusedForMs : undefined,
  };
}
