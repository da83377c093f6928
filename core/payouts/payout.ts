import type { CreatorId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { PayoutState } from "../contracts/queries.ts";
import { entryIdOf, type LedgerAccount, type LedgerEntry } from "../ledger/entry.ts";
import type { Audience } from "../perimeter/caller.ts";
import type { Micros } from "../values/micros.ts";

/** Money on its way to a creator. It has the id of the ledger entry that reserved it. */
export interface Payout {
  readonly creatorId: CreatorId;
  /** Of the entry that reserved it. */
  readonly sequence: number;
  readonly state: PayoutState;
  readonly currency: string;
  /** Whole cents. */
  readonly amountMicros: Micros;
  readonly requestedAtMs: number;
  /** Which request, or which monthly run, reserved it. */
  readonly requestId: string;
  readonly requestedBy: string;
  readonly traceId: string;
  /** What the provider said, and the number of the entry that booked it. */
  readonly result?: PayoutResult;
}

export interface PayoutResult {
  readonly sequence: number;
  readonly recordedAtMs: number;
  /** Why it failed. */
  readonly reason?: string;
  readonly providerReference?: string;
}

/** A payout without a result, as the list of those knows it. */
export type OpenPayout = Pick<
  Payout,
  "creatorId" | "sequence" | "currency" | "amountMicros" | "requestedAtMs"
> & {
  /** The payment provider was told; it may have been told more than once. */
  readonly announced: boolean;
};

/** Payouts and what they book, in one transaction each; strongly consistent. */
export interface PayoutStore {
  readAccount(creatorId: CreatorId): Promise<LedgerAccount>;
  /** The number of the entry that a request booked, if it did. */
  entryOfRequest(creatorId: CreatorId, requestId: string): Promise<number | undefined>;
  payout(creatorId: CreatorId, sequence: number): Promise<Payout | undefined>;
  /** Newest first, below `beforeSequence`. */
  payouts(
    creatorId: CreatorId,
    limit: number,
    beforeSequence: number | undefined,
  ): Promise<readonly Payout[]>;
  /** Entry, payout, its request and its place on the list of open ones. */
  reserve(entry: LedgerEntry, payout: Payout): Promise<"booked" | "raced">;
  /** Entry and result, on the condition that there is none; it leaves the list of open ones. */
  conclude(entry: LedgerEntry, payout: Payout): Promise<"booked" | "raced">;
  openPayout(payout: Pick<Payout, "creatorId" | "sequence">): Promise<OpenPayout | undefined>;
  openPayouts(): AsyncIterable<OpenPayout>;
  /** Does nothing to a payout that is not open any more. */
  markAnnounced(payout: Pick<Payout, "creatorId" | "sequence">, atMs: number): Promise<void>;
}

/** Banks move cents: a payout is a whole number of them, and the rest stays payable. */
export const microsPerCent = 10_000n;

/** The public shape. */
export function presentPayout(payout: Payout, { names }: Audience) {
  const { creatorId, state, currency, amountMicros, requestedAtMs, requestedBy, result } = payout;
  return {
    payoutId: entryIdOf(payout),
    creatorId,
    state,
    currency,
    amountMicros: String(amountMicros),
    // As much as one payout may be: what is payable beyond it takes another.
    ...(amountMicros === limits.maxAmountMicros && { limitMicros: String(limits.maxAmountMicros) }),
    requestedAt: new Date(requestedAtMs).toISOString(),
    ...(names && { requestedBy }),
    ...(result && {
      resultAt: new Date(result.recordedAtMs).toISOString(),
      resultEntryId: entryIdOf({ creatorId, sequence: result.sequence }),
      ...(result.reason === undefined ? {} : { reason: result.reason }),
      ...(result.providerReference === undefined
        ? {}
        : { providerReference: result.providerReference }),
    }),
  };
}
