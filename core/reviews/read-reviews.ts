import { checkTimedCursor, nextCursor, type PageQuery } from "../perimeter/page.ts";
import { problems } from "../perimeter/problem.ts";
import { isTimedId } from "../values/timed-id.ts";
import { presentReview } from "./review.ts";
import type { ReviewStore } from "./review-store.ts";

/** Creators in one answer: enough to see whom a review touched. */
const maxCreators = 200;

/** A page of reviews, newest first, with how far each has come. */
export async function listReviews(
  store: Pick<ReviewStore, "list" | "progress">,
  { limit, cursor }: PageQuery,
) {
  checkTimedCursor(cursor);
  const reviews = await store.list(limit, cursor);
  const items = await Promise.all(
    reviews.map(async (review) => presentReview(review, await store.progress(review.reviewId))),
  );
  return { items, ...nextCursor(reviews, limit, ({ reviewId }) => reviewId) };
}

/** One review, with what it gave creators and took from them. @throws Problem 404 */
export async function readReview(store: ReviewStore, reviewId: string) {
  const review = isTimedId(reviewId) ? await store.read(reviewId) : undefined;
  if (!review) throw problems.notFound(`review ${JSON.stringify(reviewId)}`);
  const [progress, creators] = await Promise.all([
    store.progress(reviewId),
    store.creators(reviewId, maxCreators),
  ]);
  return presentReview(review, progress, creators);
}
