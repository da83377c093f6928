/** The only source of time in `core`; milliseconds since the epoch, UTC. */
export interface Clock {
  nowMs(): number;
}

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** A UTC calendar day, `yyyy-mm-dd`: the window in which one impression key is paid once. */
export type UtcDay = string & { readonly __unit: "utc-day" };

export function utcDayOf(epochMs: number): UtcDay {
  return new Date(epochMs).toISOString().slice(0, 10) as UtcDay;
}

export function startOfUtcDayMs(day: UtcDay): number {
  return Date.parse(`${day}T00:00:00.000Z`);
}

export function endOfUtcDayMs(day: UtcDay): number {
  return startOfUtcDayMs(day) + dayMs;
}

/** UTC days, both included. */
export interface DayRange {
  readonly from: UtcDay;
  readonly to: UtcDay;
}

export function oneDay(day: UtcDay): DayRange {
  return { from: day, to: day };
}

export function isWithin({ from, to }: DayRange, day: UtcDay): boolean {
  return from <= day && day <= to;
}

/** How many days there are; below 1 when `from` is after `to`. */
export function lengthInDays({ from, to }: DayRange): number {
  return (startOfUtcDayMs(to) - startOfUtcDayMs(from)) / dayMs + 1;
}

export function daysOf(range: DayRange): UtcDay[] {
  const firstMs = startOfUtcDayMs(range.from);
  const length = Math.max(0, lengthInDays(range));
  return Array.from({ length }, (_, index) => utcDayOf(firstMs + index * dayMs));
}
