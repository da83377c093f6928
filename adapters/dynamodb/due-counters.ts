import { type DynamoDBDocumentClient, paginateQuery } from "@aws-sdk/lib-dynamodb";
import type { CreatorId } from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import { tables } from "../../core/contracts/storage.ts";
import type { CounterId } from "../../core/earnings/counter.ts";
import { counterIdOfItem, creatorKey, creatorOfKey, dueBucketOf } from "./counter-items.ts";
import type { Item } from "./items.ts";

const { dueIndex } = tables.earningsCounters;

/**
 * Pages of the due index under one bucket: a part of the due list, a hold's last day, or a pool's
 * day. The index only says which counters to look at; it lags, and holds nothing but their keys.
 */
async function* pagesOfBucket(
  client: DynamoDBDocumentClient,
  tableName: string,
  bucket: bigint,
  { creatorId, pageSize }: { readonly creatorId?: CreatorId; readonly pageSize?: number } = {},
): AsyncGenerator<Item[]> {
  const ofCreator = creatorId === undefined ? {} : { ":pk": creatorKey(creatorId) };
  const pages = paginateQuery(
    { client, ...(pageSize !== undefined && { pageSize }) },
    {
      TableName: tableName,
      IndexName: dueIndex.name,
      KeyConditionExpression: `#due = :due${creatorId === undefined ? "" : " AND pk = :pk"}`,
      ExpressionAttributeNames: { "#due": dueIndex.partitionKey },
      ExpressionAttributeValues: { ":due": bucket, ...ofCreator },
    },
  );
  for await (const { Items = [] } of pages) if (Items.length > 0) yield Items;
}

/** A creator's counters that have something to settle. */
export async function* dueCounterIds(
  client: DynamoDBDocumentClient,
  tableName: string,
  creatorId: CreatorId,
): AsyncGenerator<CounterId[]> {
  const options = { creatorId, pageSize: limits.maxCountersPerEntry };
  const pages = pagesOfBucket(client, tableName, dueBucketOf(creatorId), options);
  for await (const items of pages) yield items.map(counterIdOfItem);
}

/** Creators with something to settle: one row a counter, sorted by creator. */
export async function* creatorsDue(
  client: DynamoDBDocumentClient,
  tableName: string,
  bucket: number,
): AsyncGenerator<CreatorId[]> {
  const pages = pagesOfBucket(client, tableName, BigInt(bucket));
  for await (const items of pages) yield items.map(({ pk }) => creatorOfKey(pk));
}

/** Counters that wait under a bucket of their own, for a hold's end or for a pool's day. */
export async function* waitingCounterIds(
  client: DynamoDBDocumentClient,
  tableName: string,
  bucket: bigint,
): AsyncGenerator<CounterId[]> {
  const pageSize = 10 * limits.maxTransactionActions;
  const pages = pagesOfBucket(client, tableName, bucket, { pageSize });
  for await (const items of pages) yield items.map(counterIdOfItem);
}
