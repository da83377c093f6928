import type { CreatorId } from "../contracts/ids.ts";
import { problems } from "../perimeter/problem.ts";
import { type LedgerEntry, presentEntry } from "./entry.ts";

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
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const before = cursor === undefined ? undefined : parseCursor(cursor);
  const entries = await ledger.entries(creatorId, limit, before);
  const last = entries.at(-1);
  return {
    items: entries.map(presentEntry),
    // Entries are numbered from 1 without gaps: below 1 there is no next page.
    ...(last && last.sequence > 1 ? { nextCursor: String(last.sequence) } : {}),
  };
}

function parseCursor(cursor: string): number {
  if (!/^[1-9]\d{0,14}$/.test(cursor)) {
    throw problems.invalid("cursor: send back a nextCursor exactly as an answer gave it.");
  }
  return Number(cursor);
}
