import type { CreatorId } from "../contracts/ids.ts";
import { problems } from "../perimeter/problem.ts";
import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";
import type { LedgerAccount, LedgerEntry } from "./entry.ts";

/** A later entry that says in its `corrects` that it is about an earlier one. */
export interface Correction {
  readonly sequence: number;
  /** It takes the whole of the other back. */
  readonly reverses: boolean;
}

/** One creator's part of the ledger, strongly consistent. */
export interface LedgerStore {
  readAccount(creatorId: CreatorId): Promise<LedgerAccount>;
  entry(creatorId: CreatorId, sequence: number): Promise<LedgerEntry | undefined>;
  /** The number of the entry that a request booked, if it did. */
  entryOfRequest(creatorId: CreatorId, requestId: string): Promise<number | undefined>;
  /** Entries whose `corrects` names this one, oldest first. */
  correctionsOf(creatorId: CreatorId, sequence: number): Promise<readonly Correction[]>;
  /** Books an entry and remembers which request did, and what it corrects, or nothing of it all. */
  book(entry: LedgerEntry, as: Booking): Promise<"booked" | "raced">;
}

export interface Booking {
  readonly requestId: string;
  readonly corrects?: { readonly sequence: number; readonly reverses: boolean };
}

const maxAttempts = 12;
const backoff: Backoff = { baseMs: 20, capMs: 800 };

/**
 * Decides on an account as it is and books on the condition that it still is so; again when a rival
 * was first. Whatever `attempt` reads after the account is safe to decide on: had it changed, the
 * account would have a new number.
 * @throws Problem 503 when rivals kept winning.
 */
export async function onAccount<Result>(
  deps: { readonly ledger: Pick<LedgerStore, "readAccount">; readonly pacing: Pacing },
  creatorId: CreatorId,
  attempt: (account: LedgerAccount) => Promise<Result | "raced">,
): Promise<Result> {
  for (let count = 0; count < maxAttempts; count += 1) {
    if (count > 0) await deps.pacing.sleep(backoffMs(count, backoff, deps.pacing.random));
    const result = await attempt(await deps.ledger.readAccount(creatorId));
    if (result !== "raced") return result as Result;
  }
  throw problems.unavailable("This account is being booked on just now.");
}
