import type { Statement } from "../ledger/read-statement.ts";
import { amountText, columnText, decimalsFor } from "./amounts.ts";
import type { Highlight, StatementDocument } from "./statement-document.ts";
import { monthText } from "./words.ts";

/** What one looks for first. */
export function highlightsOf(statement: Statement): Highlight[] {
  const { opening, closing, payouts, month, currency } = statement;
  const [name] = monthText(month).split(" ");
  const payable = BigInt(closing.payableMicros);
  const held = BigInt(closing.heldMicros);
  // What was payable before, and this, less what payouts took, is what is payable now.
  const taken = BigInt(payouts.reservedMicros) - BigInt(payouts.failedMicros);
  const highlights = [
    { label: `New in ${name}`, micros: payable - BigInt(opening.payableMicros) + taken },
    { label: "Paid out", micros: BigInt(payouts.confirmedMicros) },
    { label: "Payable at the end", micros: payable },
    ...(held === 0n ? [] : [{ label: "Held for now", micros: held }]),
  ];
  return highlights.map(({ label, micros }) => ({ label, amount: amountText(micros), currency }));
}

type Moves = readonly [payable: bigint, held: bigint, onItsWay: bigint];

/** From the balances at the beginning to those at the end: each column adds up. */
export function accountOf(statement: Statement): StatementDocument["account"] {
  const balance = (of: Statement["opening"]): Moves => [
    ...([BigInt(of.payableMicros), BigInt(of.heldMicros)] as const),
    BigInt(of.inPayoutMicros),
  ];
  const { reservedMicros, failedMicros, confirmedMicros } = statement.payouts;
  const earned = BigInt(statement.earnedMicros);
  const held = BigInt(statement.heldMicros);
  const released = BigInt(statement.releasedMicros);
  const reserved = BigInt(reservedMicros);
  const failed = BigInt(failedMicros);
  const movements: readonly (readonly [string, Moves])[] = [
    ["Earned", [earned, 0n, 0n]],
    ["Earned, held for now", [0n, held, 0n]],
    ["Held, now released", [released, -released, 0n]],
    ["Withdrawn", [-BigInt(statement.reversedMicros), 0n, 0n]],
    ["Withdrawn while held", [0n, -BigInt(statement.heldReversedMicros), 0n]],
    ["Adjustments", [BigInt(statement.adjustedMicros), 0n, 0n]],
    ["Payouts requested", [-reserved, 0n, reserved]],
    ["Payouts failed", [failed, 0n, -failed]],
    ["Payouts arrived", [0n, 0n, -BigInt(confirmedMicros)]],
  ];
  // A month in which nothing happened says so in one line.
  const shown = movements.filter(([label, moves]) => label === "Earned" || moves.some(Boolean));
  const opening = balance(statement.opening);
  const closing = balance(statement.closing);
  const all = [opening, ...shown.map(([, moves]) => moves), closing];
  const decimals = opening.map((_, at) => decimalsFor(all.map((moves) => moves[at] ?? 0n)));
  const text = (micros: bigint, at: number) => columnText(micros, decimals[at] ?? 0);
  return {
    columns: ["Payable", "Held", "On its way"],
    rows: [
      { label: "At the beginning", kind: "balance", amounts: opening.map(text) },
      ...shown.map(([label, moves], index) => ({
        label,
        kind: "movement" as const,
        amounts: moves.map((micros, at) =>
          micros === 0n && !(index === 0 && at === 0) ? "" : text(micros, at),
        ),
      })),
      { label: "At the end", kind: "balance", amounts: closing.map(text) },
    ],
  };
}
