import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbLoads } from "../../adapters/dynamodb/load-store.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { scheduledHandler } from "../../adapters/lambda/scheduled.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { sqsQueueDepths } from "../../adapters/sqs/queue-depths.ts";
import type { JobType } from "../../core/contracts/job-types.ts";
import { watchBacklogs } from "../../core/pacing/load.ts";

const queueUrls = JSON.parse(setting("jobQueueUrls"));
const deps = {
  types: Object.keys(queueUrls) as JobType[],
  depths: sqsQueueDepths(queueUrls),
  loads: dynamoDbLoads(documentClient, setting("pacingTable")),
  limits: {
    low: numberSetting("backlogLow"),
    normal: numberSetting("backlogNormal"),
  },
  clock: systemClock,
};

export const handler = scheduledHandler(async () => {
  const loads = await watchBacklogs(deps);
  const shedding = loads.filter((load) => load.shedding);
  if (shedding.length > 0) logger.warn("jobs are refused: too many are waiting", { shedding });
});
