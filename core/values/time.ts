import type { UtcMonth } from "../contracts/fields.ts";

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

export function utcMonthOf(day: UtcDay): UtcMonth {
  return day.slice(0, 7) as UtcMonth;
}

/** So many months earlier; of a negative number, later. */
export function monthBefore(month: UtcMonth, months: number): UtcMonth {
  const date = new Date(`${month}-01T00:00:00.000Z`);
  date.setUTCMonth(date.getUTCMonth() - months);
  return date.toISOString().slice(0, 7) as UtcMonth;
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
