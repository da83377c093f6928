import type { CreatorId } from "../contracts/ids.ts";
import type { HoldReason, VoidReason } from "../contracts/kinds.ts";
import type { Credit, EngagementState } from "../earnings/count-once.ts";
import type { Counter, CounterId, Lines } from "../earnings/counter.ts";
import type { ImpressionKey } from "../earnings/impression-key.ts";
import type { LineKey } from "../earnings/line.ts";
import type { UtcDay } from "../values/time.ts";
import type { CreatorChange, Review } from "./review.ts";

/** The impression key of a counted engagement, as it is stored. */
export interface StoredKey {
  readonly key: ImpressionKey;
  readonly state: EngagementState;
  readonly reason: HoldReason | VoidReason | undefined;
  readonly articleId: CounterId["articleId"];
  readonly countedAtMs: number;
  readonly expiresAtMs: number;
  /** The review that decided on it last. */
  readonly reviewId: string | undefined;
  /** Of its counters, one for each credit. */
  readonly day: UtcDay;
  readonly shard: number;
  readonly pool: number | undefined;
  readonly credits: readonly Credit[];
}

/** An engagement's change of state. It fails unless the key is still as it was read. */
export interface KeyChange {
  readonly from: StoredKey;
  readonly state: EngagementState;
  readonly reason?: VoidReason;
}

/** What must still be true of a counter when it is added to; see `changeOf`. */
export interface Guard {
  /** Its holds were not freed since it was read. */
  readonly freedAtMs?: { readonly seen: number | undefined };
  /** Nothing was added to it since it was read. */
  readonly events?: bigint;
  /** These lines are not there: the pool's day is not priced. */
  readonly without: ReadonlySet<LineKey>;
}

export interface GuardedAddition {
  readonly id: CounterId;
  readonly lines: Lines;
  readonly guard: Guard;
}

/** One atomic write: every key changes state and every counter what it adds up to, or nothing. */
export interface ReviewTransaction {
  readonly keys: readonly KeyChange[];
  readonly additions: readonly GuardedAddition[];
  /** What it gives creators, or takes. */
  readonly creators: ReadonlyMap<CreatorId, Omit<CreatorChange, "creatorId">>;
  /** Engagements by what became of them: what was, below zero; what is now, above. */
  readonly states: ReadonlyMap<string, number>;
}

/** The part of a review that one delivery works on. */
export interface Segment {
  readonly reviewId: string;
  readonly segment: number;
  readonly segments: number;
}

/** What a decision is added to: a segment, or what was recorded when segments had been worked on. */
export interface DecidedIn {
  readonly reviewId: string;
  readonly segment: number | "later";
}

/** Where a review's keys and their counters are. All reads are strongly consistent. */
export interface ReviewTable {
  /**
   * Keys that may match, after a cursor: of the reader's days when the filter names a reader, else
   * of a segment of all. A page may be empty; the last one has no cursor.
   */
  page(
    review: Review,
    segment: Segment,
    cursor: string | undefined,
  ): Promise<{ readonly keys: readonly StoredKey[]; readonly cursor: string | undefined }>;
  readKeys(keys: readonly ImpressionKey[]): Promise<readonly StoredKey[]>;
  readCounters(ids: readonly CounterId[]): Promise<readonly Counter[]>;
  /**
   * Also adds to the tally; and, when a review decided it, to its segment's progress and to what it
   * did to creators.
   * `raced`: something is not as it was read, and nothing was written.
   * @throws when it cannot be known whether the write happened.
   */
  commit(
    place: DecidedIn | undefined,
    transaction: ReviewTransaction,
    tallyShard: number,
    nowMs: number,
  ): Promise<"committed" | "raced">;
}
