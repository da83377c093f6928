import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../../local/schedule-expression.ts";

const next = (expression: string, after: string) => {
  const run = parseSchedule(expression)(Date.parse(after));
  return run === undefined ? undefined : new Date(run).toISOString();
};

describe("a schedule expression", () => {
  test.each([
    ["rate(1 minute)", "2026-03-01T10:00:30Z", "2026-03-01T10:01:00.000Z"],
    ["rate(1 minute)", "2026-03-01T10:01:00Z", "2026-03-01T10:02:00.000Z"],
    ["rate(5 minutes)", "2026-03-01T10:01:00Z", "2026-03-01T10:05:00.000Z"],
    ["cron(0 3 * * ? *)", "2026-03-01T03:00:00Z", "2026-03-02T03:00:00.000Z"],
    ["cron(*/15 8-9 ? * MON-FRI *)", "2026-03-06T09:50:00Z", "2026-03-09T08:00:00.000Z"],
    ["cron(0 0 29 FEB ? *)", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    ["at(2026-03-01T12:00:00)", "2026-03-01T10:00:00Z", "2026-03-01T12:00:00.000Z"],
    ["at(2026-03-01T12:00:00)", "2026-03-01T12:00:00Z", undefined],
  ])("%s after %s", (expression, after, expected) => {
    expect(next(expression, after)).toBe(expected);
  });

  test.each(["rate(0 minutes)", "rate(1 week)", "cron(0 3 * *)", "cron(0 25 * * ? *)", "daily"])(
    "is refused: %s",
    (expression) => {
      expect(() => parseSchedule(expression)).toThrow(expression);
    },
  );
});
