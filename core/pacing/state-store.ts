import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";

/** Small states that many workers change at once: each is read, decided on, and replaced whole. */
export interface StateStore<State> {
  /** Strongly consistent. */
  read(name: string): Promise<{ readonly state: State; readonly revision: number } | undefined>;
  /** Writes revision `revision` if the one before is what is stored (1: if there is none). */
  replace(name: string, state: State, revision: number): Promise<"put" | "raced">;
}

export interface Decision<State, Result> {
  /** None: it stays as it is, and nothing is written. */
  readonly next?: State | undefined;
  readonly result: Result;
}

/** One of any number of rivals gets through each time; more than these never meet on one state. */
const maxAttempts = 30;
const backoff: Backoff = { baseMs: 2, capMs: 100 };

/** Reads, decides and replaces again until nobody came in between. */
export async function decideOn<State, Result>(
  { store, pacing }: { readonly store: StateStore<State>; readonly pacing: Pacing },
  name: string,
  decide: (state: State | undefined) => Decision<State, Result>,
): Promise<Result> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const stored = await store.read(name);
    const { next, result } = decide(stored?.state);
    if (next === undefined) return result;
    const written = await store.replace(name, next, (stored?.revision ?? 0) + 1);
    if (written === "put") return result;
    await pacing.sleep(backoffMs(attempt, backoff, pacing.random));
  }
  throw new Error(`others kept changing ${name}`);
}
