import type { AcceptedEngagement } from "../contracts/events.ts";
import { dayIn, type ImpressionKey, readerDayIn } from "../earnings/impression-key.ts";
import { isWithin } from "../values/time.ts";
import { matches } from "./apply-review.ts";
import { type ChangeDeps, changeKeys, type Decided } from "./change-keys.ts";
import type { Review } from "./review.ts";
import type { ReviewStore } from "./review-store.ts";

export interface ReviewLaterDeps extends ChangeDeps {
  readonly reviews: Pick<ReviewStore, "requestedSince">;
  /** Told why engagements could not be decided on; their messages go back to the queue. */
  readonly onNotReviewed?: (error: unknown) => void;
}

/** An engagement that is recorded, whenever that was. */
export interface Arrival {
  readonly key: ImpressionKey;
  readonly engagement: Pick<AcceptedEngagement, "articleId" | "readerId">;
  /** The earliest, when it was accepted several times. */
  readonly acceptedAtMs: number;
}

export interface ReviewedLater {
  readonly changed: number;
  /** Keys that a review may still have to decide on: their reports must come again. */
  readonly failed: readonly ImpressionKey[];
}

/**
 * Lets the reviews that were requested after these engagements were accepted decide on them, oldest
 * first. It reads them after the engagements were recorded. So a review either is among those read
 * here, or began later and finds the engagements where it looks: it misses none, be its message held
 * up for seconds or redriven after days. Killed anywhere or told again, it finds done what is done.
 * @param deadlineMs when to stop; what is left then is among the failed.
 */
export async function reviewLater(
  deps: ReviewLaterDeps,
  arrivals: readonly Arrival[],
  deadlineMs: number,
): Promise<ReviewedLater> {
  let changed = 0;
  const failed = new Set<ImpressionKey>();
  const giveUp = (keys: readonly ImpressionKey[], error: unknown) => {
    deps.onNotReviewed?.(error);
    for (const key of keys) failed.add(key);
  };
  for (const review of await reviewsAfter(deps, arrivals, giveUp)) {
    // What an earlier review has yet to decide on is not for a later one to decide on first.
    const open = arrivals.filter(({ key }) => !failed.has(key));
    const keys = open.filter((one) => concerns(review, one)).map(({ key }) => key);
    if (keys.length === 0) continue;
    try {
      const stored = await deps.table.readKeys(keys);
      const worked = await changeKeys(deps, decidedBy(review), stored, deadlineMs);
      changed += worked.changed;
      if (!worked.finished) giveUp(keys, new Error(`no time left for review ${review.reviewId}`));
    } catch (error) {
      giveUp(keys, error);
    }
  }
  return { changed, failed: [...failed] };
}

async function reviewsAfter(
  { reviews }: ReviewLaterDeps,
  arrivals: readonly Arrival[],
  giveUp: (keys: readonly ImpressionKey[], error: unknown) => void,
): Promise<readonly Review[]> {
  if (arrivals.length === 0) return [];
  const earliestMs = arrivals.reduce(
    (earliest, { acceptedAtMs }) => Math.min(earliest, acceptedAtMs),
    Number.POSITIVE_INFINITY,
  );
  try {
    return await reviews.requestedSince(earliestMs);
  } catch (error) {
    giveUp(
      arrivals.map(({ key }) => key),
      error,
    );
    return [];
  }
}

/** What can be told before its key is read. */
function concerns(
  { filter, requestedAtMs }: Review,
  { key, engagement, acceptedAtMs }: Arrival,
): boolean {
  const { readerId, articleId } = filter;
  return (
    acceptedAtMs <= requestedAtMs &&
    isWithin(filter, dayIn(readerDayIn(key))) &&
    (readerId === undefined || readerId === engagement.readerId) &&
    (articleId === undefined || articleId === engagement.articleId)
  );
}

function decidedBy(review: Review): Decided {
  return {
    ...{ decision: review.decision, voidReason: "manual", marksFreed: false },
    segment: { reviewId: review.reviewId, segment: "later" },
    matches: (key) => matches(review, key),
  };
}
