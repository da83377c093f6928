import type * as z from "zod";
import type { payoutResultSchema } from "../contracts/money-bodies.ts";
import {
  bookEntry,
  entryIdOf,
  type LedgerAccount,
  type LedgerEntry,
  payableTo,
  posting,
} from "../ledger/entry.ts";
import { parseEntryId } from "../ledger/entry-id.ts";
import { onAccount } from "../ledger/ledger-store.ts";
import { Problem, problems } from "../perimeter/problem.ts";
import type { Pacing } from "../values/retry.ts";
import { type Clock, utcDayOf } from "../values/time.ts";
import type { Payout, PayoutStore } from "./payout.ts";

type Result = z.infer<typeof payoutResultSchema>;

interface Deps {
  readonly payouts: PayoutStore;
  readonly clock: Clock;
  readonly pacing: Pacing;
}

/**
 * Books what the payment provider said: paid, and the money has arrived; failed, and it is payable
 * again. Saying the same again changes nothing.
 * @throws Problem 404 when there is no such payout; 409 when it ended otherwise.
 */
export async function recordPayoutResult(
  deps: Deps,
  payoutId: string,
  result: Result,
  by: { readonly bookedBy: string; readonly traceId: string },
): Promise<Payout> {
  const place = parseEntryId(payoutId);
  if (!place) throw noPayout(payoutId);
  const { creatorId, sequence } = place;
  const ledger = deps.payouts;
  return await onAccount<Payout>({ ...deps, ledger }, creatorId, async (account) => {
    const payout = await deps.payouts.payout(creatorId, sequence);
    if (!payout) throw noPayout(payoutId);
    if (payout.state === result.status) return payout;
    if (payout.state !== "reserved") throw endedOtherwise(payout, result);
    const entry = resultEntry(account, payout, result, by, deps.clock.nowMs());
    const concluded = withResult(payout, result, entry);
    return (await deps.payouts.conclude(entry, concluded)) === "booked" ? concluded : "raced";
  });
}

function resultEntry(
  account: LedgerAccount,
  payout: Payout,
  result: Result,
  { bookedBy, traceId }: { readonly bookedBy: string; readonly traceId: string },
  nowMs: number,
): LedgerEntry {
  const { creatorId, currency, amountMicros } = payout;
  const paid = result.status === "paid";
  return bookEntry(
    account,
    { creatorId, currency, traceId, nowMs },
    {
      type: paid ? "payout-confirmation" : "payout-failure",
      effectiveDay: utcDayOf(nowMs),
      corrects: entryIdOf(payout),
      bookedBy,
      ...(result.status === "failed" ? { note: result.reason } : {}),
      postings: [
        posting("clearing:payouts", amountMicros),
        posting(paid ? "assets:cash" : payableTo(creatorId), -amountMicros),
      ],
    },
  );
}

function withResult(payout: Payout, result: Result, entry: LedgerEntry): Payout {
  const { providerReference } = result;
  return {
    ...payout,
    state: result.status,
    result: {
      sequence: entry.sequence,
      recordedAtMs: entry.bookedAtMs,
      ...(result.status === "failed" ? { reason: result.reason } : {}),
      ...(providerReference === undefined ? {} : { providerReference }),
    },
  };
}

function noPayout(payoutId: string): Problem {
  return problems.notFound(`payout ${JSON.stringify(payoutId)}`);
}

function endedOtherwise(payout: Payout, result: Result): Problem {
  return new Problem(
    409,
    `payout-already-${payout.state}`,
    "This payout has another result",
    `${entryIdOf(payout)} is ${payout.state} already and cannot become ${result.status}; ` +
      "what came of it later is posted with POST /v1/ledger/adjustments.",
  );
}
