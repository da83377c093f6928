import type { Audience } from "../perimeter/caller.ts";
import {
  creditOf,
  type EntryLine,
  entryIdOf,
  heldCreditOf,
  heldOf,
  type LedgerEntry,
  payableOf,
} from "./entry.ts";

/**
 * The public shape. Money is a string of digits in micros; `amountMicros` is the change of what is
 * payable, `heldMicros` that of what is held, `balance` what both are after the entry.
 */
export function presentEntry(entry: LedgerEntry, { names }: Audience) {
  const correctsEntries = entriesCorrected(entry);
  return {
    entryId: entryIdOf(entry),
    type: entry.type,
    creatorId: entry.creatorId,
    sequence: entry.sequence,
    currency: entry.currency,
    bookedAt: new Date(entry.bookedAtMs).toISOString(),
    effectiveDay: entry.effectiveDay,
    amountMicros: String(creditOf(entry)),
    heldMicros: String(heldCreditOf(entry)),
    feeMicros: String(feeOf(entry)),
    postings: entry.postings.map(({ account, amountMicros }) => ({
      account,
      amountMicros: String(amountMicros),
    })),
    lines: entry.lines.map((line) => presentLine(line, entry.bookedAtMs)),
    ...(entry.corrects === undefined ? {} : { corrects: entry.corrects }),
    ...(correctsEntries.length === 0 ? {} : { correctsEntries }),
    ...(entry.note === undefined ? {} : { note: entry.note }),
    balance: {
      payableMicros: String(payableOf(entry.totals)),
      heldMicros: String(heldOf(entry.totals)),
    },
    ...(names && {
      ...(entry.bookedBy === undefined ? {} : { bookedBy: entry.bookedBy }),
      traceId: entry.traceId,
    }),
  };
}

function presentLine(line: EntryLine, bookedAtMs: number) {
  return {
    articleId: line.articleId,
    day: line.day,
    kind: line.kind,
    model: line.model,
    rateCard: line.card,
    sharesVersion: line.sharesVersion,
    movement: line.movement,
    ...(line.reason === undefined ? {} : { reason: line.reason }),
    count: String(line.count),
    amountMicros: String(line.amountMicros),
    feeMicros: String(line.feeMicros),
    // Its month's statement was closed: it shows in that of the month in which it was booked.
    ...(isLate(line, bookedAtMs) ? { late: true } : {}),
  };
}

function isLate({ day }: EntryLine, bookedAtMs: number): boolean {
  return day.slice(0, 7) < new Date(bookedAtMs).toISOString().slice(0, 7);
}

/** By how much an entry changes what the publisher keeps. */
function feeOf({ postings }: LedgerEntry): bigint {
  const fees = postings.filter(({ account }) => account === "income:fees");
  return fees.reduce((sum, { amountMicros }) => sum - amountMicros, 0n);
}

/** Ids of the entries that the lines name as what they correct, each once, oldest first. */
function entriesCorrected({ creatorId, lines }: LedgerEntry): string[] {
  const sequences = new Set(lines.flatMap(({ correctsSequence }) => correctsSequence ?? []));
  return [...sequences].sort((a, b) => a - b).map((sequence) => entryIdOf({ creatorId, sequence }));
}
