import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbHoldTable } from "../../adapters/dynamodb/hold-table.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { scheduledHandler } from "../../adapters/lambda/scheduled.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { releaseHolds } from "../../core/earnings/release-holds.ts";
import { dayMs } from "../../core/values/time.ts";

const deps = {
  table: dynamoDbHoldTable(documentClient, setting("earningsCountersTable")),
  clock: systemClock,
  pacing: systemPacing,
  holdMs: numberSetting("holdDays") * dayMs,
};

export const handler = scheduledHandler(async ({ deadlineMs }) => {
  const { freedMicros, ...released } = await releaseHolds(deps, deadlineMs);
  logger.info("holds released", { ...released, freedMicros: String(freedMicros) });
  metrics.addMetric("HoldsReleased", MetricUnit.Count, released.freed);
});
