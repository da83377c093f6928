import { cloudWatchClient } from "../../adapters/cloudwatch/client.ts";
import { cloudWatchQueues } from "../../adapters/cloudwatch/queue-metrics.ts";
import { lettersFromEnvironment } from "../../adapters/dynamodb/letters-from-environment.ts";
import { pressureFromEnvironment } from "../../adapters/dynamodb/pacing-from-environment.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { queueUrls } from "../../adapters/sqs/queue-urls.ts";
import { sqsQueueDepths } from "../../adapters/sqs/worker-queues.ts";
import { readQueues } from "../../core/monitoring/read-queues.ts";

const prefix = setting("queuePrefix");
const clock = systemClock;
const deps = {
  sources: JSON.parse(setting("deadLetterSources")),
  depthOf: sqsQueueDepths(queueUrls(prefix)),
  metrics: cloudWatchQueues({ client: cloudWatchClient, prefix, clock }),
  letters: lettersFromEnvironment(),
  pressure: pressureFromEnvironment().read,
  clock,
};

export const handler = apiHandler(async () => ok(await readQueues(deps)));
