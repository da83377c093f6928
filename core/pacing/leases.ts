import type { Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import { type Decision, decideOn, type StateStore } from "./state-store.ts";

/** Who holds one: since when, and until when it is believed to; ms since the epoch. */
export type Holders = Readonly<
  Record<string, { readonly sinceMs: number; readonly untilMs: number }>
>;

export type Lease =
  | { readonly kind: "taken" }
  /** All are held, the one that was taken first since `sinceMs`. */
  | { readonly kind: "none-left"; readonly sinceMs: number };

/** So many at once and no more, among all workers: a slow service must not take all of them. */
export interface Leases {
  /**
   * Takes one of `most`, or takes its own anew. A holder that never gives it back, because it was
   * killed, loses it after `heldMs`.
   */
  take(name: string, holder: string, most: number, heldMs: number): Promise<Lease>;
  giveBack(name: string, holder: string): Promise<void>;
}

export interface LeasesDeps {
  readonly store: StateStore<Holders>;
  readonly clock: Clock;
  readonly pacing: Pacing;
}

export function leases(deps: LeasesDeps): Leases {
  return {
    take: (name, holder, most, heldMs) =>
      decideOn(deps, name, (holders = {}) =>
        taken(holders, { holder, most, heldMs }, deps.clock.nowMs()),
      ),
    giveBack: (name, holder) =>
      decideOn(deps, name, (holders = {}) => {
        const { [holder]: held, ...next } = holders;
        return { result: undefined, next: held === undefined ? undefined : next };
      }),
  };
}

function taken(
  holders: Holders,
  { holder, most, heldMs }: { holder: string; most: number; heldMs: number },
  nowMs: number,
): Decision<Holders, Lease> {
  const others = Object.entries(holders).filter(
    ([other, { untilMs }]) => other !== holder && untilMs > nowMs,
  );
  if (others.length >= most) {
    const sinceMs = Math.min(...others.map(([, one]) => one.sinceMs));
    return { result: { kind: "none-left", sinceMs } };
  }
  const own = { sinceMs: nowMs, untilMs: nowMs + heldMs };
  return { result: { kind: "taken" }, next: { ...Object.fromEntries(others), [holder]: own } };
}
