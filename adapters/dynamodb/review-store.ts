import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import {
  noProgress,
  type Review,
  type SegmentProgress,
  type Unrecorded,
} from "../../core/reviews/review.ts";
import type { ReviewStore } from "../../core/reviews/review-store.ts";
import { startOfTimedIds } from "../../core/values/timed-id.ts";
import { answerAppeal } from "./appeal-store.ts";
import { getItem, type Item, queryItems } from "./items.ts";
import {
  creatorChangeFromItem,
  creatorPrefix,
  progressPartition,
  segmentFromItem,
  segmentKey,
  segmentPrefix,
} from "./review-progress.ts";
import { failedConditionsOf, putNew } from "./write-transaction.ts";

const partition = "reviews";
/** Sorts after every review's id, which starts with a year. */
const requestPrefix = "request#";

/** Reviews in the registry table, all under one key; their progress under one of each. */
export function dynamoDbReviews(
  client: DynamoDBDocumentClient,
  registryTable: string,
): ReviewStore {
  const get = (key: Item) => getItem(client, registryTable, key);
  const read = async (reviewId: string) => {
    const item = await get({ pk: partition, sk: reviewId });
    return item && reviewFromItem(item);
  };
  const segment = async (reviewId: string, number: number) => {
    const item = await get(segmentKey(reviewId, number));
    return item ? segmentFromItem(item) : noProgress;
  };
  const query = async (pk: string, prefix: string, limit?: number) => {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: registryTable,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues: { ":pk": pk, ":prefix": prefix },
        ConsistentRead: true,
        ...(limit !== undefined && { Limit: limit }),
      }),
    );
    return Items;
  };
  return {
    put: (review) => put(client, registryTable, review),
    async ofRequest(requestId) {
      const request = await get({ pk: partition, sk: `${requestPrefix}${requestId}` });
      return request && (await read(String(request.reviewId)));
    },
    read,
    async requestedSince(sinceMs) {
      const items = queryItems(client, {
        TableName: registryTable,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :since AND :end",
        ExpressionAttributeValues: {
          ":pk": partition,
          ":since": startOfTimedIds(sinceMs),
          ":end": requestPrefix,
        },
        ConsistentRead: true,
      });
      const reviews: Review[] = [];
      for await (const item of items) reviews.push(reviewFromItem(item));
      return reviews;
    },
    async list(limit, before) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: registryTable,
          KeyConditionExpression: "pk = :pk AND sk < :before",
          ExpressionAttributeValues: { ":pk": partition, ":before": before ?? requestPrefix },
          ConsistentRead: true,
          ScanIndexForward: false,
          Limit: limit,
        }),
      );
      return Items.map(reviewFromItem);
    },
    async progress(reviewId) {
      return (await query(progressPartition(reviewId), segmentPrefix)).map(segmentFromItem);
    },
    segment,
    async advance(place, seen, step) {
      await advance(client, registryTable, place, seen, step);
      return await segment(place.reviewId, place.segment);
    },
    async creators(reviewId, limit) {
      const items = await query(progressPartition(reviewId), creatorPrefix, limit);
      return items.map(creatorChangeFromItem);
    },
  };
}

async function put(
  client: DynamoDBDocumentClient,
  registryTable: string,
  review: Review,
): Promise<"put" | "known" | "no-appeal"> {
  const { reviewId, requestId, appeal, decision, requestedAtMs } = review;
  const answer = { reviewId, decision, answeredAtMs: requestedAtMs };
  const failed = await failedConditionsOf(client, [
    putNew(registryTable, { pk: partition, sk: `${requestPrefix}${requestId}`, reviewId }),
    putNew(registryTable, reviewItem(review)),
    ...(appeal ? [answerAppeal(registryTable, appeal, answer)] : []),
  ]);
  if (failed === undefined) return "put";
  const [isKnown, isTaken] = failed;
  return isKnown || isTaken ? "known" : "no-appeal";
}

async function advance(
  client: DynamoDBDocumentClient,
  registryTable: string,
  { reviewId, segment }: { readonly reviewId: string; readonly segment: number },
  seen: SegmentProgress,
  { cursor, skipped, nowMs }: Parameters<ReviewStore["advance"]>[2],
): Promise<void> {
  const names: Record<string, string> = {
    "#cursor": "cursor",
    "#finished": "finishedAt",
    "#skipped": "skipped",
  };
  const stands = seen.cursor === undefined ? "attribute_not_exists(#cursor)" : "#cursor = :seen";
  const values: Item = { ":skipped": BigInt(skipped) };
  if (seen.cursor !== undefined) values[":seen"] = seen.cursor;
  if (cursor === undefined) values[":now"] = BigInt(nowMs);
  else values[":cursor"] = cursor;
  try {
    await client.send(
      new UpdateCommand({
        TableName: registryTable,
        Key: segmentKey(reviewId, segment),
        UpdateExpression: `SET ${cursor === undefined ? "#finished = :now" : "#cursor = :cursor"} ADD #skipped :skipped`,
        ConditionExpression: `attribute_not_exists(#finished) AND ${stands}`,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: values,
      }),
    );
  } catch (error) {
    // Another delivery of the same event was faster; its step counts.
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

function reviewItem(review: Review): Item {
  const { reviewId, requestedAtMs, segments, unrecorded, ...rest } = review;
  return {
    pk: partition,
    sk: reviewId,
    ...rest,
    requestedAtMs: BigInt(requestedAtMs),
    segments: BigInt(segments),
    ...(unrecorded && {
      unrecorded: {
        messages: BigInt(unrecorded.messages),
        deadLetters: BigInt(unrecorded.deadLetters),
        measuredAtMs: BigInt(unrecorded.measuredAtMs),
      },
    }),
  };
}

function reviewFromItem({ pk: _, sk, requestedAtMs, segments, unrecorded, ...rest }: Item): Review {
  return {
    reviewId: String(sk),
    ...(rest as Omit<Review, "reviewId" | "requestedAtMs" | "segments" | "unrecorded">),
    requestedAtMs: Number(requestedAtMs),
    segments: Number(segments),
    ...(unrecorded !== undefined && { unrecorded: unrecordedFromItem(unrecorded as Item) }),
  };
}

function unrecordedFromItem({ messages, deadLetters, measuredAtMs }: Item): Unrecorded {
  return {
    messages: Number(messages),
    deadLetters: Number(deadLetters),
    measuredAtMs: Number(measuredAtMs),
  };
}
