import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { Item } from "./items.ts";

/** The condition under which a revision of an item is the next one. */
function isNextRevision(revision: number) {
  if (revision === 1) return { ConditionExpression: "attribute_not_exists(pk)" };
  return {
    ConditionExpression: "revision = :before",
    ExpressionAttributeValues: { ":before": BigInt(revision - 1) },
  };
}

/** Writes an item whole, unless another writer changed it since it was read. */
export async function putRevision(
  client: DynamoDBDocumentClient,
  tableName: string,
  item: Item,
  revision: number,
): Promise<"put" | "raced"> {
  try {
    await client.send(
      new PutCommand({
        TableName: tableName,
        Item: { ...item, revision: BigInt(revision) },
        ...isNextRevision(revision),
      }),
    );
    return "put";
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return "raced";
    throw error;
  }
}
