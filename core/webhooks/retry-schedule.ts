import type { OutboundOutcome } from "../outbound/outbound-caller.ts";
import { comeBackAtMs } from "../outbound/retry-after.ts";
import { dayMs, hourMs } from "../values/time.ts";

const minuteMs = 60_000;

/** After the first attempt, the second …: Standard Webhooks' own proposal. Then it is given up. */
export const retryDelaysMs = [
  5_000,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  14 * hourMs,
  20 * hourMs,
  24 * hourMs,
] as const;

/** Up to so much longer, so that what failed together does not come back together. */
const jitter = 0.1;
/** What a receiver asks for beyond this is its own trouble. */
const maxRetryAfterMs = dayMs;

/**
 * When to try again, ms since the epoch; undefined: not any more.
 * @param tries attempts made so far, this one included.
 */
export function retryAtMs(
  tries: number,
  outcome: OutboundOutcome,
  nowMs: number,
  random: () => number,
): number | undefined {
  const delayMs = retryDelaysMs[tries - 1];
  if (delayMs === undefined) return undefined;
  const askedMs = Math.min((comeBackAtMs(outcome, nowMs) ?? nowMs) - nowMs, maxRetryAfterMs);
  return nowMs + Math.floor(Math.max(delayMs, askedMs) * (1 + jitter * random()));
}
