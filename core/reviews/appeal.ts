import type * as z from "zod";
import type { ArticleId, CreatorId, EntryId } from "../contracts/ids.ts";
import type { postAppealSchema } from "../contracts/money-bodies.ts";
import { parseEntryId } from "../ledger/entry-id.ts";
import type { Audience } from "../perimeter/caller.ts";
import { checkTimedCursor, nextCursor, type PageQuery } from "../perimeter/page.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";
import { timedIdOf } from "../values/timed-id.ts";
import { pathOfReview, type ReviewDecision } from "./review.ts";

/** A creator's objection to what was held or voided. Reviews answer it. */
export interface Appeal {
  readonly creatorId: CreatorId;
  /** Sorts by when it was posted. */
  readonly appealId: string;
  readonly note: string;
  readonly articleId?: ArticleId;
  readonly entryId?: EntryId;
  readonly postedBy: string;
  readonly postedAtMs: number;
  /** Which request it was; the same for each retry of it. */
  readonly requestId: string;
  /** Oldest first; none while it is open. */
  readonly answers: readonly AppealAnswer[];
}

export interface AppealAnswer {
  readonly reviewId: string;
  readonly decision: ReviewDecision;
  readonly answeredAtMs: number;
}

/** Appeals; strongly consistent. */
export interface AppealStore {
  /** Writes it and remembers its request. `known`: the request was written before. */
  put(appeal: Appeal): Promise<"put" | "known">;
  /** The appeal that a request wrote, if it did. */
  ofRequest(creatorId: CreatorId, requestId: string): Promise<Appeal | undefined>;
  /** Newest first, older than `before`. */
  list(creatorId: CreatorId, limit: number, before: string | undefined): Promise<readonly Appeal[]>;
}

interface Deps {
  readonly appeals: AppealStore;
  readonly clock: Clock;
}

/**
 * Takes an appeal down, once for each request.
 * @throws Problem 400 when it names an entry of somebody else's ledger.
 */
export async function postAppeal(
  { appeals, clock }: Deps,
  creatorId: CreatorId,
  body: z.infer<typeof postAppealSchema>,
  { postedBy, requestId }: Pick<Appeal, "postedBy" | "requestId">,
): Promise<Appeal> {
  const { note, articleId, entryId } = body;
  if (entryId !== undefined && parseEntryId(entryId)?.creatorId !== creatorId) {
    const detail = `${JSON.stringify(entryId)} is no entry of creator ${JSON.stringify(creatorId)}.`;
    throw problems.invalid(`entryId: ${detail}`, [{ field: "entryId", detail }]);
  }
  const postedAtMs = clock.nowMs();
  const appeal: Appeal = {
    creatorId,
    appealId: timedIdOf(postedAtMs, requestId),
    note,
    ...(articleId === undefined ? {} : { articleId }),
    ...(entryId === undefined ? {} : { entryId }),
    ...{ postedBy, postedAtMs, requestId },
    answers: [],
  };
  if ((await appeals.put(appeal)) === "put") return appeal;
  const known = await appeals.ofRequest(creatorId, requestId);
  const same = known?.note === note && known.articleId === articleId && known.entryId === entryId;
  if (!known || !same) throw problems.keyReused();
  return known;
}

/** A page of a creator's appeals, newest first. */
export async function readAppeals(
  appeals: AppealStore,
  creatorId: CreatorId,
  { limit, cursor }: PageQuery,
  audience: Audience,
) {
  checkTimedCursor(cursor);
  const page = await appeals.list(creatorId, limit, cursor);
  return {
    items: page.map((appeal) => presentAppeal(appeal, audience)),
    ...nextCursor(page, limit, ({ appealId }) => appealId),
  };
}

/** The public shape. Reviews are the admin's: a creator is told their decision and their id. */
export function presentAppeal(
  { requestId: _, postedBy, postedAtMs, answers, ...appeal }: Appeal,
  { names }: Audience,
) {
  return {
    ...appeal,
    ...(names && { postedBy }),
    postedAt: new Date(postedAtMs).toISOString(),
    state: answers.length === 0 ? "open" : "answered",
    answers: answers.map(({ reviewId, decision, answeredAtMs }) => ({
      ...{ reviewId, decision },
      answeredAt: new Date(answeredAtMs).toISOString(),
      links: { review: pathOfReview(reviewId) },
    })),
  };
}
