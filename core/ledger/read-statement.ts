import type { CreatorId } from "../contracts/ids.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";
import {
  type AccountTotals,
  emptyAccount,
  heldOf,
  inPayoutOf,
  type LedgerAccount,
  payableOf,
} from "./entry.ts";

export interface StatementSource {
  readAccount(creatorId: CreatorId): Promise<LedgerAccount>;
  /** The account as it was after an entry; strongly consistent. */
  entryAt(creatorId: CreatorId, sequence: number): Promise<LedgerAccount | undefined>;
}

interface Deps {
  readonly ledger: StatementSource;
  readonly clock: Clock;
  readonly currency: string;
}

/** Clocks differ and a function may take minutes to book: until then the month may get an entry. */
const closedAfterMs = 15 * 60_000;

/**
 * What a month (UTC) did to a creator's money. Entries carry running totals and are in order of
 * time, so it is the difference of two of them, found in a few reads however many there are.
 * @throws Problem 400 for a month that has not begun.
 */
export async function readStatement(deps: Deps, creatorId: CreatorId, month: string) {
  const nowMs = deps.clock.nowMs();
  const startMs = requireBegun(month, nowMs);
  const endMs = endOfMonthMs(startMs);
  const account = await deps.ledger.readAccount(creatorId);
  const after = await lastBefore(deps.ledger, creatorId, account, endMs);
  const before = await lastBefore(deps.ledger, creatorId, after, startMs);
  return {
    creatorId,
    month,
    currency: deps.currency,
    ...movementsBetween(before.totals, after.totals),
    entries:
      after.sequence === before.sequence
        ? { count: 0 }
        : {
            first: before.sequence + 1,
            last: after.sequence,
            count: after.sequence - before.sequence,
          },
    closed: nowMs >= endMs + closedAfterMs,
  };
}

export type Statement = Awaited<ReturnType<typeof readStatement>>;

/** @returns when it began, ms since the epoch. @throws Problem 400 for a month that has not begun. */
export function requireBegun(month: string, nowMs: number): number {
  const startMs = Date.parse(`${month}-01T00:00:00.000Z`);
  if (startMs <= nowMs) return startMs;
  const current = new Date(nowMs).toISOString().slice(0, 7);
  throw problems.invalid(`month: ${month} has not begun; the current month (UTC) is ${current}.`);
}

function endOfMonthMs(startMs: number): number {
  const start = new Date(startMs);
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1);
}

/** The last of the entries up to `last` that was booked before a moment: a binary search. */
async function lastBefore(
  ledger: StatementSource,
  creatorId: CreatorId,
  last: LedgerAccount,
  beforeMs: number,
): Promise<LedgerAccount> {
  if (last.bookedAtMs < beforeMs) return last;
  let found: LedgerAccount = emptyAccount;
  let low = 1;
  let high = last.sequence - 1;
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const entry = await ledger.entryAt(creatorId, middle);
    if (!entry) throw new Error(`entry ${middle} of ${last.sequence} is missing in the ledger`);
    if (entry.bookedAtMs < beforeMs) {
      found = entry;
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  return found;
}

function balancesOf(totals: AccountTotals) {
  return {
    payableMicros: String(payableOf(totals)),
    heldMicros: String(heldOf(totals)),
    inPayoutMicros: String(inPayoutOf(totals)),
  };
}

function movementsBetween(before: AccountTotals, after: AccountTotals) {
  const change = (name: keyof AccountTotals) => String(after[name] - before[name]);
  return {
    opening: balancesOf(before),
    earnedMicros: change("earned"),
    heldMicros: change("held"),
    releasedMicros: change("released"),
    reversedMicros: change("reversed"),
    heldReversedMicros: change("dropped"),
    adjustedMicros: change("adjusted"),
    feesMicros: change("fees"),
    payouts: {
      reservedMicros: change("reserved"),
      confirmedMicros: change("confirmed"),
      failedMicros: change("returned"),
    },
    closing: balancesOf(after),
  };
}

type Movements = ReturnType<typeof movementsBetween>;

/** By how much closing differs from opening and movements, in micros: all zero, or money is lost. */
export function tieStatement(statement: Movements) {
  const { opening, closing, payouts } = statement;
  const of = (name: Exclude<keyof Movements, "opening" | "closing" | "payouts">) =>
    BigInt(statement[name]);
  const reserved = BigInt(payouts.reservedMicros);
  const failed = BigInt(payouts.failedMicros);
  const gap = (name: keyof typeof opening, movement: bigint) =>
    BigInt(closing[name]) - BigInt(opening[name]) - movement;
  return {
    payable: gap(
      "payableMicros",
      of("earnedMicros") +
        of("releasedMicros") -
        of("reversedMicros") +
        of("adjustedMicros") -
        reserved +
        failed,
    ),
    held: gap("heldMicros", of("heldMicros") - of("releasedMicros") - of("heldReversedMicros")),
    inPayout: gap("inPayoutMicros", reserved - failed - BigInt(payouts.confirmedMicros)),
  };
}
