import { type DynamoDBDocumentClient, QueryCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import type { ArticleId } from "../../core/contracts/ids.ts";
import {
  type ImpressionKey,
  readerDayIn,
  readerDayOf,
} from "../../core/earnings/impression-key.ts";
import { type Review, statesDecidedOn } from "../../core/reviews/review.ts";
import type { Segment, StoredKey } from "../../core/reviews/review-table.ts";
import { daysOf, endOfUtcDayMs, startOfUtcDayMs, type UtcDay } from "../../core/values/time.ts";
import { sha256Hex } from "../runtime.ts";
import {
  creditsOfItem,
  impressionKeyItem,
  impressionKeyOfItem,
  type StoredState,
} from "./impression-items.ts";
import type { Item } from "./items.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly impressionKeysTable: string;
  readonly publisherId: string;
}

/** Sorts after every item of a reader's day: the day is done. */
const endOfDay = "~";

/** What is filtered here saves only its transfer: who works on the page looks at each key again. */
export async function scanPage(
  { client, impressionKeysTable }: Deps,
  review: Review,
  { segment, segments }: Segment,
  cursor: string | undefined,
) {
  const { from, to, articleId, reason } = review.filter;
  const states = statesDecidedOn(review).map((state, index) => [`:s${index}`, state] as const);
  const conditions = [
    "#at BETWEEN :from AND :to",
    `#state IN (${states.map(([name]) => name).join(", ")})`,
    ...(articleId === undefined ? [] : ["#article = :article"]),
    ...(reason === undefined ? [] : ["#reason = :reason"]),
  ];
  const { Items = [], LastEvaluatedKey } = await client.send(
    new ScanCommand({
      TableName: impressionKeysTable,
      ConsistentRead: true,
      Segment: segment,
      TotalSegments: segments,
      FilterExpression: conditions.join(" AND "),
      ExpressionAttributeNames: {
        "#at": "at",
        "#state": "state",
        ...(articleId === undefined ? {} : { "#article": "articleId" }),
        ...(reason === undefined ? {} : { "#reason": "reason" }),
      },
      ExpressionAttributeValues: {
        ":from": BigInt(startOfUtcDayMs(from)),
        ":to": BigInt(endOfUtcDayMs(to) - 1),
        ...Object.fromEntries(states),
        ...(articleId === undefined ? {} : { ":article": articleId }),
        ...(reason === undefined ? {} : { ":reason": reason }),
      },
      ...(cursor && { ExclusiveStartKey: impressionKeyItem(cursor as ImpressionKey) }),
    }),
  );
  return {
    keys: storedKeys(Items),
    cursor: LastEvaluatedKey && impressionKeyOfItem(LastEvaluatedKey),
  };
}

/** The days one after the other; the cursor says in which, and after what. */
export async function readerPage(
  { client, impressionKeysTable, publisherId }: Deps,
  { filter }: Review,
  cursor: string | undefined,
) {
  const { readerId } = filter;
  if (readerId === undefined) throw new Error("the review names no reader");
  const days = daysOf(filter).map((day) => readerDayOf(sha256Hex, publisherId, readerId, day));
  const place = cursor as ImpressionKey | undefined;
  const isDone = place?.endsWith(`/${endOfDay}`);
  const at = place === undefined ? 0 : days.indexOf(readerDayIn(place)) + (isDone ? 1 : 0);
  const day = days[at];
  if (day === undefined) throw new Error(`not a cursor of this review: ${cursor}`);
  const after = place === undefined || isDone ? undefined : impressionKeyItem(place).sk;
  const { Items = [], LastEvaluatedKey } = await client.send(
    new QueryCommand({
      TableName: impressionKeysTable,
      ConsistentRead: true,
      KeyConditionExpression: `pk = :day${after === undefined ? "" : " AND sk > :after"}`,
      ExpressionAttributeValues: { ":day": day, ...(after !== undefined && { ":after": after }) },
    }),
  );
  const isLast = at === days.length - 1;
  const next = LastEvaluatedKey ? impressionKeyOfItem(LastEvaluatedKey) : `${day}/${endOfDay}`;
  return { keys: storedKeys(Items), cursor: LastEvaluatedKey || !isLast ? next : undefined };
}

/** Of what lies beside them, and of what was rejected, there is nothing to decide. */
export function storedKeys(items: readonly Item[]): StoredKey[] {
  return items.flatMap((item) => {
    const state = item.state as StoredState | undefined;
    return state === undefined || state === "rejected" ? [] : [storedKey(item, state)];
  });
}

function storedKey(item: Item, state: StoredKey["state"]): StoredKey {
  const { reason, articleId, counted, ttl, review, day, shard, pool } = item;
  return {
    key: impressionKeyOfItem(item),
    state,
    reason: reason as StoredKey["reason"],
    articleId: articleId as ArticleId,
    countedAtMs: Number(counted),
    expiresAtMs: Number(ttl) * 1_000,
    reviewId: review as string | undefined,
    day: day as UtcDay,
    shard: Number(shard),
    pool: pool === undefined ? undefined : Number(pool),
    credits: creditsOfItem(item),
  };
}
