import type { CreatorId } from "../contracts/ids.ts";
import type { Audience } from "../perimeter/caller.ts";
import { type PageQuery, sequenceOfCursor } from "../perimeter/page.ts";
import type { LedgerEntry } from "./entry.ts";
import { presentEntry } from "./present-entry.ts";

export interface LedgerReader {
  /** A creator's entries, newest first, below `beforeSequence`; strongly consistent. */
  entries(
    creatorId: CreatorId,
    limit: number,
    beforeSequence: number | undefined,
  ): Promise<readonly LedgerEntry[]>;
}

/** A page of a creator's ledger, newest entry first. */
export async function readLedger(
  ledger: LedgerReader,
  creatorId: CreatorId,
  { limit, cursor }: PageQuery,
  audience: Audience = { names: false },
) {
  const entries = await ledger.entries(creatorId, limit, sequenceOfCursor(cursor));
  const last = entries.at(-1);
  return {
    items: entries.map((entry) => presentEntry(entry, audience)),
    // Entries are numbered from 1 without gaps: below 1 there is no next page.
    ...(last && last.sequence > 1 ? { nextCursor: String(last.sequence) } : {}),
  };
}
