import type { Functions } from "../lambda/functions.ts";
import type { Queue, Queues } from "../sqs/queues.ts";
import type { CloudMinutes, MetricId, Metrics } from "./metrics.ts";
import type { Series } from "./series.ts";

/** What alarms may watch: metrics that AWS' services publish, and those that functions print. */
export interface Measured {
  /** @throws for a metric of AWS that nothing here measures: its alarm would never ring. */
  watch(metric: MetricId): Series;
  /** Reads every level that is watched. */
  sample(slot: number): void;
}

/** Of queues: levels, read now and then. */
const levels: Readonly<Record<string, (queue: Queue, minutes: CloudMinutes) => number>> = {
  ApproximateAgeOfOldestMessage: (queue, { pace }) => ((queue.oldestAgeMs() ?? 0) / 1_000) * pace,
  ApproximateNumberOfMessagesDelayed: (queue) => queue.depth().delayed,
  ApproximateNumberOfMessagesNotVisible: (queue) => queue.depth().inFlight,
  ApproximateNumberOfMessagesVisible: (queue) => queue.depth().visible,
};

/** Recorded where they happen. */
const recorded: Readonly<Record<string, readonly string[]>> = {
  "AWS/Lambda": ["Duration", "Errors", "Invocations", "Throttles"],
  "AWS/ApiGateway": ["4xx", "5xx", "Count", "IntegrationLatency", "Latency"],
};

export interface MeasuredDeps {
  readonly metrics: Metrics;
  readonly minutes: CloudMinutes;
  readonly queues: Queues;
  readonly functions: Functions;
}

export function createMeasured({ metrics, minutes, queues, functions }: MeasuredDeps): Measured {
  const gauges = new Map<Series, () => number>();
  return {
    watch(metric) {
      const { namespace, name, dimensions } = metric;
      if (namespace === "AWS/SQS" && levels[name] !== undefined) {
        const level = levels[name];
        const queue = queues.get(dimensions.QueueName ?? "");
        const series = metrics.watch(metric);
        gauges.set(series, () => level(queue, minutes));
        return series;
      }
      const isOfAws = namespace.startsWith("AWS/");
      if (isOfAws && !recorded[namespace]?.includes(name)) {
        throw new Error(`the embedded cloud does not measure ${namespace} ${name}`);
      }
      if (namespace !== "AWS/Lambda") return metrics.watch(metric);
      // An alias or version is the function itself here.
      const lambda = functions.get(dimensions.FunctionName ?? "");
      return metrics.watch({ ...metric, dimensions: { FunctionName: lambda.name } });
    },
    sample(slot) {
      for (const [series, read] of gauges) series.record(read(), slot);
    },
  };
}
