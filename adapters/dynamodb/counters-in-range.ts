import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Counter } from "../../core/earnings/counter.ts";
import type { CountersInRange } from "../../core/earnings/dry-run-rate-card.ts";
import { type DayRange, isWithin } from "../../core/values/time.ts";
import { allCounters, countersOfArticle, countersOfCreator } from "./counters.ts";

export function dynamoDbCountersInRange(
  client: DynamoDBDocumentClient,
  tableName: string,
): CountersInRange {
  return {
    all: (range) => within(allCounters(client, tableName), range),
    ofCreator: (creatorId, range) => within(countersOfCreator(client, tableName, creatorId), range),
    async *ofArticle(articleId, creatorIds, range) {
      for (const creatorId of creatorIds) {
        yield* countersOfArticle(client, tableName, creatorId, articleId, range);
      }
    },
  };
}

/** The day lies in the middle of the key, where no query can reach it. */
async function* within(counters: AsyncIterable<Counter>, range: DayRange) {
  for await (const counter of counters) if (isWithin(range, counter.id.day)) yield counter;
}
