import type { AcceptedEngagement } from "../contracts/events.ts";
import type { CreatorId, ReaderId } from "../contracts/ids.ts";
import type { HoldReason, VoidReason } from "../contracts/kinds.ts";
import type { ArticleTerms } from "../registry/article.ts";
import type { Creator } from "../registry/creator.ts";
import type { EngagementState } from "./count-once.ts";

/** Limits beyond which a reader is taken for a machine, or for many behind one name. */
export interface TrafficRules {
  /** Engagements of one reader in one UTC hour, and in one UTC day. */
  readonly maxPerReaderHour: number;
  readonly maxPerReaderDay: number;
  /** Requests that may present one view token for the same thing. */
  readonly tokenBurst: number;
}

/** What the rules look at, beyond the engagement itself. */
export interface Circumstances {
  readonly terms: Pick<ArticleTerms, "shares">;
  readonly creators: ReadonlyMap<CreatorId, Pick<Creator, "readerIds">>;
  /** Of the same reader, before this one: in its UTC hour, and in its UTC day. */
  readonly inHour: number;
  readonly inDay: number;
  readonly commentsInDay: number;
  readonly commentsPerReader: number;
  /** How many requests presented the reader's view tokens again. */
  readonly presentations: number;
}

export interface Verdict {
  readonly state: EngagementState;
  readonly reason?: HoldReason | VoidReason;
}

/** Whether a user agent is a known bot's. Passed in: the list of them is a library's. */
export type IsBot = (userAgent: string) => boolean;

/**
 * Whether an engagement is paid for. What is certainly invalid is void; what only looks so is held,
 * for a person to decide or for time to pass. The order is that of certainty: the first that
 * applies is the reason.
 */
export function judgeEngagement(
  rules: TrafficRules & { readonly isBot: IsBot },
  { readerId, kind, userAgent, comment }: AcceptedEngagement,
  around: Circumstances,
): Verdict {
  if (userAgent !== undefined && rules.isBot(userAgent)) return { state: "void", reason: "bot" };
  if (isOwn(readerId, around)) return { state: "void", reason: "self_view" };
  if (kind === "comment") {
    if (comment?.moderation === "rejected") return { state: "void", reason: "comment_rejected" };
    if (around.commentsInDay >= around.commentsPerReader) {
      return { state: "void", reason: "reader_cap" };
    }
  }
  if (around.presentations >= rules.tokenBurst) return { state: "held", reason: "token_reuse" };
  if (around.inHour >= rules.maxPerReaderHour || around.inDay >= rules.maxPerReaderDay) {
    return { state: "held", reason: "over_rate" };
  }
  if (kind === "comment" && comment?.moderation !== "approved") {
    return { state: "held", reason: "unmoderated" };
  }
  return { state: "paid" };
}

/** A creator who reads what earns them money, under whatever name is known. */
function isOwn(readerId: ReaderId, { terms, creators }: Circumstances): boolean {
  return terms.shares.some(
    ({ creatorId }) =>
      (creatorId as string) === readerId ||
      (creators.get(creatorId)?.readerIds.includes(readerId) ?? false),
  );
}
