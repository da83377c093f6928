import {
  BatchGetCommand,
  type BatchGetCommandInput,
  type BatchGetCommandOutput,
  type DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  paginateScan,
  type QueryCommandInput,
  type ScanCommandInput,
} from "@aws-sdk/lib-dynamodb";
import { chunk } from "../../core/values/group-by.ts";
import { backoffMs } from "../../core/values/retry.ts";
import { systemPacing } from "../runtime.ts";

export type Item = Record<string, unknown>;

const maxBatchGetKeys = 100;
const maxBatchGetAttempts = 8;

/** A strongly consistent read of one item; undefined when it does not exist. */
export async function getItem(
  client: DynamoDBDocumentClient,
  tableName: string,
  key: Item,
): Promise<Item | undefined> {
  const command = new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true });
  return (await client.send(command)).Item;
}

/** Strongly consistent reads of many items; those that don't exist are absent. */
export async function getItems(
  client: DynamoDBDocumentClient,
  tableName: string,
  keys: readonly Item[],
): Promise<Item[]> {
  const batches = await Promise.all(
    chunk(keys, maxBatchGetKeys).map((part) => getBatch(client, tableName, part)),
  );
  return batches.flat();
}

async function getBatch(client: DynamoDBDocumentClient, tableName: string, keys: Item[]) {
  const items: Item[] = [];
  let request: BatchGetCommandInput["RequestItems"] = {
    [tableName]: { Keys: keys, ConsistentRead: true },
  };
  for (let attempt = 0; attempt < maxBatchGetAttempts; attempt += 1) {
    const command = new BatchGetCommand({ RequestItems: request });
    const { Responses, UnprocessedKeys }: BatchGetCommandOutput = await client.send(command);
    items.push(...(Responses?.[tableName] ?? []));
    if (!UnprocessedKeys || Object.keys(UnprocessedKeys).length === 0) return items;
    request = UnprocessedKeys;
    await systemPacing.sleep(backoffMs(attempt, { baseMs: 25, capMs: 1_000 }, Math.random));
  }
  throw new Error(`${tableName}: some keys stayed unprocessed after ${maxBatchGetAttempts} reads`);
}

/** Every item of a query, page by page as it is consumed. */
export async function* queryItems(
  client: DynamoDBDocumentClient,
  input: QueryCommandInput,
): AsyncGenerator<Item> {
  for await (const page of paginateQuery({ client }, input)) yield* page.Items ?? [];
}

/** Every item of a partition whose sort key begins with `prefix`; strongly consistent. */
export function itemsUnder(
  client: DynamoDBDocumentClient,
  tableName: string,
  pk: string,
  prefix: string,
): AsyncGenerator<Item> {
  return queryItems(client, {
    TableName: tableName,
    KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
    ExpressionAttributeValues: { ":pk": pk, ":prefix": prefix },
    ConsistentRead: true,
  });
}

export async function* scanItems(
  client: DynamoDBDocumentClient,
  input: ScanCommandInput,
): AsyncGenerator<Item> {
  for await (const page of paginateScan({ client }, input)) yield* page.Items ?? [];
}
