import { endOfUtcDayMs, type UtcDay, utcDayOf } from "../values/time.ts";

/**
 * Which day of a pool an engagement takes part in: its own, while that day is open; the current one
 * when it came too late, since a day that was priced was paid out whole.
 */
export function poolDayOf(occurredAtMs: number, nowMs: number, openMs: number): UtcDay {
  const day = utcDayOf(occurredAtMs);
  return nowMs < endOfUtcDayMs(day) + openMs ? day : utcDayOf(nowMs);
}

/**
 * From when on a day can be priced: nothing decided while it was open can still be committed. A
 * worker runs for a minute, and clocks are at most ten minutes apart.
 */
export function poolPricedFromMs(day: UtcDay, openMs: number): number {
  return endOfUtcDayMs(day) + openMs + 15 * 60_000;
}
