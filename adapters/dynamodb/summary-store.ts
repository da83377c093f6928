import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { summariesPartition } from "../../core/contracts/storage.ts";
import type { EarningsSummary } from "../../core/earnings/earnings-summary.ts";
import type { StoredTop, SummaryStore } from "../../core/earnings/read-summary.ts";
import { getItem, type Item } from "./items.ts";

const key = (sk: string) => ({ pk: summariesPartition, sk });
const totalsKey = key("totals");
const topKey = (month: string) => key(`top#${month}`);

/** One item with the totals of all months, and one for each month that says who earned most. */
export function dynamoDbSummaries(
  client: DynamoDBDocumentClient,
  registryTable: string,
): SummaryStore {
  const put = (item: Item, asOfMs: number) => putUnlessLater(client, registryTable, item, asOfMs);
  return {
    async put({ tops, asOfMs, ...totals }) {
      await Promise.all(tops.map((top) => put({ ...topKey(top.month), ...top }, asOfMs)));
      await put({ ...totalsKey, ...totals }, asOfMs);
    },
    totals: () => read<Omit<EarningsSummary, "tops">>(client, registryTable, totalsKey),
    top: (month) => read<StoredTop>(client, registryTable, topKey(month)),
  };
}

async function putUnlessLater(
  client: DynamoDBDocumentClient,
  TableName: string,
  item: Item,
  asOfMs: number,
): Promise<void> {
  try {
    await client.send(
      new PutCommand({
        TableName,
        Item: { ...item, asOfMs: BigInt(asOfMs) },
        ConditionExpression: "attribute_not_exists(pk) OR asOfMs <= :asOf",
        ExpressionAttributeValues: { ":asOf": BigInt(asOfMs) },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

/** Stored as it is in `core`, whose integers here are money but for the time. */
async function read<Stored extends Pick<EarningsSummary, "asOfMs">>(
  client: DynamoDBDocumentClient,
  registryTable: string,
  of: Item,
): Promise<Stored | undefined> {
  const item = await getItem(client, registryTable, of);
  if (!item) return undefined;
  const { pk: _pk, sk: _sk, asOfMs, ...stored } = item;
  return { ...stored, asOfMs: Number(asOfMs) } as Stored;
}
