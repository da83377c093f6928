import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import type { Counter, CounterId } from "../../core/earnings/counter.ts";
import type { DayRange } from "../../core/values/time.ts";
import { afterArticle, counterFromItem, counterKey, creatorKey } from "./counter-items.ts";
import { getItems, type Item, queryItems, scanItems } from "./items.ts";

/** Reads of counters; each is strongly consistent, item by item. */

/** Those of these ids that exist. */
export async function readCounters(
  client: DynamoDBDocumentClient,
  tableName: string,
  ids: readonly CounterId[],
): Promise<Counter[]> {
  return (await getItems(client, tableName, ids.map(counterKey))).map(counterFromItem);
}

/** Every counter there is, in no particular order: the table is read whole. */
export async function* allCounters(
  client: DynamoDBDocumentClient,
  tableName: string,
): AsyncGenerator<Counter> {
  const items = scanItems(client, {
    TableName: tableName,
    ConsistentRead: true,
    FilterExpression: "begins_with(pk, :creator)",
    ExpressionAttributeValues: { ":creator": "creator#" },
  });
  for await (const item of items) yield counterFromItem(item);
}

/** A creator's, in order of article. */
export function countersOfCreator(
  client: DynamoDBDocumentClient,
  tableName: string,
  creatorId: CreatorId,
  afterArticleId?: string,
): AsyncGenerator<Counter> {
  const pk = creatorKey(creatorId);
  if (afterArticleId === undefined) return queried(client, tableName, "pk = :pk", { ":pk": pk });
  const values = { ":pk": pk, ":after": afterArticle(afterArticleId) };
  return queried(client, tableName, "pk = :pk AND sk > :after", values);
}

/** A creator's of one article: those of some days, in order of the day. */
export function countersOfArticle(
  client: DynamoDBDocumentClient,
  tableName: string,
  creatorId: CreatorId,
  articleId: ArticleId,
  { from, to }: DayRange,
): AsyncGenerator<Counter> {
  return queried(client, tableName, "pk = :pk AND sk BETWEEN :from AND :to", {
    ":pk": creatorKey(creatorId),
    ":from": `${articleId}\t${from}`,
    ":to": `${articleId}\t${to}\t~`,
  });
}

async function* queried(
  client: DynamoDBDocumentClient,
  tableName: string,
  condition: string,
  values: Item,
): AsyncGenerator<Counter> {
  const items = queryItems(client, {
    TableName: tableName,
    KeyConditionExpression: condition,
    ExpressionAttributeValues: values,
    ConsistentRead: true,
  });
  for await (const item of items) yield counterFromItem(item);
}
