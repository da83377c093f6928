import type { ArticleId } from "../contracts/ids.ts";
import { type Statement, tieStatement } from "../ledger/read-statement.ts";
import { amountText, columnText, countText, decimalsFor } from "./amounts.ts";
import type { DetailLevel, StatementRow } from "./gather-rows.ts";
import { notesOf } from "./statement-notes.ts";
import {
  dayText,
  kindText,
  momentText,
  monthText,
  periodText,
  reasonTexts,
  typeTexts,
} from "./words.ts";

/** Who a statement is from, as its readers know them. */
export interface StatementIssuer {
  readonly name: string;
  readonly address: readonly string[];
  /** Where to write to, or a page. */
  readonly questionsTo?: string;
}

/** What a statement says, word for word and line by line; how it looks is the printer's business. */
export interface StatementDocument {
  readonly title: string;
  readonly month: string;
  readonly language: "en";
  readonly issuer: StatementIssuer;
  readonly creator: { readonly id: string; readonly name?: string };
  readonly facts: readonly Fact[];
  readonly highlights: readonly Highlight[];
  readonly account: {
    readonly columns: readonly string[];
    readonly rows: readonly AccountRow[];
  };
  readonly notes: readonly Note[];
  readonly activity: Activity;
  /** The last moment that it knows of, ms since the epoch. */
  readonly datedMs: number;
}

export interface Fact {
  readonly label: string;
  readonly text: string;
}

export interface Highlight {
  readonly label: string;
  readonly amount: string;
  readonly currency: string;
}

/** A balance or a movement; an amount that is not moved is empty. */
export interface AccountRow {
  readonly label: string;
  readonly kind: "balance" | "movement";
  readonly amounts: readonly string[];
}

export interface Note {
  readonly title: string;
  readonly text: string;
}

export interface Activity {
  readonly intro: string;
  readonly columns: readonly string[];
  readonly rows: readonly ActivityRow[];
  readonly total: { readonly label: string; readonly payable: string; readonly held: string };
}

/** `day` and `article` are repeated in each row: the printer leaves out what stands above. */
export interface ActivityRow {
  readonly day: string;
  readonly article: string;
  readonly what: string;
  readonly product: string;
  readonly payable: string;
  readonly held: string;
}

export interface StatementFacts {
  readonly statement: Statement;
  readonly issuer: StatementIssuer;
  readonly creatorName: string | undefined;
  readonly detail: DetailLevel;
  readonly rows: readonly StatementRow[];
  readonly titles: ReadonlyMap<ArticleId, string>;
  /** When the last of its entries was booked; none: it has none. */
  readonly lastBookedAtMs: number | undefined;
  readonly holdDays: number;
}

/** @throws when what it would say does not add up: that must never be printed. */
export function statementDocument(facts: StatementFacts): StatementDocument {
  const { statement, issuer, creatorName } = facts;
  checkTies(facts);
  const month = monthText(statement.month);
  return {
    title: `Statement of earnings, ${month}`,
    month,
    language: "en",
    issuer,
    creator: {
      id: statement.creatorId,
      ...(creatorName === undefined ? {} : { name: creatorName }),
    },
    facts: factsOf(facts),
    highlights: highlightsOf(statement),
    account: accountOf(statement),
    notes: notesOf(facts),
    activity: activityOf(facts),
    datedMs: facts.lastBookedAtMs ?? Date.parse(`${statement.month}-01T00:00:00.000Z`),
  };
}

function checkTies({ statement, rows }: StatementFacts): void {
  const gaps = tieStatement(statement);
  const { opening, closing } = statement;
  const payable = BigInt(closing.payableMicros) - BigInt(opening.payableMicros);
  const held = BigInt(closing.heldMicros) - BigInt(opening.heldMicros);
  const sums = totalsOf(rows);
  const ties = Object.values(gaps).every((gap) => gap === 0n);
  if (ties && sums.payable === payable && sums.held === held) return;
  throw new Error(
    `the statement of ${statement.month} does not add up: ${JSON.stringify({
      ...Object.fromEntries(Object.entries(gaps).map(([name, gap]) => [name, String(gap)])),
      entriesPayable: String(sums.payable - payable),
      entriesHeld: String(sums.held - held),
    })}`,
  );
}

