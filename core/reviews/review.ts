import type * as z from "zod";
import type { ArticleId, CreatorId, ReaderId } from "../contracts/ids.ts";
import type { HoldReason } from "../contracts/kinds.ts";
import type { requestReviewSchema } from "../contracts/money-bodies.ts";
import type { EngagementState } from "../earnings/count-once.ts";
import type { DayRange } from "../values/time.ts";

export type ReviewDecision = z.infer<typeof requestReviewSchema>["decision"];

/** Which engagements a review decides on, by when they occurred; all that is said must hold. */
export interface ReviewFilter extends DayRange {
  readonly readerId?: ReaderId;
  readonly articleId?: ArticleId;
  /** Why it is held; `manual`: it was voided by a review, which is taken back. */
  readonly reason?: HoldReason | "manual";
}

/** A person's decision on many engagements at once. It is the audit trail: nothing changes it. */
export interface Review {
  /** Sorts by when it was requested. */
  readonly reviewId: string;
  readonly decision: ReviewDecision;
  readonly filter: ReviewFilter;
  readonly note: string;
  readonly appeal?: { readonly creatorId: CreatorId; readonly appealId: string };
  readonly requestedBy: string;
  readonly requestedAtMs: number;
  /** Which request it was; the same for each retry of it. */
  readonly requestId: string;
  /** Parts that its work is divided into. */
  readonly segments: number;
  /** What it could not look at; undefined when that could not be measured. */
  readonly unrecorded?: Unrecorded;
}

/** What was accepted and not recorded when a review was requested, as far as queues tell. */
export interface Unrecorded {
  /** At the counting queue: waiting, delayed or being worked on. SQS calls its numbers approximate. */
  readonly messages: number;
  /** Messages with engagements that were given up, and that nobody has sent back or discarded. */
  readonly deadLetters: number;
  readonly measuredAtMs: number;
}

/** How far one part of a review has come. */
export interface SegmentProgress {
  /** Where to go on; undefined at the start. */
  readonly cursor: string | undefined;
  /** Impression keys that were changed; and that matched, but had nothing to change. */
  readonly changed: number;
  readonly skipped: number;
  /** ms since the epoch. */
  readonly finishedAtMs: number | undefined;
  /** It is no part of the work, but what was recorded after that had begun; it never finishes. */
  readonly isRecordedLater?: true;
}

export const noProgress: SegmentProgress = {
  cursor: undefined,
  changed: 0,
  skipped: 0,
  finishedAtMs: undefined,
};

/** What a review gave a creator (above zero), or took. */
export interface CreatorChange {
  readonly creatorId: CreatorId;
  readonly payableMicros: bigint;
  readonly heldMicros: bigint;
}

/**
 * What a decision applies to. What is void stays void, unless a review voided it and one that says so
 * takes it back: of all else the price was never kept. What was rejected was never counted.
 */
export function statesDecidedOn({
  decision,
  filter,
}: Pick<Review, "decision" | "filter">): readonly EngagementState[] {
  if (decision === "void") return ["paid", "held"];
  return filter.reason === "manual" ? ["void"] : ["held"];
}

/** The public shape, with what has been done so far. */
export function presentReview(
  { requestId: _, requestedAtMs, segments, unrecorded, ...review }: Review,
  progress: readonly SegmentProgress[],
  creators?: readonly CreatorChange[],
) {
  const finished = progress.flatMap(({ finishedAtMs }) => finishedAtMs ?? []);
  const done = finished.length >= segments;
  const sum = (of: (segment: SegmentProgress) => number) =>
    progress.reduce((total, segment) => total + of(segment), 0);
  const changed = sum((segment) => segment.changed);
  const skipped = sum((segment) => segment.skipped);
  const recordedLater = progress.find(({ isRecordedLater }) => isRecordedLater)?.changed ?? 0;
  const requestedAt = new Date(requestedAtMs).toISOString();
  return {
    ...review,
    requestedAt,
    // What was accepted until then is decided on, whenever it is recorded; see `reviewLater`.
    acceptedUntil: requestedAt,
    ...(unrecorded && { unrecorded: presentUnrecorded(unrecorded) }),
    state: done ? "done" : "running",
    progress: {
      segments: { done: finished.length, total: segments },
      ...{ matched: changed + skipped, changed, skipped, recordedLater },
    },
    ...(done && { finishedAt: new Date(Math.max(...finished)).toISOString() }),
    ...(creators && {
      byCreator: creators.map(({ creatorId, payableMicros, heldMicros }) => ({
        creatorId,
        payableMicros: String(payableMicros),
        heldMicros: String(heldMicros),
      })),
    }),
    links: { self: pathOfReview(review.reviewId) },
  };
}

function presentUnrecorded({ measuredAtMs, ...counts }: Unrecorded) {
  return { ...counts, measuredAt: new Date(measuredAtMs).toISOString() };
}

export function pathOfReview(reviewId: string): string {
  return `/v1/admin/reviews/${reviewId}`;
}
