import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { cloudWatchClient } from "../../adapters/cloudwatch/client.ts";
import { cloudWatchQueues } from "../../adapters/cloudwatch/queue-metrics.ts";
import { pressureFromEnvironment } from "../../adapters/dynamodb/pacing-from-environment.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics, publishBy } from "../../adapters/lambda/metrics.ts";
import { scheduledHandler } from "../../adapters/lambda/scheduled.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { queueUrls } from "../../adapters/sqs/queue-urls.ts";
import { sqsQueueDepths } from "../../adapters/sqs/worker-queues.ts";
import { type DeadLetterSources, workersOf } from "../../core/contracts/dead-letter-sources.ts";
import { heightOf, queueLevel } from "../../core/contracts/queued-work.ts";
import { type Pressure, refusedNow } from "../../core/pacing/pressure.ts";
import { watchBacklogs } from "../../core/pacing/watch-backlogs.ts";

const sources: DeadLetterSources = JSON.parse(setting("deadLetterSources"));
const prefix = setting("queuePrefix");
const depthOf = sqsQueueDepths(queueUrls(prefix));
const deps = {
  queues: workersOf(sources),
  waitingIn: async (queue: string) => (await depthOf(queue)).waiting,
  metrics: cloudWatchQueues({
    ...{ client: cloudWatchClient, prefix, clock: systemClock, figures: ["oldestSeconds"] },
  }),
  store: pressureFromEnvironment(),
  limits: JSON.parse(setting("backpressure")),
  clock: systemClock,
  onUnread: (error: unknown) => logger.error("what was seen before could not be read", { error }),
  onAgesUnknown: (queues: readonly string[]) =>
    logger.warn("nobody knows how old messages are: their number alone decides", { queues }),
};

export const handler = scheduledHandler(async () => {
  const { pressure, unseen } = await watchBacklogs(deps);
  tell(pressure);
  if (unseen.length > 0) {
    const errors = unseen.map(({ error }) => error);
    throw new AggregateError(errors, `not seen: ${unseen.map(({ queue }) => queue).join(", ")}`);
  }
});

/** Of queues at no level nothing is published: each would be a metric to pay for. */
function tell(pressure: Pressure): void {
  for (const [queue, { level }] of Object.entries(pressure.queues)) {
    publishBy(["queue", queue], queueLevel, heightOf(level), MetricUnit.NoUnit);
  }
  const refused = refusedNow(pressure, systemClock.nowMs());
  metrics.addMetric("KindsRefused", MetricUnit.Count, refused.length);
  if (refused.length > 0) logger.warn("work is refused: too much waits", { refused, pressure });
}
