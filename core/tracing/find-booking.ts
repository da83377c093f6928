import type { LedgerEntry } from "../ledger/entry.ts";
import type { LedgerStore } from "../ledger/ledger-store.ts";
import type { CountedPlace } from "./trace-step.ts";

/** Entries looked through after the moment of counting; a creator has one a minute at most, as a rule. */
const maxLookedAt = 60;

/**
 * The first settlement after a moment that books an article's day: what was counted there before is in
 * the ledger with it. Entries are numbered by time, so it is found by halving.
 */
export async function findBooking(
  ledger: Pick<LedgerStore, "readAccount" | "entry">,
  { creatorId, articleId, day }: CountedPlace,
  afterMs: number,
): Promise<LedgerEntry | undefined> {
  const { sequence: last } = await ledger.readAccount(creatorId);
  let low = 1;
  let high = last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const entry = await ledger.entry(creatorId, middle);
    if (entry && entry.bookedAtMs >= afterMs) high = middle;
    else low = middle + 1;
  }
  for (let sequence = low; sequence <= Math.min(last, low + maxLookedAt); sequence += 1) {
    const entry = await ledger.entry(creatorId, sequence);
    const books = entry?.lines.some((line) => line.articleId === articleId && line.day === day);
    if (entry?.type === "settlement" && books) return entry;
  }
  return undefined;
}
