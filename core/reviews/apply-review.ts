import { reviewRequested } from "../contracts/events.ts";
import { dayIn, readerDayIn } from "../earnings/impression-key.ts";
import type { Delivery } from "../messaging/delivery.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { readEvent } from "../messaging/read-event.ts";
import { isWithin } from "../values/time.ts";
import { type ChangeDeps, changeKeys, type Decided } from "./change-keys.ts";
import { type Review, statesDecidedOn } from "./review.ts";
import type { ReviewStore } from "./review-store.ts";
import type { ReviewTable, Segment, StoredKey } from "./review-table.ts";

export interface ApplyDeps extends ChangeDeps {
  readonly store: Pick<ReviewStore, "read" | "segment" | "advance">;
  readonly table: ReviewTable;
  readonly bus: EventPublisher;
  /** Told of each message that goes back to the queue, and why. */
  readonly onFailed: (deliveryId: string, error: unknown) => void;
}

/**
 * Works on the segments of reviews that a batch of messages names. Each key changes state once,
 * together with the money it stands for, so that it may be killed at any point, delivered again or
 * run beside itself.
 * @param deadlineMs when to stop; what is left of a segment is announced as work of its own.
 * @returns `failedIds`: messages to return.
 */
export async function applyReviews(
  deps: ApplyDeps,
  deliveries: readonly Delivery[],
  deadlineMs: number,
  traceparent: string,
): Promise<{ readonly failedIds: readonly string[]; readonly changed: number }> {
  const failedIds: string[] = [];
  let changed = 0;
  for (const { id, body } of deliveries) {
    try {
      changed += await applySegment(deps, body, deadlineMs, traceparent);
    } catch (error) {
      deps.onFailed(id, error);
      failedIds.push(id);
    }
  }
  return { failedIds, changed };
}

async function applySegment(
  deps: ApplyDeps,
  body: string,
  deadlineMs: number,
  traceparent: string,
): Promise<number> {
  const segment: Segment = readEvent(reviewRequested, body);
  const { reviewId } = segment;
  const review = await deps.store.read(reviewId);
  if (!review) throw new Error(`there is no review ${reviewId}`);
  const decided: Decided = {
    ...{ decision: review.decision, voidReason: "manual", marksFreed: false, segment },
    matches: (key) => matches(review, key),
  };
  let changed = 0;
  let pages = 0;
  let progress = await deps.store.segment(reviewId, segment.segment);
  while (progress.finishedAtMs === undefined) {
    if (deps.clock.nowMs() >= deadlineMs) break;
    const page = await deps.table.page(review, segment, progress.cursor);
    const worked = await changeKeys(deps, decided, page.keys, deadlineMs);
    changed += worked.changed;
    if (!worked.finished) break;
    const { skipped } = worked;
    const step = { cursor: page.cursor, skipped, nowMs: deps.clock.nowMs() };
    progress = await deps.store.advance(segment, progress, step);
    pages += 1;
  }
  if (progress.finishedAtMs !== undefined) return changed;
  // Announced only by one who came further: else a segment that is stuck would go round for ever.
  if (pages + changed === 0) throw new Error("no time to do anything; it is tried again");
  const { segments } = segment;
  const rest = { schemaVersion: 1, traceparent, reviewId, segment: segment.segment, segments };
  await deps.bus.publish([{ contract: reviewRequested, detail: rest }]);
  return changed;
}

/**
 * Whether a review decides on an engagement, as it is now. Of two reviews the one that was requested
 * later has the last word, in whatever order they come to it.
 */
export function matches(review: Review, key: StoredKey): boolean {
  const { filter } = review;
  return (
    (key.reviewId === undefined || key.reviewId < review.reviewId) &&
    statesDecidedOn(review).includes(key.state) &&
    isWithin(filter, dayIn(readerDayIn(key.key))) &&
    (filter.articleId === undefined || key.articleId === filter.articleId) &&
    (filter.reason === undefined || key.reason === filter.reason)
  );
}
