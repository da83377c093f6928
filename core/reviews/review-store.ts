import type { CreatorChange, Review, SegmentProgress } from "./review.ts";

/** Reviews and how far each has come; strongly consistent. Nothing deletes or changes a review. */
export interface ReviewStore {
  /**
   * Writes it, remembers its request, and marks its appeal answered, in one step. `known`: the
   * request was written before. `no-appeal`: there is no such appeal, and nothing was written.
   */
  put(review: Review): Promise<"put" | "known" | "no-appeal">;
  /** The review that a request wrote, if it did. */
  ofRequest(requestId: string): Promise<Review | undefined>;
  read(reviewId: string): Promise<Review | undefined>;
  /** All that were requested at a moment or later, oldest first. */
  requestedSince(sinceMs: number): Promise<readonly Review[]>;
  /** Newest first, older than `before`. */
  list(limit: number, before: string | undefined): Promise<readonly Review[]>;
  /** Of each segment that was begun, and of what was recorded later. */
  progress(reviewId: string): Promise<readonly SegmentProgress[]>;
  segment(reviewId: string, segment: number): Promise<SegmentProgress>;
  /**
   * Moves a segment on, once: from where `seen` stood, to a cursor, or to its end when there is none.
   * Does nothing when it was moved on since, by another delivery of the same event.
   * @returns how far it is now.
   */
  advance(
    place: { readonly reviewId: string; readonly segment: number },
    seen: SegmentProgress,
    step: { readonly cursor: string | undefined; readonly skipped: number; readonly nowMs: number },
  ): Promise<SegmentProgress>;
  /** What the review did to creators, in order of their ids. */
  creators(reviewId: string, limit: number): Promise<readonly CreatorChange[]>;
}
