import { type DynamoDBDocumentClient, paginateQuery, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { CreatorId } from "../../core/contracts/ids.ts";
import { tables } from "../../core/contracts/storage.ts";
import type { Counter } from "../../core/earnings/counter.ts";
import { counterFromItem, creatorKey, creatorOfKey, dueBucketOf } from "./counter-items.ts";
import { getItems, type Item } from "./items.ts";

const { dueIndex } = tables.earningsCounters;

const keyOf = ({ pk, sk }: Item) => ({ pk, sk });

function dueQuery(tableName: string, creatorId: CreatorId) {
  return {
    TableName: tableName,
    IndexName: dueIndex.name,
    KeyConditionExpression: "#due = :due AND pk = :pk",
    ExpressionAttributeNames: { "#due": dueIndex.partitionKey },
    ExpressionAttributeValues: { ":due": dueBucketOf(creatorId), ":pk": creatorKey(creatorId) },
  };
}

/**
 * The index only says which counters to look at; what they hold is read from the table itself,
 * strongly consistent.
 */
export async function someDueCounters(
  client: DynamoDBDocumentClient,
  tableName: string,
  creatorId: CreatorId,
  limit: number,
): Promise<Counter[]> {
  const query = new QueryCommand({ ...dueQuery(tableName, creatorId), Limit: limit });
  const { Items = [] } = await client.send(query);
  return (await getItems(client, tableName, Items.map(keyOf))).map(counterFromItem);
}

export async function allDueCounters(
  client: DynamoDBDocumentClient,
  tableName: string,
  creatorId: CreatorId,
): Promise<Counter[]> {
  const keys: Item[] = [];
  for await (const page of paginateQuery({ client }, dueQuery(tableName, creatorId))) {
    keys.push(...(page.Items ?? []).map(keyOf));
  }
  return (await getItems(client, tableName, keys)).map(counterFromItem);
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
