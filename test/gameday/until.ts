import { setTimeout as delay } from "node:timers/promises";

/** What was waited for did not come. */
export class NotReached extends Error {}

/** A look at something: whether it is what is waited for, and else what it is. */
export interface Look<Found> {
  readonly found: Found | undefined;
  readonly seen: string;
}

/** Waits for a condition. @throws NotReached that says what was seen instead. */
export type Until = <Found>(
  what: string,
  look: () => Promise<Look<Found>>,
  everyMs?: number,
) => Promise<Found>;

/**
 * @param deadlineMs of everything, since the epoch: single waits have no limit of their own, as
 * machines are shared and what is slow is not wrong.
 */
export function untilBefore(deadlineMs: number): Until {
  return async (what, look, everyMs = 500) => {
    const startedMs = Date.now();
    let seen = "nothing yet";
    while (Date.now() < deadlineMs) {
      try {
        const now = await look();
        if (now.found !== undefined) return now.found;
        seen = now.seen;
      } catch (error) {
        // Whom one asks may be what is broken; what is asked wrongly shows in the end.
        seen = String(error);
      }
      await delay(everyMs);
    }
    const waited = ((Date.now() - startedMs) / 1_000).toFixed(0);
    throw new NotReached(`not reached: ${what}; waited ${waited} s for it, and saw: ${seen}`);
  };
}
