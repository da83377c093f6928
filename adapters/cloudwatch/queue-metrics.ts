import {
  type CloudWatchClient,
  GetMetricDataCommand,
  type MetricDataQuery,
  type MetricDataResult,
} from "@aws-sdk/client-cloudwatch";
import type { QueueFigures, QueueMetrics } from "../../core/monitoring/queue-figures.ts";
import { chunk } from "../../core/values/group-by.ts";
import type { Clock } from "../../core/values/time.ts";
import { logger } from "../lambda/logger.ts";

interface Deps {
  readonly client: CloudWatchClient;
  /** Of the stage's queues. */
  readonly prefix: string;
  readonly clock: Clock;
  /** What to ask for: each is paid for. Default: all there are. */
  readonly figures?: readonly Figure[];
}

const minuteMs = 60_000;
/** SQS's metrics come after a minute or two, sometimes later. */
const lookBackMs = 5 * minuteMs;
const maxQueries = 500;

const allMetrics = [
  ["oldestSeconds", "ApproximateAgeOfOldestMessage", "Maximum"],
  ["arrivedPerMinute", "NumberOfMessagesSent", "Sum"],
  ["donePerMinute", "NumberOfMessagesDeleted", "Sum"],
] as const;
type Figure = (typeof allMetrics)[number][0];
type Metrics = readonly (typeof allMetrics)[number][];

/** All queues in one call. CloudWatch charges a cent for a thousand metrics. */
export function cloudWatchQueues({ client, prefix, clock, figures }: Deps): QueueMetrics {
  const metrics = allMetrics.filter(([figure]) => figures?.includes(figure) ?? true);
  async function ask(queues: readonly string[]) {
    const nowMs = clock.nowMs();
    const { MetricDataResults: results = [] } = await client.send(
      new GetMetricDataCommand({
        StartTime: new Date(nowMs - lookBackMs),
        EndTime: new Date(nowMs),
        ScanBy: "TimestampDescending",
        MetricDataQueries: queues.flatMap((queue, at) =>
          queriesOf(metrics, `${prefix}${queue}`, at),
        ),
      }),
    );
    return queues.flatMap((queue, at) => {
      const found = figuresOf(metrics, results, at, nowMs);
      return found ? [[queue, found] as const] : [];
    });
  }
  return {
    async read(queues) {
      const calls = chunk(queues, Math.floor(maxQueries / metrics.length)).map(ask);
      try {
        return new Map((await Promise.all(calls)).flat());
      } catch (error) {
        logger.warn("CloudWatch could not be read", error as Error);
        return undefined;
      }
    },
  };
}

const idOf = (figure: string, at: number) => `${figure}${at}`;

function queriesOf(metrics: Metrics, queue: string, at: number): MetricDataQuery[] {
  return metrics.map(([figure, MetricName, Stat]) => ({
    Id: idOf(figure, at),
    MetricStat: {
      Metric: {
        Namespace: "AWS/SQS",
        MetricName,
        Dimensions: [{ Name: "QueueName", Value: queue }],
      },
      Period: minuteMs / 1_000,
      Stat,
    },
  }));
}

function figuresOf(
  metrics: Metrics,
  results: readonly MetricDataResult[],
  at: number,
  nowMs: number,
): QueueFigures | undefined {
  const latest = metrics.flatMap(([figure, , stat]) => {
    const { Timestamps = [], Values = [] } =
      results.find(({ Id }) => Id === idOf(figure, at)) ?? {};
    // A sum of a minute that is not over yet would be too small.
    const point = Timestamps.findIndex(
      (time) => stat !== "Sum" || time.getTime() + minuteMs <= nowMs,
    );
    const [value, time] = [Values[point], Timestamps[point]];
    return value === undefined || time === undefined ? [] : [{ figure, value, time }];
  });
  if (latest.length === 0) return undefined;
  return {
    ...Object.fromEntries(latest.map(({ figure, value }) => [figure, value])),
    measuredAtMs: Math.min(...latest.map(({ time }) => time.getTime())),
  };
}
