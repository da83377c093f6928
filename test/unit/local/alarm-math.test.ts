import { describe, expect, test } from "vitest";
import { type AlarmState, parseAlarmRule } from "../../../local/cloudwatch/alarm-rule.ts";
import { parseExpression } from "../../../local/cloudwatch/expression.ts";
import { createSeries, parseStatistic } from "../../../local/cloudwatch/series.ts";

describe("metric math", () => {
  const values: Record<string, number | undefined> = { a: 6, b: 2, none: undefined };
  const ids = new Set(Object.keys(values));
  const evaluate = (text: string) => parseExpression(text, ids)((id) => values[id]);

  test.each([
    ["a", 6],
    ["a - b - 1", 3],
    ["a + b * 10", 26],
    ["(a + b) / 4", 2],
    ["MAX([a, b, none])", 6],
    ["MIN([a, b]) + SUM([a, b])", 10],
    ["AVG([a, b])", 4],
    ["100 * FILL(none, 0) / a", 0],
    ["a + none", undefined],
    ["MAX([none])", undefined],
  ])("%s is %s", (text, expected) => {
    expect(evaluate(text)).toBe(expected);
  });

  test.each(["MAX(a)", "a +", "a b", "RATE(a)", "IF(a > b, 1, 0)", "[a", "c"])(
    "%s is refused",
    (text) => {
      expect(() => evaluate(text)).toThrow(JSON.stringify(text));
    },
  );
});

describe("the rule of a composite alarm", () => {
  const states: Record<string, AlarmState> = { on: "ALARM", off: "OK", new: "INSUFFICIENT_DATA" };
  const holds = (text: string) => parseAlarmRule(text).holds((name) => states[name] ?? "OK");

  test.each([
    ['ALARM("on")', true],
    ["ALARM(off) OR ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:on)", true],
    ["ALARM(on) AND NOT OK(off)", false],
    ["(ALARM(off) OR INSUFFICIENT_DATA(new)) AND ALARM(on)", true],
    ["ALARM(on) OR ALARM(off) AND FALSE", true],
  ])("%s: %s", (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  test.each(["ALARM(on", "ALARM(on) ALARM(off)", "RINGS(on)", ""])("%s is refused", (text) => {
    expect(() => holds(text)).toThrow("alarm rule: cannot read");
  });
});

test("a percentile is right within a hundredth, over all slots together", () => {
  const series = createSeries();
  series.keep(100);
  for (let value = 1; value <= 1_000; value += 1) series.record(value, value % 10);
  for (const [name, expected] of [
    ["p50", 500],
    ["p99", 990],
    ["p99.9", 999],
  ] as const) {
    const read = series.read(parseStatistic(name), 0, 9) ?? 0;
    expect(Math.abs(read - expected) / expected, name).toBeLessThan(0.01);
  }
  expect(series.read(parseStatistic("Sum"), 3, 3)).toBe(49_800);
  expect(series.read(parseStatistic("Sum"), 10, 20)).toBeUndefined();
});
