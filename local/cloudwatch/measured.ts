import type { Functions } from "../lambda/functions.ts";
import type { Queue, Queues } from "../sqs/queues.ts";
import type { CloudMinutes, MetricId, Metrics } from "./metrics.ts";
import type { Series } from "./series.ts";

/** What may be looked at: metrics that AWS' services publish, and those that functions print. */
export interface Measured {
  /** @throws for a metric of AWS that nothing here measures: its alarm would never ring. */
  watch(metric: MetricId): Series;
  /** Reads every queue. */
  sample(slot: number): void;
}

/** Of queues: levels, and what came and went since the last look. */
const levels: Readonly<Record<string, (queue: Queue, minutes: CloudMinutes) => number>> = {
  ApproximateAgeOfOldestMessage: (queue, { pace }) => ((queue.oldestAgeMs() ?? 0) / 1_000) * pace,
  ApproximateNumberOfMessagesDelayed: (queue) => queue.depth().delayed,
  ApproximateNumberOfMessagesNotVisible: (queue) => queue.depth().inFlight,
  ApproximateNumberOfMessagesVisible: (queue) => queue.depth().visible,
};
const flows: Readonly<Record<string, (queue: Queue) => number>> = {
  NumberOfMessagesDeleted: (queue) => queue.flow().deleted,
  NumberOfMessagesSent: (queue) => queue.flow().sent,
};

/** Recorded where they happen. */
const recorded: Readonly<Record<string, readonly string[]>> = {
  "AWS/Lambda": ["Duration", "Errors", "Invocations", "Throttles"],
  "AWS/ApiGateway": ["4xx", "5xx", "Count", "IntegrationLatency", "Latency"],
  "AWS/SQS": [...Object.keys(levels), ...Object.keys(flows)],
};

export interface MeasuredDeps {
  readonly metrics: Metrics;
  readonly minutes: CloudMinutes;
  readonly queues: Queues;
  readonly functions: Functions;
}

export function createMeasured({ metrics, minutes, queues, functions }: MeasuredDeps): Measured {
  const gauges = queues.all().flatMap((queue) => {
    const seriesOf = (name: string) =>
      metrics.watch({ namespace: "AWS/SQS", name, dimensions: { QueueName: queue.name } });
    const levelsOf = Object.entries(levels).map(([name, level]) => ({
      series: seriesOf(name),
      read: () => level(queue, minutes),
    }));
    const flowsOf = Object.entries(flows).map(([name, total]) => ({
      series: seriesOf(name),
      read: sinceLast(() => total(queue)),
    }));
    return [...levelsOf, ...flowsOf];
  });
  return {
    watch(metric) {
      const { namespace, name, dimensions } = metric;
      const isOfAws = namespace.startsWith("AWS/");
      if (isOfAws && !recorded[namespace]?.includes(name)) {
        throw new Error(`the embedded cloud does not measure ${namespace} ${name}`);
      }
      if (namespace === "AWS/SQS") queues.get(dimensions.QueueName ?? "");
      if (namespace !== "AWS/Lambda") return metrics.watch(metric);
      // An alias or version is the function itself here.
      const lambda = functions.get(dimensions.FunctionName ?? "");
      return metrics.watch({ ...metric, dimensions: { FunctionName: lambda.name } });
    },
    sample(slot) {
      for (const { series, read } of gauges) series.record(read(), slot);
    },
  };
}

function sinceLast(total: () => number): () => number {
  let before = total();
  return () => {
    const grown = total() - before;
    before += grown;
    return grown;
  };
}
