import type * as z from "zod";
import { reviewRequested } from "../contracts/events.ts";
import { limits } from "../contracts/limits.ts";
import type { requestReviewSchema } from "../contracts/money-bodies.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { problems } from "../perimeter/problem.ts";
import {
  type Clock,
  dayMs,
  lengthInDays,
  startOfUtcDayMs,
  type UtcDay,
  utcDayOf,
} from "../values/time.ts";
import { timedIdOf } from "../values/timed-id.ts";
import type { Review, ReviewFilter, Unrecorded } from "./review.ts";
import type { ReviewStore } from "./review-store.ts";

type Body = z.infer<typeof requestReviewSchema>;

interface Deps {
  readonly store: Pick<ReviewStore, "put" | "ofRequest">;
  readonly bus: EventPublisher;
  readonly clock: Clock;
  /** What was accepted and is not recorded; undefined when nobody can tell. */
  readonly measureUnrecorded: () => Promise<Unrecorded | undefined>;
  /** How long an impression key outlives its day, in days. */
  readonly dedupeTtlDays: number;
}

/** Who asks, and what makes a retry the same request. */
export interface AskedBy {
  /** `<role>:<subject>` */
  readonly requestedBy: string;
  readonly requestId: string;
  readonly traceparent: string;
}

/** Parts of a review that has to look through all keys: they are worked on side by side. */
const scanSegments = 8;

/**
 * Writes a review down and has its work begin. A retry of a request that was cut off finds the
 * review it wrote, and announces its work again.
 * @throws Problem 400 for days that cannot be reviewed; 404 when there is no such appeal.
 */
export async function requestReview(deps: Deps, body: Body, asked: AskedBy): Promise<Review> {
  const known = await deps.store.ofRequest(asked.requestId);
  if (known) return await begin(deps, sameOrRefused(known, body), asked);
  const filter = filterOf(body);
  checkDays(filter, deps.clock.nowMs(), deps.dedupeTtlDays);
  const { decision, note, appeal } = body;
  const unrecorded = await deps.measureUnrecorded();
  const nowMs = deps.clock.nowMs();
  const review: Review = {
    reviewId: timedIdOf(nowMs, asked.requestId),
    ...{ decision, filter, note },
    ...(appeal === undefined ? {} : { appeal }),
    requestedBy: asked.requestedBy,
    requestedAtMs: nowMs,
    requestId: asked.requestId,
    // All keys of one reader's day lie together.
    segments: filter.readerId === undefined ? scanSegments : 1,
    ...(unrecorded && { unrecorded }),
  };
  const outcome = await deps.store.put(review);
  if (outcome === "no-appeal") {
    throw problems.notFound(
      `appeal ${JSON.stringify(appeal?.appealId)} of creator ${JSON.stringify(appeal?.creatorId)}`,
    );
  }
  const written = outcome === "put" ? review : await deps.store.ofRequest(asked.requestId);
  if (!written) throw new Error("the review that was there a moment ago is gone");
  return await begin(deps, sameOrRefused(written, body), asked);
}

/** Segments that are finished, or being worked on, find nothing left to do. */
async function begin({ bus }: Deps, review: Review, { traceparent }: AskedBy): Promise<Review> {
  const { reviewId, segments } = review;
  await bus.publish(
    Array.from({ length: segments }, (_, segment) => ({
      contract: reviewRequested,
      detail: { schemaVersion: 1, traceparent, reviewId, segment, segments },
    })),
  );
  return review;
}

function filterOf({ readerId, articleId, from, to, reason }: Body): ReviewFilter {
  return {
    ...(readerId === undefined ? {} : { readerId }),
    ...(articleId === undefined ? {} : { articleId }),
    ...(reason === undefined ? {} : { reason }),
    from: from as UtcDay,
    to: to as UtcDay,
  };
}

function checkDays(filter: ReviewFilter, nowMs: number, dedupeTtlDays: number): void {
  const { from, to } = filter;
  const today = utcDayOf(nowMs);
  const error = (field: string, detail: string) =>
    problems.invalid(`${field}: ${detail}`, [{ field, detail }]);
  if (from > to) throw error("from", `${from} is after ${to}, the day in "to"; exchange them.`);
  // It decides on what was accepted before it: of days to come that is nothing.
  if (from > utcDayOf(nowMs + limits.maxAheadMs)) {
    throw error("from", `${from} is yet to come; today is ${today} (UTC).`);
  }
  const days = lengthInDays(filter);
  if (days > limits.maxReviewDays) {
    throw error("to", `${days} days are too many; send one for each ${limits.maxReviewDays} days.`);
  }
  const oldest = utcDayOf(startOfUtcDayMs(today) - (dedupeTtlDays - 1) * dayMs);
  if (from < oldest) {
    throw error(
      "from",
      `what single readers did before ${oldest} is forgotten; start there, and put right what is ` +
        "older with POST /v1/ledger/adjustments.",
    );
  }
}

/** Reviews are kept for ever, longer than answers are. */
function sameOrRefused(known: Review, body: Body): Review {
  const { decision, note, appeal } = body;
  const asked = [decision, note, appeal?.creatorId, appeal?.appealId, ...wordsOf(filterOf(body))];
  const { appeal: before } = known;
  const was = [known.decision, known.note, before?.creatorId, before?.appealId];
  const same = JSON.stringify(asked) === JSON.stringify([...was, ...wordsOf(known.filter)]);
  if (!same) throw problems.keyReused();
  return known;
}

function wordsOf({ readerId, articleId, from, to, reason }: ReviewFilter) {
  return [readerId, articleId, from, to, reason];
}
