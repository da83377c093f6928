import type { CreatorId } from "../../core/contracts/ids.ts";
import { readStatement } from "../../core/ledger/read-statement.ts";
import type { Item } from "./expressions.ts";
import { tableNames } from "./wiring.ts";
import type { Parts, World } from "./world.ts";

/** Sums of one month, added up entry by entry. */
type Month = Record<string, bigint>;

const typeOf: Readonly<Record<string, string>> = {
  adjustment: "adjustedMicros",
  release: "releasedMicros",
};

/** Reads every month's statement, and holds it against that month's entries. */
export async function checkStatements(world: World, parts: Parts, creatorId: CreatorId) {
  const entries = world.tables
    .partition(tableNames.ledgerTable, `creator#${creatorId}`)
    .filter(({ sk }) => String(sk).startsWith("entry#"));
  if (entries.length === 0) return;
  const months = new Map<string, Item[]>();
  for (const entry of entries) {
    const month = new Date(Number(entry.bookedAtMs)).toISOString().slice(0, 7);
    months.set(month, [...(months.get(month) ?? []), entry]);
  }
  let closing: unknown = { payableMicros: "0", heldMicros: "0", inPayoutMicros: "0" };
  for (const month of monthsBetween([...months.keys()])) {
    const statement = await readStatement({ ...parts, ledger: parts.statements }, creatorId, month);
    world.faults.met("statementOfAMonth");
    const own = months.get(month) ?? [];
    const tell = (what: string) => world.oracle.violated(`${creatorId} in ${month}: ${what}`);
    if (JSON.stringify(statement.opening) !== JSON.stringify(closing)) {
      tell(`opens with ${JSON.stringify(statement.opening)}, after ${JSON.stringify(closing)}`);
    }
    closing = statement.closing;
    if (statement.entries.count !== own.length) tell(`${statement.entries.count} entries`);
    const sums = sumsOf(creatorId, own);
    const { payouts } = statement;
    const shown: Month = {
      earnedMicros: BigInt(statement.earnedMicros),
      heldMicros: BigInt(statement.heldMicros),
      releasedMicros: BigInt(statement.releasedMicros),
      reversedMicros: BigInt(statement.reversedMicros),
      heldReversedMicros: BigInt(statement.heldReversedMicros),
      adjustedMicros: BigInt(statement.adjustedMicros),
      feesMicros: BigInt(statement.feesMicros),
      reservedMicros: BigInt(payouts.reservedMicros),
      confirmedMicros: BigInt(payouts.confirmedMicros),
      failedMicros: BigInt(payouts.failedMicros),
    };
    for (const [name, amount] of Object.entries(shown)) {
      if (amount !== (sums[name] ?? 0n)) tell(`${name} ${amount}, not ${sums[name] ?? 0n}`);
    }
    for (const name of ["payableMicros", "heldMicros", "inPayoutMicros"] as const) {
      const moved = BigInt(statement.closing[name]) - BigInt(statement.opening[name]);
      if (moved !== (sums[`to ${name}`] ?? 0n)) tell(`${name} moved by ${moved}`);
    }
  }
}

/** From postings alone. */
function sumsOf(creatorId: string, entries: readonly Item[]): Month {
  const sums: Month = {};
  const add = (name: string, amount: bigint) => {
    sums[name] = (sums[name] ?? 0n) + amount;
  };
  for (const { type, postings } of entries) {
    const credit = (account: string) =>
      -((postings ?? []) as readonly Item[])
        .filter((posting) => posting.account === account)
        .reduce((sum, { amountMicros }) => sum + (amountMicros as bigint), 0n);
    const [payable, held] = [credit(`payable:${creatorId}`), credit(`held:${creatorId}`)];
    const clearing = credit("clearing:payouts");
    add("to payableMicros", payable);
    add("to heldMicros", held);
    add("to inPayoutMicros", clearing);
    add("feesMicros", credit("income:fees"));
    if (type === "settlement") {
      add("earnedMicros", payable);
      add("heldMicros", held);
    } else if (type === "reversal") {
      add("reversedMicros", -payable);
      add("heldReversedMicros", -held);
    } else if (type === "payout") add("reservedMicros", clearing);
    else if (type === "payout-confirmation") add("confirmedMicros", -clearing);
    else if (type === "payout-failure") add("failedMicros", -clearing);
    else add(typeOf[String(type)] ?? "unknown", payable);
  }
  return sums;
}

/** Also those in which nothing was booked. */
function monthsBetween(booked: readonly string[]): string[] {
  const sorted = [...booked].sort();
  const months: string[] = [];
  const last = sorted.at(-1) ?? "";
  for (let month = sorted[0] ?? ""; month !== "" && month <= last; ) {
    months.push(month);
    const next = new Date(`${month}-01T00:00:00Z`);
    next.setUTCMonth(next.getUTCMonth() + 1);
    month = next.toISOString().slice(0, 7);
  }
  return months;
}
