import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { dynamoDbArticleGroups } from "../../adapters/dynamodb/article-group-store.ts";
import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbPoolTable } from "../../adapters/dynamodb/pool-table.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { scheduledHandler } from "../../adapters/lambda/scheduled.ts";
import { sha256Hex, systemClock, systemPacing } from "../../adapters/runtime.ts";
import { type PricePoolsDeps, pricePools } from "../../core/earnings/price-pools.ts";
import { hourMs } from "../../core/values/time.ts";

const registryTable = setting("registryTable");
const deps: PricePoolsDeps = {
  table: dynamoDbPoolTable({
    client: documentClient,
    earningsCountersTable: setting("earningsCountersTable"),
    registryTable,
    clock: systemClock,
  }),
  groups: dynamoDbArticleGroups(documentClient, registryTable),
  articles: dynamoDbArticles(documentClient, registryTable),
  rateCards: dynamoDbRateCards(documentClient, registryTable),
  clock: systemClock,
  pacing: systemPacing,
  sha256: sha256Hex,
  currency: setting("currency"),
  poolOpenMs: numberSetting("poolCloseHours") * hourMs,
};

export const handler = scheduledHandler(async ({ deadlineMs }) => {
  const { days, awardedMicros, unspentMicros } = await pricePools(deps, deadlineMs);
  logger.info("pools priced", {
    days,
    awardedMicros: String(awardedMicros),
    unspentMicros: String(unspentMicros),
  });
  metrics.addMetric("PoolDaysPriced", MetricUnit.Count, days);
});
