import { z } from "zod";
import { number, readProperties } from "../templates/properties.ts";
import { describe, type Resource } from "../templates/resources.ts";
import type { AlarmState } from "./alarm-rule.ts";
import { parseExpression } from "./expression.ts";
import type { Measured } from "./measured.ts";
import type { CloudMinutes } from "./metrics.ts";
import { parseStatistic } from "./series.ts";

/** What an alarm turns out to be; nothing when there is nothing to go by, and it stays as it is. */
export interface Verdict {
  readonly state: AlarmState;
  readonly reason: string;
}

export interface MetricAlarm {
  evaluate(slot: number): Verdict | undefined;
}

const metricShape = {
  Dimensions: z.array(z.strictObject({ Name: z.string(), Value: z.string() })).default([]),
  MetricName: z.string(),
  Namespace: z.string(),
};
const querySchema = z.strictObject({
  Id: z.string(),
  Expression: z.string().optional(),
  Label: z.string().optional(),
  MetricStat: z
    .strictObject({
      Metric: z.strictObject(metricShape),
      Period: number,
      Stat: z.string(),
      Unit: z.string().optional(),
    })
    .optional(),
  Period: number.optional(),
  ReturnData: z.boolean().default(true),
});
/** Beside what alarms of every kind have. */
const alarmShape = {
  ComparisonOperator: z.string(),
  DatapointsToAlarm: number.optional(),
  Dimensions: metricShape.Dimensions,
  EvaluationPeriods: number,
  ExtendedStatistic: z.string().optional(),
  MetricName: metricShape.MetricName.optional(),
  Metrics: z.array(querySchema).optional(),
  Namespace: metricShape.Namespace.optional(),
  Period: number.default(60),
  Statistic: z.string().optional(),
  Threshold: number,
  TreatMissingData: z.enum(["breaching", "notBreaching", "ignore", "missing"]).default("missing"),
  Unit: z.string().optional(),
};
type Properties = z.infer<z.ZodObject<typeof alarmShape>>;

const comparisons: Readonly<Record<string, [string, (value: number, limit: number) => boolean]>> = {
  GreaterThanOrEqualToThreshold: [">=", (value, limit) => value >= limit],
  GreaterThanThreshold: [">", (value, limit) => value > limit],
  LessThanOrEqualToThreshold: ["<=", (value, limit) => value <= limit],
  LessThanThreshold: ["<", (value, limit) => value < limit],
};

/** One value of the alarm's metric, of the slots from `from` to `to`. */
type Read = (from: number, to: number) => number | undefined;

export interface MetricAlarmDeps {
  readonly measured: Measured;
  readonly minutes: CloudMinutes;
  readonly startSlot: number;
}

/** @param common names of properties that are read elsewhere. */
export function readMetricAlarm(
  resource: Resource,
  common: readonly string[],
  deps: MetricAlarmDeps,
): MetricAlarm {
  const properties = readProperties(resource, alarmShape, common);
  try {
    return createMetricAlarm(properties, deps);
  } catch (cause) {
    throw new Error(`${describe(resource)}: ${(cause as Error).message}`, { cause });
  }
}

function createMetricAlarm(properties: Properties, deps: MetricAlarmDeps): MetricAlarm {
  const { EvaluationPeriods: periods, Threshold: threshold, TreatMissingData } = properties;
  const needed = properties.DatapointsToAlarm ?? periods;
  const comparison = comparisons[properties.ComparisonOperator];
  if (comparison === undefined) {
    throw new Error(`the comparison ${properties.ComparisonOperator} is not implemented`);
  }
  const [sign, breaches] = comparison;
  const slots = deps.minutes.slotsIn(periodOf(properties));
  const read = readerOf(properties, deps.measured, slots * periods);

  /** Each period breaches or does not; what is missing may say nothing. */
  const judge = (slot: number) =>
    Array.from({ length: periods }, (_, back) => {
      const to = slot - (periods - 1 - back) * slots;
      const from = to - slots + 1;
      const value = read(from, to);
      if (value !== undefined) return { value, breaching: breaches(value, threshold) };
      if (TreatMissingData === "notBreaching") return { value, breaching: false };
      // Before the start nothing was measured: that says nothing about what ran.
      const missed = TreatMissingData === "breaching" && from >= deps.startSlot;
      return missed ? { value, breaching: true } : undefined;
    });

  return {
    evaluate(slot) {
      const judged = judge(slot).filter((one) => one !== undefined);
      if (judged.length === 0) {
        if (TreatMissingData !== "missing") return undefined;
        return { state: "INSUFFICIENT_DATA", reason: "nothing was measured" };
      }
      const breaching = judged.filter((one) => one.breaching).length;
      const values = judged.map(({ value }) => (value === undefined ? "none" : rounded(value)));
      return {
        state: breaching >= needed ? "ALARM" : "OK",
        reason: `${breaching} of ${periods} periods [${values.join(", ")}] ${sign} ${threshold}`,
      };
    },
  };
}

const rounded = (value: number) => String(Math.round(value * 1_000) / 1_000);

function periodOf({ Metrics, Period }: Properties): number {
  const periods = Metrics?.flatMap(({ MetricStat }) => MetricStat?.Period ?? []) ?? [Period];
  if (new Set(periods).size > 1) throw new Error(`its metrics have several periods: ${periods}`);
  return periods[0] ?? Period;
}

function readerOf(properties: Properties, measured: Measured, keptSlots: number): Read {
  const { Metrics, MetricName, Namespace, Dimensions, Statistic, ExtendedStatistic } = properties;
  const readMetric = (metric: z.infer<z.ZodObject<typeof metricShape>>, stat: string): Read => {
    const series = measured.watch({
      namespace: metric.Namespace,
      name: metric.MetricName,
      dimensions: Object.fromEntries(metric.Dimensions.map(({ Name, Value }) => [Name, Value])),
    });
    series.keep(keptSlots);
    const statistic = parseStatistic(stat);
    return (from, to) => series.read(statistic, from, to);
  };
  if (Metrics === undefined) {
    const metric = { Namespace: Namespace ?? "", MetricName: MetricName ?? "", Dimensions };
    return readMetric(metric, Statistic ?? ExtendedStatistic ?? "");
  }
  const ids = new Set(Metrics.map(({ Id }) => Id));
  const readers = new Map<string, Read>();
  for (const { Id, Expression, MetricStat } of Metrics) {
    if (MetricStat !== undefined) readers.set(Id, readMetric(MetricStat.Metric, MetricStat.Stat));
    if (Expression === undefined) continue;
    const value = parseExpression(Expression, ids);
    readers.set(Id, (from, to) => value((id) => readers.get(id)?.(from, to)));
  }
  const returned = Metrics.filter(({ ReturnData }) => ReturnData);
  const read = readers.get(returned[0]?.Id ?? "");
  if (read === undefined || returned.length > 1) throw new Error("one of its metrics must be it");
  return read;
}
