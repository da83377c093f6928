import { amountOf, grouped, pairs } from "../text.ts";
import type { Difference, Proof } from "./read-proof.ts";

/** Not to be believed: whoever says that all is right, and names what is not. */
export const isRight = ({ ok, differences }: Proof): boolean => ok && differences.length === 0;

/** A proof in words: what there is, line by line, and then whether it adds up. */
export function describeProof(proof: Proof): string[] {
  const { counted, rejected, counters, ledger, creators } = proof;
  return [
    ...pairs([
      [
        "counted",
        `${amountOf(counted.engagements, "engagement")}, each once, ` +
          `for ${amountOf(creators, "creator")}`,
      ],
      ["  earned", micros(counted.micros)],
      ["  of this voided later", micros(counted.voidedMicros)],
      ["rejected after acceptance", amountOf(rejected.engagements, "engagement")],
      ["waiting in counters, to be payable", micros(counters.pendingMicros)],
      ["waiting in counters, to be held", micros(counters.pendingHeldMicros)],
      ["in the ledger", amountOf(ledger.entries, "entry", "entries")],
      ["  payable", micros(ledger.payableMicros)],
      ["  held", micros(ledger.heldMicros)],
      ["  in payout", micros(ledger.inPayoutMicros)],
      ["  paid out", micros(ledger.paidOutMicros)],
      ["  booked by hand, in all that", micros(ledger.adjustedMicros)],
      ["  the publisher's fees, beside it", micros(ledger.feeMicros)],
    ]),
    ...(proof.quiet ? [] : ["Money moved meanwhile: these totals are of slightly other moments."]),
    ...verdict(proof),
  ];
}

function verdict(proof: Proof): string[] {
  if (isRight(proof)) return ["Everything adds up."];
  const { differences } = proof;
  // Not to be believed: whoever says that something is wrong must say what.
  if (differences.length === 0) return ["It does not add up, and no difference is named."];
  return [
    `It does not add up: ${amountOf(differences.length, "difference")}, in micros where nothing ` +
      "else is said.",
    ...differences.map((difference) => `  - ${describeDifference(difference)}`),
  ];
}

/** One difference as a sentence that names creator, entry and amount. */
export function describeDifference(difference: Difference): string {
  const { what, creatorId, entryId, expected, actual } = difference;
  const where = [
    ...(creatorId === undefined ? [] : [`creator ${JSON.stringify(creatorId)}`]),
    ...(entryId === undefined ? [] : [`entry ${entryId}`]),
  ].join(", ");
  const gap = actual - expected;
  const by = gap < 0n ? `${grouped(-gap)} too little` : `${grouped(gap)} too much`;
  return (
    `${where === "" ? "" : `${where}: `}${what}; ` +
    `expected ${grouped(expected)}, found ${grouped(actual)}, ${by}`
  );
}

function micros(amount: bigint): string {
  return `${grouped(amount)} micros`;
}
