import { effectOf } from "../earnings/counter.ts";
import { sumMicros } from "../values/micros.ts";
import {
  type AccountTotals,
  creditOf,
  type EntryType,
  entryIdOf,
  entryTypeOf,
  heldCreditOf,
  heldFor,
  heldOf,
  imbalanceOf,
  type LedgerEntry,
  payableOf,
  payableTo,
  totalsAfter,
} from "./entry.ts";

/** What two numbers that differ are in. */
export type Unit = "micros" | "count" | "ms";

/** One thing that is not as it must be. */
export interface Difference {
  readonly what: string;
  readonly creatorId?: string;
  readonly entryId?: string;
  readonly unit: Unit;
  readonly expected: string;
  readonly actual: string;
}

export type Check = readonly [what: string, expected: bigint, actual: bigint, unit?: Unit];

export function difference(...[what, expected, actual, unit = "micros"]: Check): Difference {
  return { what, unit, expected: String(expected), actual: String(actual) };
}

const typesOfLines: ReadonlySet<string> = new Set(Object.values(entryTypeOf));

const earned: readonly string[] = ["expense:revenue-share", "payable", "held", "income:fees"];

/** Where entries of a type may post; of the creator's own accounts, the part before the colon. */
const accountsOf: Readonly<Record<EntryType, readonly string[]>> = {
  settlement: earned,
  release: ["payable", "held"],
  reversal: earned,
  adjustment: ["expense:revenue-share", "payable"],
  payout: ["payable", "clearing:payouts"],
  "payout-confirmation": ["clearing:payouts", "assets:cash"],
  "payout-failure": ["payable", "clearing:payouts"],
};

/** What is wrong with an entry by itself: it needs nothing else to be judged. */
export function checkEntry(entry: LedgerEntry): Difference[] {
  const checks: Check[] = [
    ["entry does not sum to zero", 0n, imbalanceOf(entry)],
    ["entry posts to an account that is not its own", 0n, foreignMicros(entry)],
    [
      "the balance after an entry is not what it posts to the creator's accounts",
      creditOf(entry) + heldCreditOf(entry),
      balanceChange(entry),
    ],
  ];
  if (typesOfLines.has(entry.type)) {
    const effects = entry.lines.map((line) =>
      effectOf(line.movement, { micros: line.amountMicros, feeMicros: line.feeMicros }),
    );
    const payable = sumMicros(effects.map((effect) => effect.payable));
    const held = sumMicros(effects.map((effect) => effect.held));
    checks.push(
      ["entry pays what its lines do not explain", payable, creditOf(entry)],
      ["entry holds what its lines do not explain", held, heldCreditOf(entry)],
    );
  }
  return differing(checks).map((found) => named(found, entry));
}

/** What is wrong with an entry after the one before it. */
export function checkChain(before: AccountTotals, entry: LedgerEntry): Difference[] {
  const right = totalsAfter(before, entry);
  const names = Object.keys(right) as (keyof AccountTotals)[];
  const checks = names.map(
    (name) => [`running total "${name}" is off`, right[name], entry.totals[name]] as const,
  );
  return differing(checks).map((found) => named(found, entry));
}

export function differing(checks: readonly Check[]): Difference[] {
  return checks
    .filter(([, expected, actual]) => expected !== actual)
    .map((check) => difference(...check));
}

function named(found: Difference, entry: LedgerEntry): Difference {
  return { ...found, creatorId: entry.creatorId, entryId: entryIdOf(entry) };
}

/** Posted to where an entry of its type and creator has nothing to post. */
function foreignMicros({ creatorId, type, postings }: LedgerEntry): bigint {
  const own = new Map<string, string>([
    [payableTo(creatorId), "payable"],
    [heldFor(creatorId), "held"],
  ]);
  const foreign = postings.filter(
    ({ account }) => !accountsOf[type].includes(own.get(account) ?? account),
  );
  return foreign.reduce(
    (sum, { amountMicros }) => sum + (amountMicros < 0n ? -amountMicros : amountMicros),
    0n,
  );
}

/** Of payable and held, going by an entry's type. */
function balanceChange(entry: LedgerEntry): bigint {
  const zero = { ...entry.totals };
  for (const name of Object.keys(zero) as (keyof AccountTotals)[]) zero[name] = 0n as never;
  const after = totalsAfter(zero, entry);
  return payableOf(after) + heldOf(after);
}
