import type { Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import {
  type Admission,
  admit,
  type Breaker,
  type BreakerRules,
  type CallOutcome,
  closedBreaker,
  recorded,
} from "./breaker.ts";
import { decideOn, type StateStore } from "./state-store.ts";

/** Breakers that all workers share, by the name of what they call. */
export interface CircuitBreakers {
  /** May a call be made now? Ask just before it, and record what came of it. */
  admit(name: string, rules: BreakerRules): Promise<Admission>;
  record(name: string, rules: BreakerRules, epoch: number, outcome: CallOutcome): Promise<void>;
  /** As it stands; one of which nothing was heard yet is closed. */
  read(name: string): Promise<Breaker>;
}

export interface CircuitBreakersDeps {
  readonly store: StateStore<Breaker>;
  readonly clock: Clock;
  readonly pacing: Pacing;
}

export function circuitBreakers(deps: CircuitBreakersDeps): CircuitBreakers {
  const { store, clock, pacing } = deps;
  return {
    admit: (name, rules) =>
      decideOn(deps, name, (stored) => {
        const nowMs = clock.nowMs();
        const { admission, next } = admit(stored ?? closedBreaker(nowMs), rules, nowMs);
        return { result: admission, next };
      }),
    record: (name, rules, epoch, outcome) =>
      decideOn(deps, name, (stored) => {
        const nowMs = clock.nowMs();
        const breaker = stored ?? closedBreaker(nowMs);
        const next = recorded(breaker, rules, { epoch, outcome }, nowMs, pacing.random);
        return { result: undefined, next };
      }),
    read: async (name) => (await store.read(name))?.state ?? closedBreaker(clock.nowMs()),
  };
}
