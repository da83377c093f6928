import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { countersOfArticle } from "../../adapters/dynamodb/counters.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbLedgerStore } from "../../adapters/dynamodb/ledger-store.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { entryIdSchema } from "../../core/contracts/ids.ts";
import { type ExplainDeps, explainEntry, placeOfEntry } from "../../core/ledger/explain-entry.ts";
import { audienceOf, requireSight } from "../../core/perimeter/caller.ts";
import { oneDay } from "../../core/values/time.ts";

const earningsCountersTable = setting("earningsCountersTable");
const registryTable = setting("registryTable");
const deps: ExplainDeps = {
  ledger: dynamoDbLedgerStore(documentClient, setting("ledgerTable")),
  countersOf: (creatorId, articleId, day) =>
    countersOfArticle(documentClient, earningsCountersTable, creatorId, articleId, oneDay(day)),
  articles: dynamoDbArticles(documentClient, registryTable),
  creators: dynamoDbCreators(documentClient, registryTable),
  rateCards: dynamoDbRateCards(documentClient, registryTable),
  currency: setting("currency"),
};

export const handler = apiHandler(async ({ event }) => {
  const place = placeOfEntry(pathParameter(event, "entryId", entryIdSchema));
  const caller = callerOf(event);
  requireSight(caller, place.creatorId, ["publisher", "admin"]);
  return ok(await explainEntry(deps, place, audienceOf(caller)));
});
