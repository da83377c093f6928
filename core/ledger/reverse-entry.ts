import type * as z from "zod";
import type { reverseEntrySchema } from "../contracts/money-bodies.ts";
import { Problem, problems } from "../perimeter/problem.ts";
import { utcDayOf } from "../values/time.ts";
import {
  type AdjustDeps,
  type ByHand,
  bookByHand,
  entryOfRetry,
  postedTo,
  sameOrRefused,
} from "./adjust.ts";
import { type EntryType, entryIdOf, type LedgerEntry, type Posting, posting } from "./entry.ts";
import { parseEntryId } from "./entry-id.ts";
import { onAccount } from "./ledger-store.ts";

/**
 * Takes back an adjustment, by its mirror: nothing in a ledger is ever changed or deleted.
 * @throws Problem 404 when there is no such entry; 409 when it is none to be taken back by hand, or
 *   was taken back before.
 */
export async function reverseEntry(
  deps: AdjustDeps,
  { entryId, note }: z.infer<typeof reverseEntrySchema>,
  hand: ByHand,
): Promise<LedgerEntry> {
  const place = parseEntryId(entryId);
  if (!place) throw noEntry(entryId);
  const { creatorId, sequence } = place;
  return await onAccount(deps, creatorId, async (account) => {
    const original = await deps.ledger.entry(creatorId, sequence);
    if (!original) throw noEntry(entryId);
    if (original.type !== "adjustment") throw notByHand(original);
    const postings = original.postings.map(
      (one): Posting => posting(one.account, -one.amountMicros),
    );
    const own = await entryOfRetry(deps, creatorId, hand);
    const corrects = entryIdOf(original);
    if (own) return sameOrRefused(own, { amountMicros: postedTo(postings), note, corrects });
    const earlier = await deps.ledger.correctionsOf(creatorId, sequence);
    const reversal = earlier.find(({ reverses }) => reverses);
    if (reversal) throw alreadyReversed(original, reversal.sequence);
    const effectiveDay = utcDayOf(deps.clock.nowMs());
    const facts = { creatorId, effectiveDay, note, postings };
    return await bookByHand(deps, account, facts, hand, original, true);
  });
}

function noEntry(entryId: string): Problem {
  return problems.notFound(`ledger entry ${JSON.stringify(entryId)}`);
}

const voidThem = "void what it pays for with POST /v1/admin/reviews";
const answerIt = "post the payout's result with POST /v1/payouts/{payoutId}/result";
const insteadOf: Readonly<Record<Exclude<EntryType, "adjustment">, string>> = {
  settlement: voidThem,
  release: voidThem,
  reversal: "take the void back with POST /v1/admin/reviews and reason manual",
  payout: answerIt,
  "payout-confirmation": "post what came back with POST /v1/ledger/adjustments",
  "payout-failure": "request the payout anew",
};

function notByHand(entry: LedgerEntry): Problem {
  const { type } = entry;
  return new Problem(
    409,
    "entry-not-reversible",
    "This entry cannot be reversed by hand",
    `${entryIdOf(entry)} is a ${type}; only adjustments are taken back by hand. ` +
      `${type === "adjustment" ? "" : `Instead, ${insteadOf[type]}.`}`,
  );
}

function alreadyReversed({ creatorId, ...original }: LedgerEntry, sequence: number): Problem {
  const entryId = entryIdOf({ creatorId, sequence: original.sequence });
  return new Problem(
    409,
    "entry-already-reversed",
    "This entry was reversed before",
    `${entryId} was taken back by ${entryIdOf({ creatorId, sequence })}.`,
  );
}