function totalsOf(rows: readonly StatementRow[]) {
  const totals = { payable: 0n, held: 0n };
  for (const { payableMicros, heldMicros } of rows) {
    totals.payable += payableMicros;
    totals.held += heldMicros;
  }
  return totals;
}

function factsOf({ statement, lastBookedAtMs }: StatementFacts): Fact[] {
  const { entries, month, currency, closed } = statement;
  const until = lastBookedAtMs === undefined ? "nothing booked" : momentText(lastBookedAtMs);
  return [
    { label: "Period", text: `${periodText(month)}, UTC` },
    { label: "Amounts in", text: currency },
    {
      label: "Ledger entries",
      text:
        entries.first === undefined
          ? "none"
          : `${countText(BigInt(entries.first))} to ${countText(BigInt(entries.last ?? 0))}`,
    },
    { label: "State", text: closed ? "Final" : `Preliminary: ${until}` },
  ];
}

function highlightsOf(statement: Statement): Highlight[] {
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

function accountOf(statement: Statement): StatementDocument["account"] {
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

const intros: Record<DetailLevel, string> = {
  day: "By the day on which it was earned or booked. What was earned before the month was booked in it.",
  month:
    "Added up over the month, as there is too much of it to list by day; the CSV file has all of it.",
  kind: "Added up over all articles, as there is too much of it to list; the CSV file has all of it.",
};

function activityOf({ rows, titles, detail }: StatementFacts): Activity {
  const totals = totalsOf(rows);
  const decimals = {
    payable: decimalsFor([...rows.map(({ payableMicros }) => payableMicros), totals.payable]),
    held: decimalsFor([...rows.map(({ heldMicros }) => heldMicros), totals.held]),
  };
  const unitDecimals = decimalsFor(rows.flatMap(({ unitMicros }) => unitMicros ?? []));
  const text = (micros: bigint, column: keyof typeof decimals) =>
    micros === 0n ? "" : columnText(micros, decimals[column]);
  return {
    intro: rows.length === 0 ? "Nothing was booked in this month." : intros[detail],
    columns: ["Day", "Article", "What", "Count × price", "Payable", "Held"],
    rows: rows.map((row) => ({
      day: row.day === undefined ? "" : dayText(row.day),
      article: articleText(row, titles),
      what: whatText(row),
      product: productText(row, unitDecimals),
      payable: text(row.payableMicros, "payable"),
      held: text(row.heldMicros, "held"),
    })),
    total: {
      label: "Change in the month",
      payable: columnText(totals.payable, decimals.payable),
      held: columnText(totals.held, decimals.held),
    },
  };
}

function articleText(row: StatementRow, titles: StatementFacts["titles"]): string {
  const { articleId, entryId, note } = row;
  if (articleId !== undefined) return titles.get(articleId) ?? articleId;
  if (entryId === undefined) return "";
  return note === undefined ? entryId : `${entryId}: ${note}`;
}

function whatText({ type, line, payableMicros, amountMicros }: StatementRow): string {
  if (!line) {
    const label = typeTexts[type];
    // It moved neither what is payable nor what is held.
    return payableMicros === 0n ? `${label}: ${amountText(amountMicros)}` : label;
  }
  const { kind, movement, reason } = line;
  const because = reason === undefined ? "" : `: ${reasonTexts[reason]}`;
  const moved = {
    ...{ paid: "", held: ", held", freed: ", released", voided: ", withdrawn" },
    ...{ dropped: ", held and withdrawn", void: ", void", weighed: "", unweighed: "" },
  }[movement];
  return `${kindText(kind)}${moved}${because}`;
}

function productText({ line, count, unitMicros }: StatementRow, decimals: number): string {
  if (!line) return "";
  if (unitMicros !== undefined) return `${countText(count)} × ${columnText(unitMicros, decimals)}`;
  return line.model === "pool" ? `${countText(count)}, of a pool` : countText(count);
}
