import type { Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import { type Decision, decideOn, type StateStore } from "./state-store.ts";

/** Who holds one, and until when it is believed to, ms since the epoch. */
export type Holders = Readonly<Record<string, number>>;

/** So many at once and no more, among all workers: a slow service must not take all of them. */
export interface Leases {
  /**
   * Takes one of `most`, or takes its own anew. A holder that never gives it back, because it was
   * killed, loses it after `heldMs`.
   */
  take(name: string, holder: string, most: number, heldMs: number): Promise<"taken" | "none-left">;
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

export function taken(
  holders: Holders,
  { holder, most, heldMs }: { holder: string; most: number; heldMs: number },
  nowMs: number,
): Decision<Holders, "taken" | "none-left"> {
  const others = Object.entries(holders).filter(
    ([other, untilMs]) => other !== holder && untilMs > nowMs,
  );
  if (others.length >= most) return { result: "none-left" };
  return { result: "taken", next: { ...Object.fromEntries(others), [holder]: nowMs + heldMs } };
}
