import { ibanProblem } from "../contracts/bank.ts";
import type { CreatorId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import { entryIdOf } from "../ledger/entry.ts";
import { Problem, problems } from "../perimeter/problem.ts";
import type { CreatorStore, Payee } from "../registry/creator.ts";
import type { Micros } from "../values/micros.ts";
import type { Clock } from "../values/time.ts";
import { microsPerCent, type OpenPayout, type PayoutStore } from "./payout.ts";

/** One transfer to be made. */
export interface Transfer {
  readonly payoutId: string;
  readonly creatorId: CreatorId;
  readonly currency: string;
  readonly amountMicros: Micros;
  readonly requestedAtMs: number;
  /** What the payee's bank statement shows: the payout's id, or a hash of one that is too long. */
  readonly reference: string;
  readonly payee?: Payee;
  /** Why no bank would take it as it stands. */
  readonly problem?: string;
}

/** The publisher's own account, which pays. */
export type Debtor = Payee;

/** How transfers are written down for a bank. */
export interface PayoutFormat {
  readonly contentType: string;
  readonly fileName: string;
  /** The account that pays must be known. */
  readonly needsDebtor: boolean;
  /** Transfers with a problem are part of the file, marked; else they are left out of it. */
  readonly showsProblems: boolean;
  /** What it cannot express of a transfer whose payee is fine otherwise. */
  problemOf(transfer: Transfer & { readonly payee: Payee }): string | undefined;
  write(transfers: readonly Transfer[], debtor: Debtor | undefined, nowMs: number): string;
}

interface Deps {
  readonly payouts: Pick<PayoutStore, "openPayouts">;
  readonly creators: Pick<CreatorStore, "getMany">;
  readonly clock: Clock;
  readonly sha256: (text: string) => string;
  readonly debtor: Debtor | undefined;
}

/**
 * Every payout without a result, oldest first, as a file for a bank.
 * @returns `left`: payout ids that are not in the file, with the reason.
 * @throws Problem 400 when the format needs an account to pay from and the stage has none.
 */
export async function exportPayouts(deps: Deps, format: PayoutFormat) {
  if (format.needsDebtor && !deps.debtor) {
    throw problems.invalid(
      "format: this one names the account that pays; set payouts.debtor for the stage in cdk.json, " +
        "or ask for format=csv.",
    );
  }
  const open: OpenPayout[] = [];
  for await (const payout of deps.payouts.openPayouts()) open.push(payout);
  open.sort((a, b) => a.requestedAtMs - b.requestedAtMs || (entryIdOf(a) < entryIdOf(b) ? -1 : 1));
  const creators = await deps.creators.getMany([...new Set(open.map((one) => one.creatorId))]);
  const all = open.map((payout) =>
    transferOf(deps, format, payout, creators.get(payout.creatorId)?.payee),
  );
  const fit = all.filter(({ problem }) => format.showsProblems || problem === undefined);
  const written = fit.slice(0, limits.maxPayoutsPerFile);
  const full = fit.slice(limits.maxPayoutsPerFile);
  const left = [
    ...all.filter((transfer) => !fit.includes(transfer)),
    ...full.map((transfer) => ({ ...transfer, problem: "the file is full" })),
  ];
  if (written.length === 0 && !format.showsProblems) throw nothingToPay(left.length);
  return { text: format.write(written, deps.debtor, deps.clock.nowMs()), written, left };
}

/** A message to a bank must hold something. */
function nothingToPay(left: number): Problem {
  return new Problem(
    404,
    "no-open-payouts",
    "Nothing to pay",
    left === 0
      ? "No payout is waiting for its result."
      : `None of ${left} open payouts could be carried out; format=csv says why.`,
  );
}

function transferOf(
  deps: Deps,
  format: PayoutFormat,
  payout: OpenPayout,
  payee: Payee | undefined,
): Transfer {
  const { creatorId, currency, amountMicros, requestedAtMs } = payout;
  const payoutId = entryIdOf(payout);
  const transfer: Transfer = {
    ...{ payoutId, creatorId, currency, amountMicros, requestedAtMs },
    reference: referenceOf(payoutId, deps.sha256),
    ...(payee === undefined ? {} : { payee }),
  };
  const problem = problemOf(format, transfer);
  return problem === undefined ? transfer : { ...transfer, problem };
}

function problemOf(format: PayoutFormat, transfer: Transfer): string | undefined {
  const { payee, amountMicros } = transfer;
  if (amountMicros > limits.maxAmountMicros) {
    return `the amount is more than the ${decimalOf(limits.maxAmountMicros as Micros)} of one payout`;
  }
  if (!payee) return "no payee is registered";
  // One that was registered before IBANs were checked, or by rules of then.
  const wrong = ibanProblem(payee.iban);
  if (wrong !== undefined) return `the IBAN ${wrong}`;
  return format.problemOf({ ...transfer, payee });
}

/** Banks carry 35 characters of a small set from end to end. */
function referenceOf(payoutId: string, sha256: (text: string) => string): string {
  return /^[A-Za-z0-9][A-Za-z0-9.-]{0,34}$/.test(payoutId)
    ? payoutId
    : sha256(payoutId).slice(0, 32);
}

/** As banks write it: units and cents. Payouts are whole cents, so nothing is rounded. */
export function decimalOf(amountMicros: Micros): string {
  if (amountMicros < 0n || amountMicros % microsPerCent !== 0n) {
    throw new Error(`${amountMicros} micros are not whole cents`);
  }
  const cents = String(amountMicros / microsPerCent).padStart(3, "0");
  return `${cents.slice(0, -2)}.${cents.slice(-2)}`;
}
