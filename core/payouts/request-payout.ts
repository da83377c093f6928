import { payoutRequested } from "../contracts/events.ts";
import type { CreatorId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import {
  bookEntry,
  entryIdOf,
  type LedgerAccount,
  payableOf,
  payableTo,
  posting,
} from "../ledger/entry.ts";
import { onAccount } from "../ledger/ledger-store.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { Problem, problems } from "../perimeter/problem.ts";
import type { Micros } from "../values/micros.ts";
import type { Pacing } from "../values/retry.ts";
import { type Clock, utcDayOf } from "../values/time.ts";
import type { TraceLink } from "../values/trace-context.ts";
import { microsPerCent, type OpenPayout, type Payout, type PayoutStore } from "./payout.ts";

export interface PayoutDeps {
  readonly payouts: PayoutStore;
  readonly bus: EventPublisher;
  readonly clock: Clock;
  readonly pacing: Pacing;
  readonly currency: string;
  /** Less than this stays payable. */
  readonly minMicros: Micros;
  /** The money is reserved, but its event did not get out: `run-payouts` will try again. */
  readonly onUnannounced: (payoutId: string, error: unknown) => void;
}

export interface PayoutRequest {
  readonly creatorId: CreatorId;
  /** Left out: all that is payable, in whole cents, up to the limit. */
  readonly amountMicros?: bigint | undefined;
  /** The same for each retry: it reserves one payout, however often it comes. */
  readonly requestId: string;
  readonly requestedBy: string;
}

type Refusal =
  | { readonly outcome: "exceeds-payable"; readonly amountMicros: bigint; readonly payable: Micros }
  | { readonly outcome: "below-minimum"; readonly amountMicros: bigint; readonly payable: Micros };
export type PayoutDecision = { readonly outcome: "pay"; readonly amountMicros: Micros } | Refusal;

/**
 * How much may be paid out now. What is refused, or more than one payout may be, is carried: it stays
 * payable, or negative.
 */
export function decidePayout(
  payable: Micros,
  asked: bigint | undefined,
  minMicros: Micros,
): PayoutDecision {
  const all = payable > 0n ? payable - (payable % microsPerCent) : payable;
  const amountMicros = asked ?? minOf(all, limits.maxAmountMicros);
  if (amountMicros > payable) return { outcome: "exceeds-payable", amountMicros, payable };
  if (amountMicros <= 0n || amountMicros < minMicros) {
    return { outcome: "below-minimum", amountMicros, payable };
  }
  return { outcome: "pay", amountMicros: amountMicros as Micros };
}

const minOf = (a: bigint, b: bigint) => (a < b ? a : b);

/** The one thing that may come of a request: a payout, new or of an earlier try, or a refusal. */
export type Reservation = { readonly outcome: "reserved"; readonly payout: Payout } | Refusal;

/**
 * Reserves a payout, and tells the payment provider. Killed in between, the next try of the same
 * request, or the next `run-payouts`, tells it.
 */
export async function reservePayout(
  deps: PayoutDeps,
  request: PayoutRequest,
  trace: TraceLink,
): Promise<Reservation> {
  const { creatorId, requestId } = request;
  const ledger = deps.payouts;
  const reservation = await onAccount<Reservation>(
    { ...deps, ledger },
    creatorId,
    async (account) => {
      const sequence = await deps.payouts.entryOfRequest(creatorId, requestId);
      if (sequence !== undefined) return await earlierOf(deps, request, sequence);
      const decision = decidePayout(
        payableOf(account.totals),
        request.amountMicros,
        deps.minMicros,
      );
      if (decision.outcome !== "pay") return decision;
      return await reserve(deps, account, request, decision.amountMicros, trace.traceId);
    },
  );
  if (reservation.outcome === "reserved") await announceIfOpen(deps, reservation.payout, trace);
  return reservation;
}

/** @throws Problem 400 or 409 that says why nothing was paid out, and what is payable. */
export async function requestPayout(
  deps: PayoutDeps,
  request: PayoutRequest,
  trace: TraceLink,
): Promise<Payout> {
  const { amountMicros = 0n } = request;
  if (amountMicros % microsPerCent !== 0n) {
    throw problems.invalid(
      `amountMicros: ${amountMicros} is not a whole number of cents; ` +
        `ask for ${amountMicros - (amountMicros % microsPerCent)}, the rest stays payable.`,
    );
  }
  const reservation = await reservePayout(deps, request, trace);
  if (reservation.outcome === "reserved") return reservation.payout;
  throw refused(reservation, deps);
}

async function reserve(
  deps: PayoutDeps,
  account: LedgerAccount,
  { creatorId, requestId, requestedBy }: PayoutRequest,
  amountMicros: Micros,
  traceId: string,
): Promise<Reservation | "raced"> {
  const { currency, clock } = deps;
  const nowMs = clock.nowMs();
  const facts = { creatorId, currency, traceId, nowMs };
  const entry = bookEntry(account, facts, {
    type: "payout",
    effectiveDay: utcDayOf(nowMs),
    bookedBy: requestedBy,
    postings: [
      posting(payableTo(creatorId), amountMicros),
      posting("clearing:payouts", -amountMicros),
    ],
  });
  const payout: Payout = {
    ...{ creatorId, currency, traceId, amountMicros, requestId, requestedBy },
    sequence: entry.sequence,
    state: "reserved",
    requestedAtMs: entry.bookedAtMs,
  };
  const outcome = await deps.payouts.reserve(entry, payout);
  return outcome === "booked" ? { outcome: "reserved", payout } : "raced";
}

/** The ledger remembers requests for ever, longer than answers are kept. */
async function earlierOf(
  { payouts }: PayoutDeps,
  { creatorId, amountMicros }: PayoutRequest,
  sequence: number,
): Promise<Reservation> {
  const payout = await payouts.payout(creatorId, sequence);
  const same = amountMicros === undefined || amountMicros === payout?.amountMicros;
  if (!payout || !same) throw problems.keyReused();
  return { outcome: "reserved", payout };
}

async function announceIfOpen(deps: PayoutDeps, payout: Payout, trace: TraceLink) {
  if (payout.state !== "reserved") return;
  try {
    const open = await deps.payouts.openPayout(payout);
    if (open && !open.announced) await announcePayout(deps, open, trace.traceparent);
  } catch (error) {
    deps.onUnannounced(entryIdOf(payout), error);
  }
}

/** Tells the payment provider of a payout, and remembers that it did. */
export async function announcePayout(
  { bus, payouts, clock }: Pick<PayoutDeps, "bus" | "payouts" | "clock">,
  open: OpenPayout,
  traceparent: string,
): Promise<void> {
  const { creatorId, currency, amountMicros, requestedAtMs } = open;
  const payoutId = entryIdOf(open);
  const amount = String(amountMicros);
  const detail = { schemaVersion: 1, traceparent, payoutId, creatorId, currency, requestedAtMs };
  await bus.publish([{ contract: payoutRequested, detail: { ...detail, amountMicros: amount } }]);
  await payouts.markAnnounced(open, clock.nowMs());
}

function refused({ outcome, amountMicros, payable }: Refusal, deps: PayoutDeps): Problem {
  if (outcome === "exceeds-payable") {
    return new Problem(
      409,
      "payout-exceeds-payable",
      "More than is payable",
      `amountMicros: ${amountMicros} is more than the ${payable} micros that are payable.`,
    );
  }
  return new Problem(
    409,
    "payout-below-minimum",
    "Less than the smallest payout",
    `${amountMicros} micros are less than the smallest payout of ${deps.minMicros}; ` +
      `the ${payable} micros that are payable are carried on.`,
  );
}
