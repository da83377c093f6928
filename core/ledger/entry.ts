import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import type { EngagementKind } from "../contracts/kinds.ts";
import { type Micros, sumMicros } from "../values/micros.ts";
import type { UtcDay } from "../values/time.ts";

/** Where money stands: what the publisher owes its writers as expense, and to whom it is payable. */
export type Account = "expense:revenue-share" | `payable:${string}`;

/** A debit is positive, a credit negative; those of one entry sum to zero. */
export interface Posting {
  readonly account: Account;
  readonly amountMicros: Micros;
}

/** Why an entry has its amount: so many engagements of a kind, on a day, at a card's price. */
export interface EntryLine {
  readonly articleId: ArticleId;
  readonly day: UtcDay;
  readonly kind: EngagementKind;
  readonly rateCardVersion: number;
  readonly count: bigint;
  readonly amountMicros: Micros;
}

export interface LedgerEntry {
  readonly creatorId: CreatorId;
  /** 1, 2, 3 … for each creator: it makes the entry's id, so the same settlement cannot book twice. */
  readonly sequence: number;
  readonly type: "settlement";
  readonly currency: string;
  readonly bookedAtMs: number;
  readonly amountMicros: Micros;
  readonly postings: readonly Posting[];
  readonly lines: readonly EntryLine[];
  readonly traceId: string;
}

/** A creator's place in the ledger: the number of its last entry, and what those sum to. */
export interface LedgerAccount {
  readonly sequence: number;
  readonly settledMicros: Micros;
}

/**
 * Books earnings: debits the publisher's expense, credits the creator's payable.
 * @throws when the postings would not balance, which would be a bug here.
 */
export function settlementEntry(
  facts: Omit<LedgerEntry, "type" | "amountMicros" | "postings">,
): LedgerEntry {
  const amountMicros = sumMicros(facts.lines.map((line) => line.amountMicros));
  const entry: LedgerEntry = {
    ...facts,
    type: "settlement",
    amountMicros,
    postings: [
      { account: "expense:revenue-share", amountMicros },
      { account: payableTo(facts.creatorId), amountMicros: -amountMicros as Micros },
    ],
  };
  if (imbalanceOf(entry) !== 0n) throw new Error(`entry ${entry.sequence} does not balance`);
  return entry;
}

export function payableTo(creatorId: CreatorId): Account {
  return `payable:${creatorId}`;
}

/** Zero for every entry that may exist. */
export function imbalanceOf({ postings }: Pick<LedgerEntry, "postings">): Micros {
  return sumMicros(postings.map(({ amountMicros }) => amountMicros));
}

/** What an entry credits to its creator. */
export function creditOf({ creatorId, postings }: LedgerEntry): Micros {
  const own = postings.filter(({ account }) => account === payableTo(creatorId));
  return -sumMicros(own.map(({ amountMicros }) => amountMicros)) as Micros;
}

/** The public shape: money and counts as decimal strings, times in ISO 8601. */
export function presentEntry(entry: LedgerEntry) {
  return {
    entryId: entryIdOf(entry),
    type: entry.type,
    creatorId: entry.creatorId,
    sequence: entry.sequence,
    currency: entry.currency,
    bookedAt: new Date(entry.bookedAtMs).toISOString(),
    amountMicros: String(entry.amountMicros),
    postings: entry.postings.map(({ account, amountMicros }) => ({
      account,
      amountMicros: String(amountMicros),
    })),
    lines: entry.lines.map((line) => ({
      articleId: line.articleId,
      day: line.day,
      kind: line.kind,
      rateCardVersion: line.rateCardVersion,
      count: String(line.count),
      amountMicros: String(line.amountMicros),
    })),
  };
}

/** Unique, deterministic, and sorted by time within a creator. */
export function entryIdOf({ creatorId, sequence }: Pick<LedgerEntry, "creatorId" | "sequence">) {
  return `${encodeURIComponent(creatorId)}.${String(sequence).padStart(10, "0")}`;
}
