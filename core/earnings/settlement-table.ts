import type { CreatorId } from "../contracts/ids.ts";
import type { LedgerAccount, LedgerEntry } from "../ledger/entry.ts";
import type { Counter, CounterId } from "./counter.ts";
import type { LineKey } from "./line.ts";

/** A counter as settlement saw it, of which these lines are marked settled up to what was seen. */
export interface Drain {
  readonly counter: Counter;
  readonly lines: readonly LineKey[];
  /**
   * Also take the counter off the due list. Fails the commit when it was added to meanwhile,
   * since an addition that nobody is told of would stay pending for ever.
   */
  readonly clearDue: boolean;
}

/** Where counters and the ledger meet. All reads of counters and accounts are strongly consistent. */
export interface SettlementTable {
  /** Creators with something to settle, from one bucket of the due list, in pages. */
  creatorsDue(bucket: number): AsyncIterable<readonly CreatorId[]>;
  /**
   * A creator's counters that are on the due list, in pages of at most `maxCountersPerEntry`. The
   * list may lag behind; what a counter holds does not.
   */
  dueCounters(creatorId: CreatorId): AsyncIterable<readonly Counter[]>;
  readCounters(ids: readonly CounterId[]): Promise<readonly Counter[]>;
  readAccount(creatorId: CreatorId): Promise<LedgerAccount>;
  /**
   * Writes the entry, moves the account from `entry.sequence - 1` to it, and marks the drains, in
   * one atomic step. `raced`: someone else was there first and nothing was written.
   */
  commit(entry: LedgerEntry, drains: readonly Drain[]): Promise<"committed" | "raced">;
  /**
   * Takes a counter with nothing pending off the due list, unless it was added to meanwhile. One that
   * still holds held money goes on the list of those whose hold will be over.
   */
  clearDue(counter: Counter): Promise<void>;
}
