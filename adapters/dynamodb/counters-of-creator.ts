import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { CreatorId } from "../../core/contracts/ids.ts";
import type { Counter } from "../../core/earnings/counter.ts";
import { afterArticle, counterFromItem, creatorKey } from "./counter-items.ts";
import { queryItems } from "./items.ts";

/** A creator's counters in order of article; strongly consistent. */
export async function* countersOfCreator(
  client: DynamoDBDocumentClient,
  tableName: string,
  creatorId: CreatorId,
  afterArticleId?: string,
): AsyncGenerator<Counter> {
  const after = afterArticleId === undefined ? {} : { ":after": afterArticle(afterArticleId) };
  const items = queryItems(client, {
    TableName: tableName,
    KeyConditionExpression: `pk = :pk${afterArticleId === undefined ? "" : " AND sk > :after"}`,
    ExpressionAttributeValues: { ":pk": creatorKey(creatorId), ...after },
    ConsistentRead: true,
  });
  for await (const item of items) yield counterFromItem(item);
}
