/** The only source of time in `core`; milliseconds since the epoch, UTC. */
export interface Clock {
  nowMs(): number;
}

/** A UTC calendar day, `yyyy-mm-dd`: the window in which one impression key is paid once. */
export type UtcDay = string & { readonly __unit: "utc-day" };

const dayMs = 86_400_000;

export function utcDayOf(epochMs: number): UtcDay {
  return new Date(epochMs).toISOString().slice(0, 10) as UtcDay;
}

export function endOfUtcDayMs(day: UtcDay): number {
  return Date.parse(`${day}T00:00:00.000Z`) + dayMs;
}
