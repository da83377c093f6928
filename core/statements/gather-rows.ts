import type { ArticleId } from "../contracts/ids.ts";
import { pricedKinds } from "../contracts/kinds.ts";
import { effectOf } from "../earnings/counter.ts";
import {
  creditOf,
  type EntryLine,
  type EntryType,
  entryIdOf,
  heldCreditOf,
  type LedgerEntry,
} from "../ledger/entry.ts";
import { type UtcDay, utcDayOf } from "../values/time.ts";

type LineFacts = Pick<EntryLine, "kind" | "model" | "movement" | "reason">;

/** One row of a statement: lines of entries that say the same, added up. */
export interface StatementRow {
  readonly type: EntryType;
  /** When it was earned or booked; none: some time in the month. */
  readonly day?: UtcDay;
  /** None where rows of all articles were added up, or there is none. */
  readonly articleId?: ArticleId;
  readonly line?: LineFacts;
  /** `count` times this is the amount; none where that is not so, as for a part of a pool. */
  readonly unitMicros?: bigint;
  /** What was booked by hand, or paid: the entry, why, and how much. */
  readonly entryId?: string;
  readonly note?: string;
  readonly amountMicros: bigint;
  readonly count: bigint;
  readonly payableMicros: bigint;
  readonly heldMicros: bigint;
}

/** How finely rows are told apart: the finest that gives no more rows than a reader would turn. */
export const detailLevels = ["day", "month", "kind"] as const;
export type DetailLevel = (typeof detailLevels)[number];

interface Level {
  readonly detail: DetailLevel;
  readonly rows: Map<string, StatementRow>;
}

/** A month of a busy creator has 40,000 entries: they are added up as they are read. */
export class RowGatherer {
  private readonly maxRows: number;
  private levels: readonly Level[] = detailLevels.map((detail) => ({ detail, rows: new Map() }));

  constructor(maxRows: number) {
    this.maxRows = maxRows;
  }

  add(entry: LedgerEntry): void {
    for (const row of rowsOf(entry)) {
      for (const { detail, rows } of this.levels) merge(rows, atDetail(row, detail));
    }
    while (this.levels.length > 1 && (this.levels[0]?.rows.size ?? 0) > this.maxRows) {
      this.levels = this.levels.slice(1);
    }
  }

  gathered(): { readonly detail: DetailLevel; readonly rows: readonly StatementRow[] } {
    const [finest] = this.levels;
    if (!finest) throw new Error("there is always a level");
    const sorted = [...finest.rows].sort(([a, one], [b, other]) =>
      compare(placeOf(one, a), placeOf(other, b)),
    );
    return { detail: finest.detail, rows: sorted.map(([, row]) => row) };
  }
}

/** By day, article and kind, in the order of the API; what was booked by hand comes last. */
function placeOf({ day, articleId, line }: StatementRow, key: string): readonly string[] {
  const kind = line === undefined ? "" : String(pricedKinds.indexOf(line.kind)).padStart(2, "0");
  return [day ?? "", line ? "0" : "1", articleId ?? "", kind, key];
}

function compare(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((part, index) => part !== other[index]);
  return at === -1 ? 0 : (one[at] ?? "") < (other[at] ?? "") ? -1 : 1;
}

/** An entry as rows, one for each of its lines. */
export function rowsOf(entry: LedgerEntry): StatementRow[] {
  if (entry.lines.length > 0) return entry.lines.map((line) => rowOfLine(entry.type, line));
  const payableMicros = creditOf(entry);
  const { type, corrects, note } = entry;
  const moved = entry.postings.find(({ amountMicros }) => amountMicros > 0n)?.amountMicros ?? 0n;
  return [
    {
      type,
      day: utcDayOf(entry.bookedAtMs),
      // What became of a payout goes by the name of the payout.
      entryId: type.startsWith("payout-") && corrects !== undefined ? corrects : entryIdOf(entry),
      ...(note === undefined ? {} : { note }),
      ...{ amountMicros: moved, count: 1n, payableMicros, heldMicros: heldCreditOf(entry) },
    },
  ];
}

function rowOfLine(type: EntryType, line: EntryLine): StatementRow {
  const { articleId, day, kind, model, movement, reason, count, amountMicros, feeMicros } = line;
  const { payable, held } = effectOf(movement, { micros: amountMicros, feeMicros });
  const isProduct = model === "rates" && count > 0n && amountMicros % count === 0n;
  return {
    ...{ type, day, articleId },
    line: { kind, model, movement, ...(reason === undefined ? {} : { reason }) },
    ...(isProduct ? { unitMicros: amountMicros / count } : {}),
    ...{ amountMicros, count, payableMicros: payable, heldMicros: held },
  };
}

function atDetail(row: StatementRow, detail: DetailLevel): StatementRow {
  if (detail === "day") return row;
  const { day: _, ...month } = row;
  if (detail === "month") return row.line ? month : row;
  // Prices too: every article may have its own.
  const { articleId: _a, entryId: _e, note: _n, unitMicros: _u, ...kind } = month;
  return kind;
}

function merge(rows: Map<string, StatementRow>, row: StatementRow): void {
  const { type, day, articleId, line, unitMicros, entryId } = row;
  const parts = [line?.kind, line?.movement, line?.reason, line?.model, String(unitMicros), type];
  const key = JSON.stringify([day, articleId, ...parts, entryId]);
  const before = rows.get(key);
  rows.set(key, before === undefined ? row : sumOf(before, row));
}

function sumOf(one: StatementRow, other: StatementRow): StatementRow {
  return {
    ...one,
    amountMicros: one.amountMicros + other.amountMicros,
    count: one.count + other.count,
    payableMicros: one.payableMicros + other.payableMicros,
    heldMicros: one.heldMicros + other.heldMicros,
  };
}
