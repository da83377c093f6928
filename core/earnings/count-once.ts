import type { AcceptedEngagement } from "../contracts/events.ts";
import type { ArticleGroupId, CreatorId } from "../contracts/ids.ts";
import type { HoldReason, PricedKind, VoidReason } from "../contracts/kinds.ts";
import type { UtcDay } from "../values/time.ts";
import type { LineTotal } from "./counter.ts";
import type { ImpressionKey, ReaderDay } from "./impression-key.ts";
import type { LineKey } from "./line.ts";

interface DecidedKey {
  readonly key: ImpressionKey;
  /** When the key may be forgotten: no engagement of its day is accepted or redriven any more. */
  readonly expiresAtMs: number;
  /** For whoever reads why. */
  readonly engagement: Pick<AcceptedEngagement, "articleId" | "kind" | "occurredAtMs">;
  /** Which request presented it, and which view token; see `reader-history.ts`. */
  readonly presentation?: Presentation | undefined;
}

/** Short hashes: of a view token, and of the request that presented it. */
export interface Presentation {
  readonly token: string;
  readonly request: string;
}

/** What an engagement's money is: payable, waiting, or none. */
export type EngagementState = "paid" | "held" | "void";

/** What a counted engagement adds to the counter of one of its article's creators. */
export interface Credit {
  readonly creatorId: CreatorId;
  readonly line: LineKey;
  readonly total: LineTotal;
}

/** How much of its reader's weight in a pool's day an engagement uses. */
export interface PoolUse {
  /** The pool's day, which is a later one than the engagement's when that came too late. */
  readonly readerDay: ReaderDay;
  readonly group: ArticleGroupId;
  readonly weight: bigint;
  /** All of them together may not exceed this. */
  readonly cap: bigint;
}

export type CountedDecision = DecidedKey & {
  readonly outcome: "counted";
  readonly state: EngagementState;
  readonly reason?: HoldReason | VoidReason;
  readonly kind: PricedKind;
  readonly day: UtcDay;
  /** One for each creator of the article. */
  readonly credits: readonly Credit[];
  readonly pool?: PoolUse;
  /** Number of its pool's group, when it takes part in one. */
  readonly poolNumber?: number;
};

export type RejectedDecision = DecidedKey & {
  readonly outcome: "rejected";
  readonly reason: RejectionReason;
};

/** What an engagement turned out to be worth, before its impression key has been tried. */
export type Decision = CountedDecision | RejectedDecision;

/** `paid`, `held.over_rate`, `void.bot` …: how totals name what became of an engagement. */
export function stateName({
  state,
  reason,
}: {
  readonly state: EngagementState;
  readonly reason?: HoldReason | VoidReason | undefined;
}): string {
  return reason === undefined ? state : `${state}.${reason}`;
}

/** Refused after acceptance; kept with the impression key, counted in the tally. */
export type RejectionReason = "unknown_article" | "past_dedupe_horizon";

/**
 * `recorded`: by this very call. `undecided`: try again later, nothing is known to be lost.
 * `stale`: not recorded, because its reader used up the weight in a pool meanwhile; decide it again.
 */
export type Recorded = "recorded" | "duplicate" | "undecided" | "stale";

/**
 * The counting step: what must hold, whatever layout does it.
 *
 * For each impression key, however often and however concurrently it is presented, exactly one
 * presentation is ever `recorded`; a counted one adds its credits to their counters in the same
 * atomic step. A crash falls before that step or after it. `undecided` may have been recorded:
 * presenting it again answers `duplicate` then.
 */
export interface CountOnce {
  /** @param decisions each key at most once. @param deadlineMs when to stop trying. */
  record(
    decisions: readonly Decision[],
    deadlineMs: number,
  ): Promise<ReadonlyMap<ImpressionKey, Recorded>>;
}
