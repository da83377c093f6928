import type { ArticleId } from "../contracts/ids.ts";
import { entryIdOf, type LedgerEntry } from "../ledger/entry.ts";
import type { Statement } from "../ledger/read-statement.ts";
import { csvExact, csvLine, csvText } from "../values/csv.ts";
import { plainAmount } from "./amounts.ts";
import { rowsOf } from "./gather-rows.ts";

const columns = [
  ...["entry_id", "booked_at", "type", "day", "article_id", "article_title", "kind", "movement"],
  ...["reason", "count", "unit_price", "payable", "held", "currency", "note"],
] as const;
type Cells = Partial<Record<(typeof columns)[number], string>>;

const words: ReadonlySet<string> = new Set(["article_id", "article_title", "note"]);

function lineOf(cells: Cells): string {
  return csvLine(columns.map((name) => (words.has(name) ? csvText : csvExact)(cells[name] ?? "")));
}

export const csvHeader = csvLine(columns);

/** A line more, to begin with or to end with: what was payable and held. */
export function csvBalance(statement: Statement, which: "opening" | "closing"): string {
  const { payableMicros, heldMicros } = statement[which];
  return lineOf({
    type: `${which}-balance`,
    payable: plainAmount(BigInt(payableMicros)),
    held: plainAmount(BigInt(heldMicros)),
    currency: statement.currency,
  });
}

/** Each line of an entry; `payable` and `held` say by how much it changes them. */
export function csvEntry(entry: LedgerEntry, titles: ReadonlyMap<ArticleId, string>): string {
  const rows = rowsOf(entry).map(({ day, articleId, line, count, unitMicros, ...row }) => {
    const cells: Cells = {
      ...{ entry_id: entryIdOf(entry), booked_at: new Date(entry.bookedAtMs).toISOString() },
      ...{ type: entry.type, day: day ?? "", currency: entry.currency, note: entry.note ?? "" },
      ...(articleId !== undefined && {
        ...{ article_id: articleId, article_title: titles.get(articleId) ?? "" },
        count: String(count),
      }),
      ...(line && { kind: line.kind, movement: line.movement, reason: line.reason ?? "" }),
      unit_price: unitMicros === undefined ? "" : plainAmount(unitMicros),
      payable: plainAmount(row.payableMicros),
      held: plainAmount(row.heldMicros),
    };
    return lineOf(cells);
  });
  return rows.join("");
}
