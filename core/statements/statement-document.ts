import type { ArticleId } from "../contracts/ids.ts";
import { type Statement, tieStatement } from "../ledger/read-statement.ts";
import { accountOf, highlightsOf } from "./account-table.ts";
import { activityOf, totalsOf } from "./activity-table.ts";
import { countText } from "./amounts.ts";
import type { DetailLevel, StatementRow } from "./gather-rows.ts";
import { notesOf } from "./statement-notes.ts";
import { momentText, monthText, periodText } from "./words.ts";

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

function factsOf({ statement, lastBookedAtMs }: StatementFacts): Fact[] {
  const { entries, month, currency, closed } = statement;
  const { first, last = 0 } = entries;
  const numbers = `${countText(BigInt(first ?? 0))} to ${countText(BigInt(last))}`;
  return [
    { label: "Period", text: `${periodText(month)}, UTC` },
    { label: "Amounts in", text: currency },
    { label: "Ledger entries", text: first === undefined ? "none" : numbers },
    ...(lastBookedAtMs === undefined
      ? []
      : [{ label: "Booked until", text: momentText(lastBookedAtMs) }]),
    { label: "State", text: closed ? "Final" : "Preliminary" },
  ];
}
