import { amountOf, grouped, money, pairs } from "../text.ts";
import { type Difference, type Proof, readersEngagements } from "./read-proof.ts";

/** Not to be believed: whoever says that all is right, and names what is not. */
export const isRight = ({ ok, differences }: Proof): boolean => ok && differences.length === 0;

/** A proof in words: what there is, line by line, and then whether it adds up. */
export function describeProof(proof: Proof): string[] {
  const { counted, rejected, counters, ledger, creators, canary, currency } = proof;
  const dollars = (micros: bigint) => money(micros, currency);
  const isThere = canary.engagements > 0n || canary.entries > 0;
  return [
    ...pairs([
      [
        "counted",
        `${amountOf(readersEngagements(proof), "engagement")}, each once, ` +
          `for ${amountOf(creators - Number(isThere), "creator")}`,
      ],
      ["  earned", dollars(counted.micros)],
      ["  of this voided later", dollars(counted.voidedMicros)],
      ["rejected after acceptance", amountOf(rejected.engagements, "engagement")],
      ["waiting in counters, to be payable", dollars(counters.pendingMicros)],
      ["waiting in counters, to be held", dollars(counters.pendingHeldMicros)],
      ["in the ledger", amountOf(ledger.entries - canary.entries, "entry", "entries")],
      ["  payable", dollars(ledger.payableMicros)],
      ["  held", dollars(ledger.heldMicros)],
      ["  in payout", dollars(ledger.inPayoutMicros)],
      ["  paid out", dollars(ledger.paidOutMicros)],
      ["  booked by hand, in all that", dollars(ledger.adjustedMicros)],
      ["  the publisher's fees, beside it", dollars(ledger.feeMicros)],
      ...(isThere ? [["the canary, beside all that", describeCanary(proof)] as const] : []),
    ]),
    ...(proof.quiet ? [] : ["Money moved meanwhile: these totals are of slightly other moments."]),
    ...verdict(proof),
  ];
}

function verdict(proof: Proof): string[] {
  if (isRight(proof)) return ["Everything adds up."];
  const { differences, currency } = proof;
  // Not to be believed: whoever says that something is wrong must say what.
  if (differences.length === 0) return ["It does not add up, and no difference is named."];
  return [
    `It does not add up: ${amountOf(differences.length, "difference")}.`,
    ...differences.map((difference) => `  - ${describeDifference(difference, currency)}`),
  ];
}

/** Views that the system reports of itself, and proves as it proves readers' ones. */
function describeCanary({ canary, currency }: Proof): string {
  return (
    `${amountOf(canary.engagements, "test view")} in ` +
    `${amountOf(canary.entries, "entry", "entries")}, worth ${money(canary.micros, currency)}`
  );
}

/** One difference as a sentence that names creator, entry and amount. */
export function describeDifference(difference: Difference, currency?: string): string {
  const { what, creatorId, entryId, unit, expected, actual } = difference;
  const text = (value: bigint) => (unit === "micros" ? money(value, currency) : grouped(value));
  const where = [
    ...(creatorId === undefined ? [] : [`creator ${JSON.stringify(creatorId)}`]),
    ...(entryId === undefined ? [] : [`entry ${entryId}`]),
  ].join(", ");
  const gap = actual - expected;
  const by = gap < 0n ? `${text(-gap)} too little` : `${text(gap)} too much`;
  return (
    `${where === "" ? "" : `${where}: `}${what}; ` +
    `expected ${text(expected)}, found ${text(actual)}, ${by}`
  );
}
