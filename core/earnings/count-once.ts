import type { AcceptedEngagement } from "../contracts/events.ts";
import type { Micros } from "../values/micros.ts";
import type { CounterId, LineKey } from "./counter.ts";
import type { ImpressionKey } from "./impression-key.ts";

interface DecidedKey {
  readonly key: ImpressionKey;
  /** When the key may be forgotten: no engagement of its day is accepted or redriven any more. */
  readonly expiresAtMs: number;
}

/** What an engagement turned out to be worth, before its impression key has been tried. */
export type Decision = DecidedKey &
  (
    | {
        readonly outcome: "paid";
        readonly counter: Omit<CounterId, "shard">;
        readonly line: LineKey;
        readonly micros: Micros;
      }
    | {
        readonly outcome: "rejected";
        readonly reason: RejectionReason;
        /** For whoever reads why. */
        readonly engagement: Pick<AcceptedEngagement, "articleId" | "kind" | "occurredAtMs">;
      }
  );

export type RejectedDecision = Extract<Decision, { outcome: "rejected" }>;

/** Refused after acceptance; kept with the impression key, counted in the tally. */
export type RejectionReason = "unknown_article" | "past_dedupe_horizon";

/** `recorded`: by this very call. `undecided`: try again later, nothing is known to be lost. */
export type Recorded = "recorded" | "duplicate" | "undecided";

/**
 * The counting step: what must hold, whatever layout does it.
 *
 * For each impression key, however often and however concurrently it is presented, exactly one
 * presentation is ever `recorded`; a paid one adds its micros to its counter in the same atomic
 * step. A crash falls before that step or after it. `undecided` may have been recorded: presenting
 * it again answers `duplicate` then.
 */
export interface CountOnce {
  /** @param decisions each key at most once. @param deadlineMs when to stop trying. */
  record(
    decisions: readonly Decision[],
    deadlineMs: number,
  ): Promise<ReadonlyMap<ImpressionKey, Recorded>>;
}
