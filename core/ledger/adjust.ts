import type * as z from "zod";
import type { CreatorId } from "../contracts/ids.ts";
import type { postAdjustmentSchema } from "../contracts/money-bodies.ts";
import { problems } from "../perimeter/problem.ts";
import type { Pacing } from "../values/retry.ts";
import { type Clock, type UtcDay, utcDayOf } from "../values/time.ts";
import {
  bookEntry,
  entryIdOf,
  type LedgerAccount,
  type LedgerEntry,
  type Posting,
  payableTo,
  posting,
} from "./entry.ts";
import { parseEntryId } from "./entry-id.ts";
import { type Booking, type LedgerStore, onAccount } from "./ledger-store.ts";

export interface AdjustDeps {
  readonly ledger: LedgerStore;
  readonly clock: Clock;
  readonly pacing: Pacing;
  readonly currency: string;
}

/** Who books by hand, and what makes a retry the same request. */
export interface ByHand {
  /** `<role>:<subject>` */
  readonly bookedBy: string;
  readonly requestId: string;
  readonly traceId: string;
}

/**
 * Books an amount for a creator by hand: above zero it is owed on top, below zero it is owed less.
 * A retry of a request that was cut off finds the entry it booked.
 * @throws Problem 400 for a day to come or an entry that is not there to be corrected.
 */
export async function postAdjustment(
  deps: AdjustDeps,
  body: z.infer<typeof postAdjustmentSchema>,
  hand: ByHand,
): Promise<LedgerEntry> {
  const { creatorId, amountMicros, note, corrects } = body;
  const today = utcDayOf(deps.clock.nowMs());
  const effectiveDay = (body.effectiveDay ?? today) as UtcDay;
  if (effectiveDay > today) {
    throw problems.invalid(
      `effectiveDay: ${effectiveDay} is yet to come; today is ${today} (UTC).`,
    );
  }
  return await onAccount(deps, creatorId, async (account) => {
    const own = await entryOfRetry(deps, creatorId, hand);
    if (own) return sameOrRefused(own, body);
    const corrected =
      corrects === undefined ? undefined : await entryToCorrect(deps, creatorId, corrects);
    const postings = [
      posting("expense:revenue-share", amountMicros),
      posting(payableTo(creatorId), -amountMicros),
    ];
    const facts = { creatorId, effectiveDay, note, postings };
    return await bookByHand(deps, account, facts, hand, corrected, false);
  });
}

/** An adjustment as the account's next entry, remembered under its request. */
export async function bookByHand(
  deps: AdjustDeps,
  account: LedgerAccount,
  facts: Pick<LedgerEntry, "creatorId" | "effectiveDay" | "postings"> & { readonly note: string },
  { bookedBy, requestId, traceId }: ByHand,
  corrected: LedgerEntry | undefined,
  reverses: boolean,
): Promise<LedgerEntry | "raced"> {
  const { creatorId, ...draft } = facts;
  const { currency, clock } = deps;
  const entry = bookEntry(
    account,
    { creatorId, currency, traceId, nowMs: clock.nowMs() },
    {
      type: "adjustment",
      ...draft,
      bookedBy,
      ...(corrected === undefined ? {} : { corrects: entryIdOf(corrected) }),
    },
  );
  const booking: Booking = {
    requestId,
    ...(corrected === undefined ? {} : { corrects: { sequence: corrected.sequence, reverses } }),
  };
  return (await deps.ledger.book(entry, booking)) === "booked" ? entry : "raced";
}

/** What an earlier try of the same request booked. */
export async function entryOfRetry(
  { ledger }: AdjustDeps,
  creatorId: LedgerEntry["creatorId"],
  { requestId }: ByHand,
): Promise<LedgerEntry | undefined> {
  const sequence = await ledger.entryOfRequest(creatorId, requestId);
  return sequence === undefined ? undefined : await ledger.entry(creatorId, sequence);
}

interface Asked {
  /** Left out: whatever day it was then. */
  readonly effectiveDay?: string | undefined;
  readonly amountMicros: bigint;
  readonly note: string;
  readonly corrects?: string | undefined;
}

/** The ledger remembers requests for ever, longer than answers are kept. */
export function sameOrRefused(
  own: LedgerEntry,
  { amountMicros, note, corrects, effectiveDay }: Asked,
): LedgerEntry {
  const same =
    postedTo(own.postings) === amountMicros &&
    own.note === note &&
    own.corrects === corrects &&
    (effectiveDay === undefined || own.effectiveDay === effectiveDay);
  if (!same) throw problems.keyReused();
  return own;
}

/** What an adjustment costs the publisher, and gives the creator. */
export function postedTo(postings: readonly Posting[]): bigint {
  const expense = postings.filter(({ account }) => account === "expense:revenue-share");
  return expense.reduce((sum, { amountMicros }) => sum + amountMicros, 0n);
}

async function entryToCorrect(
  { ledger }: AdjustDeps,
  creatorId: CreatorId,
  corrects: string,
): Promise<LedgerEntry> {
  const place = parseEntryId(corrects);
  const entry =
    place?.creatorId === creatorId ? await ledger.entry(creatorId, place.sequence) : undefined;
  if (entry) return entry;
  throw problems.invalid(
    `corrects: ${JSON.stringify(corrects)} is no entry of creator ${JSON.stringify(creatorId)}.`,
  );
}
