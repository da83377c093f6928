import { type DynamoDBDocumentClient, paginateQuery } from "@aws-sdk/lib-dynamodb";
import type { CreatorId } from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import { tables } from "../../core/contracts/storage.ts";
import type { CounterId } from "../../core/earnings/counter.ts";
import { counterIdOfItem, creatorKey, creatorOfKey, dueBucketOf } from "./counter-items.ts";

const { dueIndex } = tables.earningsCounters;

/** The index only says which counters to look at; it lags, and holds nothing but their keys. */
export async function* dueCounterIds(
  client: DynamoDBDocumentClient,
  tableName: string,
  creatorId: CreatorId,
): AsyncGenerator<CounterId[]> {
  const pages = paginateQuery(
    { client, pageSize: limits.maxCountersPerEntry },
    {
      TableName: tableName,
      IndexName: dueIndex.name,
      KeyConditionExpression: "#due = :due AND pk = :pk",
      ExpressionAttributeNames: { "#due": dueIndex.partitionKey },
      ExpressionAttributeValues: { ":due": dueBucketOf(creatorId), ":pk": creatorKey(creatorId) },
    },
  );
  for await (const { Items = [] } of pages) {
    if (Items.length > 0) yield Items.map(counterIdOfItem);
  }
}

/** One row a counter, sorted by creator. */
export async function* creatorsDue(
  client: DynamoDBDocumentClient,
  tableName: string,
  bucket: number,
): AsyncGenerator<CreatorId[]> {
  const pages = paginateQuery(
    { client },
    {
      TableName: tableName,
      IndexName: dueIndex.name,
      KeyConditionExpression: "#due = :due",
      ExpressionAttributeNames: { "#due": dueIndex.partitionKey },
      ExpressionAttributeValues: { ":due": BigInt(bucket) },
      ProjectionExpression: "pk",
    },
  );
  for await (const { Items = [] } of pages) {
    if (Items.length > 0) yield Items.map(({ pk }) => creatorOfKey(pk));
  }
}
