import type { ArticleGroupId } from "../contracts/ids.ts";
import type { Micros } from "../values/micros.ts";
import type { UtcDay } from "../values/time.ts";
import type { Counter, CounterAddition, CounterId } from "./counter.ts";

/** A day of a pool that is priced: what it was shared out by, and whether all of it is paid. */
export interface PoolDay {
  readonly groupId: ArticleGroupId;
  readonly day: UtcDay;
  /** Number of the group, as counters know it. */
  readonly pool: number;
  /** Version of the group's terms. */
  readonly version: number;
  readonly dailyMicros: Micros;
  readonly totalWeight: bigint;
  readonly counters: number;
  /** To creators, and to the publisher; both and what is unspent sum to `dailyMicros`. */
  readonly awardedMicros: Micros;
  readonly feeMicros: Micros;
  /** All of it when nobody engaged with anything; else nothing. */
  readonly unspentMicros: Micros;
  /** Which of the plans that may have been made is the one: a hash of what it awards. */
  readonly plan: string;
  readonly parts: number;
  readonly plannedAtMs: number;
  /** `done` once every award is in its counter. */
  readonly state: "planned" | "done";
}

/** Some awards of a plan. */
export interface PlanPart {
  readonly number: number;
  readonly awards: readonly CounterAddition[];
}

/** Lines of an award that are added in one step; one of very many lines takes several. */
export interface AwardStep extends CounterAddition {
  /** 0, 1, 2 … in this order. */
  readonly step: number;
}

/** Where counters wait for their pool, and plans are kept. Reads are strongly consistent. */
export interface PoolTable {
  /** Days of a group that are planned or done, from a day on. */
  days(groupId: ArticleGroupId, from: UtcDay): Promise<readonly PoolDay[]>;
  /** Counters that wait for a pool's day to be priced, in pages. This list may lag. */
  waitingCounters(pool: number, day: UtcDay): AsyncIterable<readonly CounterId[]>;
  readCounters(ids: readonly CounterId[]): Promise<readonly Counter[]>;
  /** Parts of a plan that is not the day's yet, and may never be. */
  putPart(day: PoolDay, part: PlanPart): Promise<void>;
  /** Makes this plan the day's, unless there is one already. @returns the day's. */
  decide(day: PoolDay): Promise<PoolDay>;
  /** Parts not marked as paid. */
  unpaidParts(day: PoolDay): AsyncIterable<PlanPart>;
  /**
   * Adds lines to a counter and the tally, makes the counter due for settlement, and closes it to
   * other awards, in one atomic step. A counter without lines is only closed. `already`: it was
   * done before; `contended`: someone else held an item, and nothing was written.
   */
  award(step: AwardStep, tallyShard: number): Promise<"awarded" | "already" | "contended">;
  markPaid(day: PoolDay, part: PlanPart): Promise<void>;
  markDone(day: PoolDay): Promise<void>;
}
