import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCountingTable } from "../../adapters/dynamodb/counting-table.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics, workerHandler } from "../../adapters/lambda/worker.ts";
import { sha256Hex, systemClock, systemPacing } from "../../adapters/runtime.ts";
import { type CountDeps, countEngagements } from "../../core/earnings/count-engagements.ts";
import { countInTransactions } from "../../core/earnings/count-in-transactions.ts";

const table = dynamoDbCountingTable({
  client: documentClient,
  impressionKeysTable: setting("impressionKeysTable"),
  earningsCountersTable: setting("earningsCountersTable"),
  clock: systemClock,
});

const deps: CountDeps = {
  articles: dynamoDbArticles(documentClient, setting("registryTable")),
  rateCards: dynamoDbRateCards(documentClient, setting("registryTable")),
  countOnce: countInTransactions({
    table,
    clock: systemClock,
    pacing: systemPacing,
    onRetry: (error, attempt) => logger.warn("counting is tried again", { error, attempt }),
  }),
  clock: systemClock,
  sha256: sha256Hex,
  publisherId: setting("publisherId"),
  currency: setting("currency"),
  dedupeTtlMs: numberSetting("dedupeTtlDays") * 86_400_000,
  onUnreadable: (deliveryId, error) => logger.error("unreadable message", { deliveryId, error }),
};

export const handler = workerHandler(async ({ deliveries, deadlineMs }) => {
  const { failedIds, rejected, ...counts } = await countEngagements(deps, deliveries, deadlineMs);
  logger.info("counted", { deliveries: deliveries.length, ...counts, rejected: rejected.length });
  for (const { reason, engagement } of rejected) logger.warn("rejected", { reason, ...engagement });
  metrics.addMetric("EngagementsRecorded", MetricUnit.Count, counts.recorded);
  metrics.addMetric("EngagementsRejected", MetricUnit.Count, rejected.length);
  metrics.addMetric("EngagementsDuplicate", MetricUnit.Count, counts.duplicates);
  return failedIds;
});
