import { z } from "zod";
import { invalid, readInput } from "./input.ts";
import type { Measured } from "./measured.ts";
import { type CloudMinutes, rememberedMinutes } from "./metrics.ts";
import { parseStatistic, type Series, type Statistic } from "./series.ts";

const metricShape = z.strictObject({
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.strictObject({ Name: z.string(), Value: z.string() })).default([]),
});
/** No expressions, and no units: a metric has one here, whatever it is. */
const querySchema = z.strictObject({
  Id: z.string().regex(/^[a-z]\w{0,254}$/, "must begin with a small letter"),
  Label: z.string().optional(),
  MetricStat: z.strictObject({
    Metric: metricShape,
    Period: z.int().positive().multipleOf(60, "must be whole minutes"),
    Stat: z.string(),
  }),
  ReturnData: z.literal(true).optional(),
});
const inputSchema = z.strictObject({
  MetricDataQueries: z.array(querySchema).min(1).max(500),
  StartTime: z.number(),
  EndTime: z.number(),
  ScanBy: z.enum(["TimestampAscending", "TimestampDescending"]).default("TimestampDescending"),
});
type Query = z.infer<typeof querySchema>;

export interface MetricDataDeps {
  readonly measured: Measured;
  readonly minutes: CloudMinutes;
}

/**
 * Metrics by the period. Where a minute lasts less, so much longer ago seems what was measured: the
 * last five minutes are five of the alarms', and ages that are answered are as the alarms see them.
 */
export function getMetricData(
  input: Record<string, unknown>,
  { measured, minutes }: MetricDataDeps,
): object {
  const { MetricDataQueries, StartTime, EndTime, ScanBy } = readInput(inputSchema, input);
  const nowMs = Date.now();
  if (StartTime >= EndTime) throw invalid("StartTime must be before EndTime");
  if (nowMs - StartTime * 1_000 > (rememberedMinutes + 1) * 60_000) {
    throw invalid(`StartTime: only the last ${rememberedMinutes} minutes are remembered`);
  }
  const ids = new Set(MetricDataQueries.map(({ Id }) => Id));
  if (ids.size < MetricDataQueries.length) throw invalid("an Id is there twice");
  const toReal = (toldMs: number) => nowMs - (nowMs - toldMs) / minutes.pace;
  const toTold = (realMs: number) => nowMs - (nowMs - realMs) * minutes.pace;
  const toMs = Math.min(nowMs, toReal(EndTime * 1_000));
  const window = { fromMs: toReal(StartTime * 1_000), toMs };

  const results = MetricDataQueries.map((query) => {
    const { series, statistic } = find(query, measured);
    const slots = minutes.slotsIn(query.MetricStat.Period);
    const points = pointsOf(series, statistic, periodsOf(window, slots, minutes));
    if (ScanBy === "TimestampDescending") points.reverse();
    return {
      Id: query.Id,
      Label: query.Label ?? query.MetricStat.Metric.MetricName,
      Timestamps: points.map(({ slot }) => Math.round(toTold(minutes.startOf(slot))) / 1_000),
      Values: points.map(({ value }) => value),
      StatusCode: "Complete",
    };
  });
  return { MetricDataResults: results };
}

function find({ Id, MetricStat }: Query, measured: Measured) {
  const { Namespace, MetricName, Dimensions } = MetricStat.Metric;
  const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]));
  try {
    return {
      series: measured.watch({ namespace: Namespace, name: MetricName, dimensions }),
      statistic: parseStatistic(MetricStat.Stat),
    };
  } catch (cause) {
    throw invalid(`${Id}: ${(cause as Error).message}`);
  }
}

interface Period {
  readonly slot: number;
  readonly lastSlot: number;
}

/** Whole ones, the first rounded down; the end does not belong to it any more. */
function periodsOf(
  { fromMs, toMs }: Readonly<Record<"fromMs" | "toMs", number>>,
  slots: number,
  minutes: CloudMinutes,
): Period[] {
  const periods: Period[] = [];
  let slot = Math.floor(minutes.slotAt(fromMs) / slots) * slots;
  for (; minutes.startOf(slot) < toMs; slot += slots) {
    periods.push({ slot, lastSlot: slot + slots - 1 });
  }
  return periods;
}

function pointsOf(series: Series, statistic: Statistic, periods: readonly Period[]) {
  return periods.flatMap(({ slot, lastSlot }) => {
    const value = series.read(statistic, slot, lastSlot);
    return value === undefined ? [] : [{ slot, value }];
  });
}
