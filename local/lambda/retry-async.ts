import { setTimeout as delay } from "node:timers/promises";
import type { InvocationOutcome } from "./function.ts";

/** Lambda waits this long before it tries an asynchronous invocation again. */
const retryAfterMs = [60_000, 120_000];

/** Lambda's own number of further attempts, unless an event invoke configuration says otherwise. */
export const defaultRetries = 2;

/**
 * What Lambda does with an asynchronous invocation that failed: tries again, then gives up on it.
 * The last outcome, or nothing if the machine stops before there is one.
 */
export async function retryAsync(
  first: InvocationOutcome,
  invoke: () => Promise<InvocationOutcome>,
  retries: number,
  stopping: AbortSignal,
): Promise<InvocationOutcome | undefined> {
  let outcome = first;
  for (let attempt = 0; !outcome.ok && attempt < retries; attempt += 1) {
    try {
      await delay(retryAfterMs[attempt] ?? 120_000, undefined, { signal: stopping });
    } catch {
      return undefined;
    }
    outcome = await invoke();
  }
  return outcome;
}
