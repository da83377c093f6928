import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from "@aws-sdk/lib-dynamodb";
import type { Item } from "./items.ts";

/** One part of a transaction. */
export type Action = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];

/** What a later try may find otherwise. */
const passing: readonly string[] = [
  "None",
  "ConditionalCheckFailed",
  "TransactionConflict",
  "ThrottlingError",
  "ProvisionedThroughputExceeded",
];
const maxAttempts = 5;

/** Writes an item that must not be there yet. */
export function putNew(tableName: string, item: Item): Action {
  return {
    Put: { TableName: tableName, Item: item, ConditionExpression: "attribute_not_exists(pk)" },
  };
}

/**
 * Writes all of it or nothing.
 * @returns the codes that cancelled it, in the order of the actions; undefined when it was written.
 * @throws when it can never be written as it is, or when it cannot be known whether it was.
 */
export async function cancellationOf(
  client: DynamoDBDocumentClient,
  actions: readonly Action[],
): Promise<readonly string[] | undefined> {
  try {
    await client.send(new TransactWriteCommand({ TransactItems: [...actions] }));
    return undefined;
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw error;
    const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code ?? "None");
    if (codes.length === 0 || !codes.every((code) => passing.includes(code))) throw error;
    return codes;
  }
}

/**
 * The same for items that are seldom contended: tries again while others hold them.
 * @returns which of the actions' conditions failed; undefined when all of it was written.
 */
export async function failedConditionsOf(
  client: DynamoDBDocumentClient,
  actions: readonly Action[],
): Promise<readonly boolean[] | undefined> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const codes = await cancellationOf(client, actions);
    if (codes === undefined) return undefined;
    const failed = codes.map((code) => code === "ConditionalCheckFailed");
    if (failed.includes(true)) return failed;
  }
  throw new Error(`others kept holding what a transaction of ${actions.length} actions writes`);
}
