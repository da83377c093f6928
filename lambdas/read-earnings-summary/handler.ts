import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbSummaries } from "../../adapters/dynamodb/summary-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { earningsSummaryQuerySchema } from "../../core/contracts/queries.ts";
import { readEarningsSummary } from "../../core/earnings/read-summary.ts";

const registryTable = setting("registryTable");
const deps = {
  summaries: dynamoDbSummaries(documentClient, registryTable),
  articles: dynamoDbArticles(documentClient, registryTable),
  creators: dynamoDbCreators(documentClient, registryTable),
  clock: systemClock,
  currency: setting("currency"),
};

export const handler = apiHandler(async ({ event }) =>
  ok(await readEarningsSummary(deps, query(event, earningsSummaryQuerySchema))),
);
