import { amountText, columnText, countText, decimalsFor } from "./amounts.ts";
import type { DetailLevel, StatementRow } from "./gather-rows.ts";
import type { Activity, StatementFacts } from "./statement-document.ts";
import { dayText, kindText, reasonTexts, typeTexts } from "./words.ts";

export function totalsOf(rows: readonly StatementRow[]) {
  const totals = { payable: 0n, held: 0n };
  for (const { payableMicros, heldMicros } of rows) {
    totals.payable += payableMicros;
    totals.held += heldMicros;
  }
  return totals;
}

const intros: Record<DetailLevel, string> = {
  day: "By the day on which it was earned or booked. What was earned before the month was booked in it.",
  month:
    "Added up over the month, as there is too much of it to list by day; the CSV file has all of it.",
  kind: "Added up over all articles, as there is too much of it to list; the CSV file has all of it.",
};

/** What was booked, and what it was earned with. */
export function activityOf({ rows, titles, detail }: StatementFacts): Activity {
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
