import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import { effectOf } from "../earnings/counter.ts";
import type { LineParts } from "../earnings/line.ts";
import { type Micros, sumMicros } from "../values/micros.ts";
import type { UtcDay } from "../values/time.ts";
import { urlSafe } from "../values/url-safe.ts";

/**
 * Where money stands:
 * - `expense:revenue-share`: what the publisher spends on its writers
 * - `income:fees`: the part of that which it keeps
 * - `payable:<creator>`: owed to the creator
 * - `held:<creator>`: owed, unless it turns out to be invalid traffic
 * - `clearing:payouts`: on its way to creators
 * - `assets:cash`: has arrived
 */
export type Account =
  | "expense:revenue-share"
  | "income:fees"
  | "clearing:payouts"
  | "assets:cash"
  | `payable:${string}`
  | `held:${string}`;

/** A debit is positive, a credit negative; those of one entry sum to zero. */
export interface Posting {
  readonly account: Account;
  readonly amountMicros: Micros;
}

export const entryTypes = [
  /** Earnings, payable or held. */
  "settlement",
  /** Held money that became payable. */
  "release",
  /** Earnings that were voided after they were booked. */
  "reversal",
  /** Booked by hand, with a note. */
  "adjustment",
  /** Reserved for a payout; then confirmed, or failed and payable again. */
  "payout",
  "payout-confirmation",
  "payout-failure",
] as const;
export type EntryType = (typeof entryTypes)[number];

/** Why an entry has its amount: so many engagements of a kind, on a day, at a card's price. */
export interface EntryLine extends LineParts {
  readonly articleId: ArticleId;
  /** When it was earned: its effective date. The entry's `bookedAtMs` is the booking date. */
  readonly day: UtcDay;
  readonly count: bigint;
  /** The creator's part of it, not negative; `movement` says what it does. */
  readonly amountMicros: Micros;
  readonly feeMicros: Micros;
  /** Of a reversal or release: number of the entry that booked last what it corrects. */
  readonly correctsSequence?: number;
}

/** Everything ever booked on an account, by cause; none of them shrinks but `adjusted`. */
export interface AccountTotals {
  /** Credited as payable by settlements. */
  readonly earned: Micros;
  /** Credited as held by settlements. */
  readonly held: Micros;
  /** Held, then payable. */
  readonly released: Micros;
  /** Payable, then void. */
  readonly reversed: Micros;
  /** Held, then void. */
  readonly dropped: Micros;
  /** By hand; negative when it took more than it gave. */
  readonly adjusted: Micros;
  /** Reserved for payouts; `returned` of it by failures, `confirmed` of it by the provider. */
  readonly reserved: Micros;
  readonly returned: Micros;
  readonly confirmed: Micros;
  /** The publisher's fees on all that, less those of what was voided. */
  readonly fees: Micros;
}

export interface LedgerEntry {
  readonly creatorId: CreatorId;
  /** 1, 2, 3 … for each creator: it makes the entry's id, so the same entry cannot be booked twice. */
  readonly sequence: number;
  readonly type: EntryType;
  readonly currency: string;
  /** Never earlier than the creator's entry before it, whatever the clocks say. */
  readonly bookedAtMs: number;
  /** The last day that it concerns. */
  readonly effectiveDay: UtcDay;
  readonly postings: readonly Posting[];
  readonly lines: readonly EntryLine[];
  /** What the account's totals are after this entry: a statement is the difference of two. */
  readonly totals: AccountTotals;
  readonly traceId: string;
  /** The entry that this one corrects or completes. */
  readonly corrects?: string;
  /** Why, in words, when a person booked it; and who. */
  readonly note?: string;
  readonly bookedBy?: string;
}

/** A creator's place in the ledger: the number of its last entry, and what those sum to. */
export interface LedgerAccount {
  readonly sequence: number;
  readonly bookedAtMs: number;
  readonly totals: AccountTotals;
}

const zero = 0n as Micros;

export const emptyAccount: LedgerAccount = {
  sequence: 0,
  bookedAtMs: 0,
  totals: {
    ...{ earned: zero, held: zero, released: zero, reversed: zero, dropped: zero },
    ...{ adjusted: zero, reserved: zero, returned: zero, confirmed: zero, fees: zero },
  },
};

/** Owed to the creator; negative after reversals of what was paid out already. */
export function payableOf(totals: AccountTotals): Micros {
  const { earned, released, reversed, adjusted, reserved, returned } = totals;
  return (earned + released - reversed + adjusted - reserved + returned) as Micros;
}

export function heldOf({ held, released, dropped }: AccountTotals): Micros {
  return (held - released - dropped) as Micros;
}

/** Reserved for payouts of which no result is known yet. */
export function inPayoutOf({ reserved, returned, confirmed }: AccountTotals): Micros {
  return (reserved - returned - confirmed) as Micros;
}

type Facts = Pick<LedgerEntry, "creatorId" | "currency" | "traceId"> & { readonly nowMs: number };

