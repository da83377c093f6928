import type { ArticleGroupId } from "../contracts/ids.ts";
import type { Micros } from "../values/micros.ts";
import type { Decision } from "./count-once.ts";
import type { CounterAddition } from "./counter.ts";
import type { ReaderDay } from "./impression-key.ts";

/** One atomic write: every key must be new, then everything is added; or nothing happens. */
export interface CountingTransaction {
  readonly decisions: readonly PlacedDecision[];
  readonly additions: readonly CounterAddition[];
  readonly poolUses: readonly ReaderPoolUse[];
  readonly tally: TallyAddition;
}

/** A decision, and the shard of its counters: whoever undoes it must find them. */
export type PlacedDecision = Decision & { readonly shard: number };

/** Refused when it would bring the reader's weight in the pool above the cap. */
export interface ReaderPoolUse {
  readonly readerDay: ReaderDay;
  readonly group: ArticleGroupId;
  readonly weight: bigint;
  readonly cap: bigint;
  readonly expiresAtMs: number;
}

/** Totals that the proof compares with the counters; kept apart from them on purpose. */
export interface TallyAddition {
  readonly shard: number;
  /** Impression keys that were counted. */
  readonly engagements: number;
  /** What those add to the events of counters: one for each creator. */
  readonly events: bigint;
  /** Payable and held, of creators. */
  readonly micros: Micros;
  readonly rejected: number;
  /** Engagements by what became of them: `paid`, `held.over_rate`, `void.bot` … */
  readonly states: ReadonlyMap<string, number>;
}

export type CommitOutcome =
  | { readonly outcome: "committed" }
  /**
   * Nothing was written: `duplicates` index into `decisions`, `overCap` into `poolUses`;
   * `contended`: others held an item.
   */
  | {
      readonly outcome: "cancelled";
      readonly duplicates: readonly number[];
      readonly overCap: readonly number[];
      readonly contended: boolean;
    }
  /** It can never be written as it is; trying again is of no use. */
  | { readonly outcome: "impossible"; readonly reason: string };

export interface CountingTable {
  /** @throws when it cannot be known whether the write happened (a time-out, a lost answer). */
  commit(transaction: CountingTransaction): Promise<CommitOutcome>;
}
