import { type DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import type { ArticleId } from "../../core/contracts/ids.ts";
import type { ImpressionKey } from "../../core/earnings/impression-key.ts";
import type { Recorded, RecordedReader } from "../../core/exports/recorded-rows.ts";
import { endOfUtcDayMs, startOfUtcDayMs } from "../../core/values/time.ts";
import { creditsOfItem, impressionKeyItem, impressionKeyOfItem } from "./impression-items.ts";
import type { Item } from "./items.ts";

/** The table is read segment after segment, so that it is known how much of it is done. */
const segments = 20;

/** Impression keys, in the order in which the table has them. */
export function dynamoDbRecorded(
  client: DynamoDBDocumentClient,
  impressionKeysTable: string,
): RecordedReader {
  return {
    async page({ from, to }, cursor) {
      const { segment, key } = placeOf(cursor);
      const { Items = [], LastEvaluatedKey } = await client.send(
        new ScanCommand({
          TableName: impressionKeysTable,
          ConsistentRead: true,
          Segment: segment,
          TotalSegments: segments,
          // What lies beside the keys, such as a reader's part of a pool, has no time.
          FilterExpression: "#at BETWEEN :from AND :to",
          ProjectionExpression: "pk, sk, #at, articleId, kind, #state, reason, credits",
          ExpressionAttributeNames: { "#at": "at", "#state": "state" },
          ExpressionAttributeValues: {
            ":from": BigInt(startOfUtcDayMs(from)),
            ":to": BigInt(endOfUtcDayMs(to) - 1),
          },
          ...(key !== undefined && { ExclusiveStartKey: impressionKeyItem(key) }),
        }),
      );
      const next = LastEvaluatedKey
        ? `${segment}:${impressionKeyOfItem(LastEvaluatedKey)}`
        : `${segment + 1}:`;
      const isLast = !LastEvaluatedKey && segment + 1 === segments;
      return {
        recorded: Items.map(recordedOfItem),
        cursor: isLast ? undefined : next,
        percent: Math.floor((100 * (segment + (LastEvaluatedKey ? 0 : 1))) / segments),
      };
    },
  };
}

function placeOf(cursor = "0:"): { segment: number; key: ImpressionKey | undefined } {
  const [, segment, key] = /^(\d+):(.*)$/s.exec(cursor) ?? [];
  if (segment === undefined) throw new Error(`not a cursor of an export: ${cursor}`);
  return { segment: Number(segment), key: key ? (key as ImpressionKey) : undefined };
}

function recordedOfItem(item: Item): Recorded {
  const { articleId, kind, at, state, reason } = item;
  return {
    key: impressionKeyOfItem(item),
    articleId: articleId as ArticleId,
    kind: String(kind),
    occurredAtMs: Number(at),
    state: String(state),
    reason: reason === undefined ? undefined : String(reason),
    credits: creditsOfItem(item),
  };
}
