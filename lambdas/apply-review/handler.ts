import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbReviews } from "../../adapters/dynamodb/review-store.ts";
import { dynamoDbReviewTable } from "../../adapters/dynamodb/review-table.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { failing } from "../../adapters/lambda/failures.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { workerHandler } from "../../adapters/lambda/worker.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { type ApplyDeps, applyReviews } from "../../core/reviews/apply-review.ts";
import { hourMs } from "../../core/values/time.ts";

const registryTable = setting("registryTable");
const deps: ApplyDeps = {
  store: dynamoDbReviews(documentClient, registryTable),
  table: dynamoDbReviewTable({
    client: documentClient,
    impressionKeysTable: setting("impressionKeysTable"),
    earningsCountersTable: setting("earningsCountersTable"),
    registryTable,
    publisherId: setting("publisherId"),
  }),
  bus: busFromEnvironment(),
  clock: systemClock,
  pacing: systemPacing,
  poolOpenMs: numberSetting("poolCloseHours") * hourMs,
  onFailed: failing("not applied"),
};

export const handler = workerHandler(async ({ deliveries, deadlineMs, trace }) => {
  const { traceparent } = trace;
  const { failedIds, changed } = await applyReviews(deps, deliveries, deadlineMs, traceparent);
  logger.info("reviews applied", { deliveries: deliveries.length, changed });
  metrics.addMetric("EngagementsReviewed", MetricUnit.Count, changed);
  return failedIds;
});
