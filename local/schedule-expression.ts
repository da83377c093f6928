/** The first moment after `afterMs` (UTC milliseconds) at which a schedule is due, if any. */
export type NextRun = (afterMs: number) => number | undefined;

const unitMs = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
} as const;

/**
 * `rate(5 minutes)`, `cron(0 3 * * ? *)` or `at(2026-01-31T12:00:00)`, in UTC.
 * @param minuteMs how long a minute of a rate lasts; clocks of the others are not changed.
 */
export function parseSchedule(expression: string, minuteMs: number = unitMs.minute): NextRun {
  const [, kind, argument] = /^(rate|cron|at)\((.*)\)$/.exec(expression.trim()) ?? [];
  if (kind === "rate") return parseRate(argument ?? "", expression, minuteMs / unitMs.minute);
  if (kind === "cron") return parseCron(argument ?? "", expression);
  if (kind === "at") {
    const atMs = Date.parse(`${argument}Z`);
    if (Number.isNaN(atMs)) throw new Error(`${expression} is no time`);
    return (afterMs) => (atMs > afterMs ? atMs : undefined);
  }
  throw new Error(`${expression} is no schedule expression`);
}

function parseRate(argument: string, expression: string, pace: number): NextRun {
  const [, count, unit] = /^(\d+) (minute|hour|day)s?$/.exec(argument.trim()) ?? [];
  const periodMs = Number(count) * (unitMs[unit as keyof typeof unitMs] ?? 0) * pace;
  if (!(periodMs > 0)) throw new Error(`${expression} is no rate`);
  // Counted from the epoch, so that a restart does not put a run off.
  return (afterMs) => (Math.floor(afterMs / periodMs) + 1) * periodMs;
}

const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

function parseCron(argument: string, expression: string): NextRun {
  const fields = argument.trim().split(/\s+/);
  if (fields.length !== 6) throw new Error(`${expression}: a cron schedule has six fields`);
  const [minute = "", hour = "", day = "", month = "", weekday = "", year = ""] = fields;
  const minutes = parseField(minute, 0, 59, expression);
  const hours = parseField(hour, 0, 23, expression);
  const days = parseField(day, 1, 31, expression);
  const monthNumbers = parseField(month, 1, 12, expression, months);
  const weekdayNumbers = parseField(weekday, 1, 7, expression, weekdays);
  const years = parseField(year, 1970, 2199, expression);
  const fits = (date: Date) =>
    years.has(date.getUTCFullYear()) &&
    monthNumbers.has(date.getUTCMonth() + 1) &&
    days.has(date.getUTCDate()) &&
    weekdayNumbers.has(date.getUTCDay() + 1);
  return (afterMs) => {
    // Day by day, then minute by minute: a leap day is at most eight years away.
    const start = Math.floor(afterMs / unitMs.minute) * unitMs.minute + unitMs.minute;
    const firstDay = Math.floor(start / unitMs.day);
    for (let dayNumber = firstDay; dayNumber < firstDay + 3_000; dayNumber += 1) {
      if (!fits(new Date(dayNumber * unitMs.day))) continue;
      for (const hourOfDay of hours) {
        for (const minuteOfHour of minutes) {
          const at =
            dayNumber * unitMs.day + hourOfDay * unitMs.hour + minuteOfHour * unitMs.minute;
          if (at >= start) return at;
        }
      }
    }
    return undefined;
  };
}

/** Every value that a field allows, in ascending order. */
function parseField(
  field: string,
  min: number,
  max: number,
  expression: string,
  names: readonly string[] = [],
): Set<number> {
  const numberOf = (text: string) => {
    const named = names.indexOf(text.toUpperCase());
    const value = named === -1 ? Number(text) : named + min;
    if (text !== "" && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new Error(`${expression}: cannot read ${field}`);
  };
  const values: number[] = [];
  for (const part of field.split(",")) {
    const [range = "", step] = part.split("/");
    const [from = "", to] = range.split("-");
    const any = range === "*" || range === "?";
    const first = any ? min : numberOf(from);
    const last = any || (step !== undefined && to === undefined) ? max : numberOf(to ?? from);
    const stride = step === undefined ? 1 : Number(step);
    if (!Number.isInteger(stride) || stride < 1) throw new Error(`${expression}: bad step`);
    for (let value = first; value <= last; value += stride) values.push(value);
  }
  return new Set(values.sort((left, right) => left - right));
}
