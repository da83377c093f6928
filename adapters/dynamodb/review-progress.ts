import type { CreatorId } from "../../core/contracts/ids.ts";
import { reviewProgressPrefix } from "../../core/contracts/storage.ts";
import type { CreatorChange, SegmentProgress } from "../../core/reviews/review.ts";
import type { DecidedIn } from "../../core/reviews/review-table.ts";
import type { Item } from "./items.ts";
import type { Action } from "./write-transaction.ts";

/**
 * How far a review has come, in items beside it: one for each segment, and one for each creator that
 * it gave something or took something from. They are added to with the keys that were changed.
 */
export const segmentPrefix = "segment#";
export const creatorPrefix = "creator#";

export function progressPartition(reviewId: string): string {
  return `${reviewProgressPrefix}${reviewId}`;
}

export function segmentKey(reviewId: string, segment: DecidedIn["segment"]) {
  const number = String(segment).padStart(3, "0");
  return { pk: progressPartition(reviewId), sk: `${segmentPrefix}${number}` };
}

export function addToSegment(
  registryTable: string,
  { reviewId, segment }: DecidedIn,
  changed: number,
): Action {
  return {
    Update: {
      TableName: registryTable,
      Key: segmentKey(reviewId, segment),
      UpdateExpression: "ADD #changed :changed",
      ExpressionAttributeNames: { "#changed": "changed" },
      ExpressionAttributeValues: { ":changed": BigInt(changed) },
    },
  };
}

export function addToCreatorChange(
  registryTable: string,
  reviewId: string,
  { creatorId, payableMicros, heldMicros }: CreatorChange,
): Action {
  return {
    Update: {
      TableName: registryTable,
      Key: { pk: progressPartition(reviewId), sk: `${creatorPrefix}${creatorId}` },
      UpdateExpression: "ADD #payable :payable, #held :held",
      ExpressionAttributeNames: { "#payable": "payable", "#held": "held" },
      ExpressionAttributeValues: { ":payable": payableMicros, ":held": heldMicros },
    },
  };
}

export function segmentFromItem(item: Item): SegmentProgress {
  const { sk, cursor, changed, skipped, finishedAt } = item;
  return {
    cursor: cursor as string | undefined,
    changed: Number(changed ?? 0),
    skipped: Number(skipped ?? 0),
    finishedAtMs: finishedAt === undefined ? undefined : Number(finishedAt),
    ...(sk === `${segmentPrefix}later` && { isRecordedLater: true }),
  };
}

export function creatorChangeFromItem({ sk, payable, held }: Item): CreatorChange {
  return {
    creatorId: String(sk).slice(creatorPrefix.length) as CreatorId,
    payableMicros: payable as bigint,
    heldMicros: held as bigint,
  };
}
