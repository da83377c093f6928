const dayMs = 86_400_000;

/** Midnight, UTC, of the day that holds the instant. */
export function utcMidnightMs(epochMs: number): number {
  return Math.floor(epochMs / dayMs) * dayMs;
}

/** Midnight, UTC, of the day before. */
export function yesterdayMs(nowMs: number): number {
  return utcMidnightMs(nowMs) - dayMs;
}

/**
 * What to add to every time so that the latest falls on the given day: whole days, so that times
 * of day stay and lines of one day stay together. The latest, not the last: servers write a line
 * when a request ends, and a log merged from several is in no order; measured by its last line,
 * others of it could land in the future and be refused.
 */
export function shiftOntoDay(latestMs: number, dayStartMs: number): number {
  return dayStartMs - utcMidnightMs(latestMs);
}

/** `2026-11-21` as midnight, UTC; undefined when there is no such day. */
export function parseDay(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00Z`);
  // Date.parse rolls 30 February over to March.
  return Number.isFinite(ms) && formatDay(ms) === text ? ms : undefined;
}

export function formatDay(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}
