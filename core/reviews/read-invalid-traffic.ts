import { holdReasons, voidReasons } from "../contracts/kinds.ts";
import type { Tally } from "../ledger/prove-money.ts";

const note =
  "held counts engagements by what was decided about them: those whose hold is over by time are " +
  "payable, and stay in it. engagements and paid contain the canary's test views, which are worth " +
  "nothing: GET /v1/admin/proof says how many.";

/** How many engagements were taken for invalid, and why. Counts are strings of digits. */
export function presentInvalidTraffic({ engagements, rejected, states }: Tally) {
  const held = sumsOf("held", holdReasons, states);
  const voided = sumsOf("void", voidReasons, states);
  return {
    engagements: String(engagements),
    paid: String(states.get("paid") ?? 0n),
    held: presentSums(held),
    void: presentSums(voided),
    rejected: String(rejected),
    shareOfVoid: decimalOf(totalOf(voided), engagements),
    note,
  };
}

function sumsOf(state: string, reasons: readonly string[], states: Tally["states"]) {
  return reasons.map((reason) => [reason, states.get(`${state}.${reason}`) ?? 0n] as const);
}

function totalOf(sums: readonly (readonly [string, bigint])[]): bigint {
  return sums.reduce((total, [, count]) => total + count, 0n);
}

function presentSums(sums: readonly (readonly [string, bigint])[]) {
  const byReason = Object.fromEntries(sums.map(([reason, count]) => [reason, String(count)]));
  return { total: String(totalOf(sums)), byReason };
}

const decimals = 4;

/** A fraction as decimal text, rounded down: "0.1234". */
function decimalOf(part: bigint, whole: bigint): string {
  const scale = 10n ** BigInt(decimals);
  const scaled = whole === 0n ? 0n : (part * scale) / whole;
  return `${scaled / scale}.${String(scaled % scale).padStart(decimals, "0")}`;
}
