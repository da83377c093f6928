import { z } from "zod";
import type { Queues } from "./sqs/queues.ts";
import type { Stats } from "./stats.ts";
import { number, readProperties } from "./templates/properties.ts";
import type { Resource } from "./templates/resources.ts";

export type AlarmState = "OK" | "ALARM" | "INSUFFICIENT_DATA";

export interface Alarm {
  readonly name: string;
  readonly description: string;
  readonly state: AlarmState;
  readonly since: Date;
}

export interface Alarms {
  list(): readonly Alarm[];
  /** Reads every metric once; runs by itself every ten seconds. */
  evaluate(): void;
  stop(): void;
}

const alarmShape = {
  AlarmName: z.string().optional(),
  AlarmDescription: z.string().default(""),
  ComparisonOperator: z.string(),
  Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
  EvaluationPeriods: number,
  DatapointsToAlarm: number.optional(),
  MetricName: z.string().optional(),
  Namespace: z.string().optional(),
  Period: number.default(60),
  Threshold: number.optional(),
  TreatMissingData: z.string().default("missing"),
};
const ignored = [
  "ActionsEnabled",
  "AlarmActions",
  "ExtendedStatistic",
  "InsufficientDataActions",
  "Metrics",
  "OKActions",
  "Statistic",
  "Tags",
  "Unit",
];

const comparisons: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  GreaterThanOrEqualToThreshold: (value, limit) => value >= limit,
  GreaterThanThreshold: (value, limit) => value > limit,
  LessThanOrEqualToThreshold: (value, limit) => value <= limit,
  LessThanThreshold: (value, limit) => value < limit,
};

const everyMs = 10_000;

/** Reads a metric: a level as it is now, or a count since the start. */
type Gauge = { readonly kind: "level" | "count"; readonly read: () => number };

export interface AlarmDeps {
  readonly queues: Queues;
  readonly stats: Stats;
  readonly onChange: (alarm: Alarm, before: AlarmState) => void;
}

/** Watches the alarms whose metrics are at hand; the others stay INSUFFICIENT_DATA. */
export function startAlarms(resources: readonly Resource[], deps: AlarmDeps): Alarms {
  const watches = resources.map((resource) => createWatch(resource, deps));
  const evaluate = () => {
    for (const watch of watches) watch.evaluate(Date.now());
  };
  const timer = setInterval(evaluate, everyMs).unref();
  return {
    list: () => watches.map(({ alarm }) => ({ ...alarm })),
    evaluate,
    stop: () => clearInterval(timer),
  };
}

interface Sample {
  readonly atMs: number;
  readonly value: number;
}

function createWatch(resource: Resource, { queues, stats, onChange }: AlarmDeps) {
  const properties = readProperties(resource, alarmShape, ignored);
  const gauge = gaugeOf(properties, queues, stats);
  const breaches = comparisons[properties.ComparisonOperator];
  const { Threshold: threshold = 0, EvaluationPeriods: periods, Period: period } = properties;
  const needed = properties.DatapointsToAlarm ?? periods;
  const windowMs = period * periods * 1000;
  const alarm = {
    name: resource.ref,
    description: properties.AlarmDescription,
    state: "INSUFFICIENT_DATA" as AlarmState,
    since: new Date(),
  };
  const samples: Sample[] = [];
  const evaluate = (nowMs: number) => {
    if (gauge === undefined || breaches === undefined) return;
    samples.push({ atMs: nowMs, value: gauge.read() });
    while ((samples[1]?.atMs ?? nowMs) <= nowMs - windowMs) samples.shift();
    const values = datapoints(samples, gauge.kind, nowMs, period * 1000, periods);
    if (values === undefined) return;
    const breaching = values.filter((value) => breaches(value, threshold)).length;
    const state = breaching >= needed ? "ALARM" : "OK";
    if (state === alarm.state) return;
    const before = alarm.state;
    Object.assign(alarm, { state, since: new Date(nowMs) });
    onChange({ ...alarm }, before);
  };
  return { alarm, evaluate };
}

/** One value for each period, the latest last; undefined while there is less than one period. */
function datapoints(
  samples: readonly Sample[],
  kind: Gauge["kind"],
  nowMs: number,
  periodMs: number,
  periods: number,
): number[] | undefined {
  const values: number[] = [];
  for (let back = periods - 1; back >= 0; back -= 1) {
    const endMs = nowMs - back * periodMs;
    const inside = samples.filter(({ atMs }) => atMs > endMs - periodMs && atMs <= endMs);
    if (kind === "level") {
      if (inside.length > 0) values.push(Math.max(...inside.map(({ value }) => value)));
      continue;
    }
    // A count needs a sample from before the period: what happened is the difference.
    const before = samples.findLast(({ atMs }) => atMs <= endMs - periodMs);
    const last = inside.at(-1);
    if (before !== undefined && last !== undefined) values.push(last.value - before.value);
  }
  return values.length === 0 ? undefined : values;
}

function gaugeOf(
  { Namespace, MetricName, Dimensions }: z.infer<z.ZodObject<typeof alarmShape>>,
  queues: Queues,
  stats: Stats,
): Gauge | undefined {
  const dimension = (name: string) => Dimensions.find(({ Name }) => Name === name)?.Value ?? "";
  if (Namespace === "AWS/SQS") {
    const queue = queues.get(dimension("QueueName"));
    switch (MetricName) {
      case "ApproximateNumberOfMessagesVisible":
        return { kind: "level", read: () => queue.depth().visible };
      case "ApproximateNumberOfMessagesNotVisible":
        return { kind: "level", read: () => queue.depth().inFlight };
      case "ApproximateAgeOfOldestMessage":
        return { kind: "level", read: () => (queue.oldestAgeMs() ?? 0) / 1000 };
    }
  }
  if (Namespace === "AWS/Lambda") {
    const counts = stats.functions[dimension("FunctionName")];
    switch (MetricName) {
      case "Errors":
        return counts && { kind: "count", read: () => counts.errors };
      case "Throttles":
        return counts && { kind: "count", read: () => counts.throttles };
      case "Invocations":
        return counts && { kind: "count", read: () => counts.invocations };
    }
  }
  if (Namespace === "AWS/ApiGateway" && MetricName === "5xx") {
    return { kind: "count", read: () => stats.responses["5xx"] ?? 0 };
  }
  return undefined;
}
