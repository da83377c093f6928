import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { isKnownBot } from "../../adapters/bots.ts";
import { dynamoDbArticleGroups } from "../../adapters/dynamodb/article-group-store.ts";
import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCountingTable } from "../../adapters/dynamodb/counting-table.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { dynamoDbReaderHistory } from "../../adapters/dynamodb/reader-history.ts";
import { dynamoDbReviews } from "../../adapters/dynamodb/review-store.ts";
import { dynamoDbReviewTable } from "../../adapters/dynamodb/review-table.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { failing, noteSharedFailure } from "../../adapters/lambda/failures.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { countedPlaces } from "../../adapters/lambda/traces.ts";
import { workerHandler } from "../../adapters/lambda/worker.ts";
import { sha256Hex, systemClock, systemPacing } from "../../adapters/runtime.ts";
import { type CountDeps, countEngagements } from "../../core/earnings/count-engagements.ts";
import { countInTransactions } from "../../core/earnings/count-in-transactions.ts";
import { dayMs, hourMs } from "../../core/values/time.ts";

const registryTable = setting("registryTable");
const publisherId = setting("publisherId");
const tables = {
  client: documentClient,
  impressionKeysTable: setting("impressionKeysTable"),
  earningsCountersTable: setting("earningsCountersTable"),
};
const traffic = {
  maxPerReaderHour: numberSetting("maxPerReaderHour"),
  maxPerReaderDay: numberSetting("maxPerReaderDay"),
  tokenBurst: numberSetting("tokenBurst"),
};

const deps: CountDeps = {
  articles: dynamoDbArticles(documentClient, registryTable),
  creators: dynamoDbCreators(documentClient, registryTable),
  groups: dynamoDbArticleGroups(documentClient, registryTable),
  rateCards: dynamoDbRateCards(documentClient, registryTable),
  history: dynamoDbReaderHistory({
    ...tables,
    clock: systemClock,
    maxItems: traffic.maxPerReaderDay + 100,
  }),
  traffic,
  isBot: isKnownBot,
  countOnce: countInTransactions({
    table: dynamoDbCountingTable({ ...tables, clock: systemClock }),
    clock: systemClock,
    pacing: systemPacing,
    onRetry(error, attempt) {
      logger.warn("counting is tried again", { error, attempt });
      noteSharedFailure(error);
    },
  }),
  reviewTable: dynamoDbReviewTable({ ...tables, registryTable, publisherId }),
  reviews: dynamoDbReviews(documentClient, registryTable),
  onNotModerated: (error) => logger.error("comments not moderated", { error }),
  onNotReviewed: (error) => logger.error("not reviewed", { error }),
  clock: systemClock,
  pacing: systemPacing,
  sha256: sha256Hex,
  publisherId,
  currency: setting("currency"),
  dedupeTtlMs: numberSetting("dedupeTtlDays") * dayMs,
  poolOpenMs: numberSetting("poolCloseHours") * hourMs,
  onUnreadable: failing("unreadable message"),
};

export const handler = workerHandler(async ({ deliveries, deadlineMs }) => {
  const { failedIds, rejected, states, ...counts } = await countEngagements(
    { ...deps, follow: countedPlaces(deliveries) },
    deliveries,
    deadlineMs,
  );
  logger.info("counted", {
    ...{ deliveries: deliveries.length, ...counts, rejected: rejected.length },
    states: Object.fromEntries(states),
  });
  for (const { reason, engagement } of rejected) logger.warn("rejected", { reason, ...engagement });
  // As the proof shows them: readers', and each in a counter.
  const ofReaders = counts.recorded - rejected.length - counts.canaries;
  metrics.addMetric("EngagementsRecorded", MetricUnit.Count, ofReaders);
  metrics.addMetric("EngagementsRejected", MetricUnit.Count, rejected.length);
  metrics.addMetric("EngagementsHeld", MetricUnit.Count, inState(states, "held"));
  metrics.addMetric("EngagementsVoid", MetricUnit.Count, inState(states, "void"));
  metrics.addMetric("EngagementsDuplicate", MetricUnit.Count, counts.duplicates);
  return failedIds;
});

function inState(states: ReadonlyMap<string, number>, state: string): number {
  const counts = [...states].map(([name, count]) => (name.startsWith(`${state}.`) ? count : 0));
  return counts.reduce((sum, count) => sum + count, 0);
}