interface Draft {
  readonly type: EntryType;
  readonly effectiveDay: UtcDay;
  readonly postings: readonly Posting[];
  readonly lines?: readonly EntryLine[];
  readonly corrects?: string;
  readonly note?: string;
  readonly bookedBy?: string;
}

/**
 * The next entry of an account, to be committed on the condition that it still is the next.
 * @throws when the postings would not balance, which would be a bug here.
 */
export function bookEntry(account: LedgerAccount, facts: Facts, draft: Draft): LedgerEntry {
  const { nowMs, ...rest } = facts;
  const entry: LedgerEntry = {
    ...rest,
    ...draft,
    lines: draft.lines ?? [],
    postings: draft.postings.filter(({ amountMicros }) => amountMicros !== 0n),
    sequence: account.sequence + 1,
    bookedAtMs: Math.max(nowMs, account.bookedAtMs),
    totals: account.totals,
  };
  if (imbalanceOf(entry) !== 0n) throw new Error(`entry ${entry.sequence} does not balance`);
  return { ...entry, totals: totalsAfter(account.totals, entry) };
}

/** The types of entry that come from counters, by what their lines do. */
export const entryTypeOf = {
  paid: "settlement",
  held: "settlement",
  freed: "release",
  voided: "reversal",
  dropped: "reversal",
} as const satisfies Partial<Record<LineParts["movement"], EntryType>>;

/** An entry of lines that counters hold. Those of one entry must all be of its type. */
export function entryOfLines(
  account: LedgerAccount,
  facts: Facts,
  type: EntryType,
  lines: readonly EntryLine[],
): LedgerEntry {
  const effects = lines.map((line) =>
    effectOf(line.movement, { micros: line.amountMicros, feeMicros: line.feeMicros }),
  );
  const payable = sumMicros(effects.map((effect) => effect.payable));
  const held = sumMicros(effects.map((effect) => effect.held));
  const fee = sumMicros(effects.map((effect) => effect.fee));
  const { creatorId } = facts;
  const days = lines.map(({ day }) => day).sort();
  return bookEntry(account, facts, {
    type,
    lines,
    effectiveDay: days.at(-1) ?? ("1970-01-01" as UtcDay),
    postings: [
      posting("expense:revenue-share", payable + held + fee),
      posting(payableTo(creatorId), -payable),
      posting(heldFor(creatorId), -held),
      posting("income:fees", -fee),
    ],
  });
}

export function posting(account: Account, amountMicros: bigint): Posting {
  return { account, amountMicros: amountMicros as Micros };
}

/** What an entry adds to each total of its creator's account. */
export function totalsAfter(before: AccountTotals, entry: LedgerEntry): AccountTotals {
  const payable = creditOf(entry);
  const held = heldCreditOf(entry);
  const fees = (before.fees - debitOf(entry, "income:fees")) as Micros;
  const add = (name: keyof AccountTotals, amount: bigint) => ({
    ...before,
    fees,
    [name]: (before[name] + amount) as Micros,
  });
  switch (entry.type) {
    case "settlement":
      return { ...add("earned", payable), held: (before.held + held) as Micros };
    case "release":
      return add("released", payable);
    case "reversal":
      return { ...add("reversed", -payable), dropped: (before.dropped - held) as Micros };
    case "adjustment":
      return add("adjusted", payable);
    case "payout":
      return add("reserved", -payable);
    case "payout-failure":
      return add("returned", payable);
    case "payout-confirmation":
      return add("confirmed", debitOf(entry, "clearing:payouts"));
  }
}

export function payableTo(creatorId: CreatorId): Account {
  return `payable:${creatorId}`;
}

export function heldFor(creatorId: CreatorId): Account {
  return `held:${creatorId}`;
}

/** Zero for every entry that may exist. */
export function imbalanceOf({ postings }: Pick<LedgerEntry, "postings">): Micros {
  return sumMicros(postings.map(({ amountMicros }) => amountMicros));
}

function debitOf({ postings }: LedgerEntry, account: Account): Micros {
  const own = postings.filter((posting) => posting.account === account);
  return sumMicros(own.map(({ amountMicros }) => amountMicros));
}

/** By how much an entry changes what is payable to its creator. */
export function creditOf(entry: LedgerEntry): Micros {
  return -debitOf(entry, payableTo(entry.creatorId)) as Micros;
}

/** By how much an entry changes what is held for its creator. */
export function heldCreditOf(entry: LedgerEntry): Micros {
  return -debitOf(entry, heldFor(entry.creatorId)) as Micros;
}

/** Unique, deterministic, and sorted by time within a creator. */
export function entryIdOf({ creatorId, sequence }: Pick<LedgerEntry, "creatorId" | "sequence">) {
  return `${escapedCreator(creatorId)}.${String(sequence).padStart(10, "0")}`;
}

/** A creator's id as ids of entries hold it. */
export function escapedCreator(creatorId: CreatorId): string {
  return urlSafe(creatorId);
}
