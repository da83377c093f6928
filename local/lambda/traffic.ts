import type { Environments } from "./environments.ts";

/** New code beside the running one: what an alias with two weights is in AWS. */
export interface Candidate {
  /** Gives it that part of what begins from now on; 100: all, and the old code goes. */
  serve(percent: number): void;
  /** Gives it none any more: the old code stays. */
  withdraw(): void;
}

/** Chooses the code that an invocation runs on. */
export interface Traffic {
  next(): Environments;
  /** The old code. */
  live(): Environments;
  offer(environments: Environments): Candidate;
}

export function createTraffic(first: Environments): Traffic {
  let live = first;
  let candidate: { readonly environments: Environments; percent: number } | undefined;
  /** Spreads a share evenly: a tenth is every tenth invocation. */
  let owed = 0;
  return {
    next() {
      if (candidate === undefined) return live;
      owed += candidate.percent;
      if (owed < 100) return live;
      owed -= 100;
      return candidate.environments;
    },
    live: () => live,
    offer(environments) {
      if (candidate !== undefined) throw new Error("other code is being deployed already");
      const offered = { environments, percent: 0 };
      candidate = offered;
      owed = 0;
      return {
        serve(percent) {
          if (candidate !== offered) return;
          offered.percent = percent;
          if (percent < 100) return;
          live.retire();
          live = environments;
          candidate = undefined;
        },
        withdraw() {
          if (candidate !== offered) return;
          candidate = undefined;
          environments.retire();
        },
      };
    },
  };
}
