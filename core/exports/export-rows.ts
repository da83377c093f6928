import type { ExportFormat } from "../contracts/job-types.ts";
import type { Json } from "../jobs/job.ts";
import { csvExact, csvLine, csvText } from "../values/csv.ts";

/** One line of an export, by the names that JSON has for its cells. */
export type ExportRow = Readonly<Record<string, Json | undefined>>;

export interface Column {
  /** As in JSON; CSV writes it with underscores. */
  readonly name: string;
  /** Numbers, days and the like, of which nothing can be a formula. */
  readonly exact?: boolean;
}

/** @returns the lines of a page; those of the first begin with CSV's header. */
export function writeRows(
  format: ExportFormat,
  columns: readonly Column[],
  rows: readonly ExportRow[],
  { isFirst }: { readonly isFirst: boolean },
): string {
  if (format === "jsonl") return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const header = isFirst ? csvLine(columns.map(({ name }) => underscored(name))) : "";
  return header + rows.map((row) => csvLine(columns.map((column) => cell(column, row)))).join("");
}

function cell({ name, exact }: Column, row: ExportRow): string {
  const value = row[name] ?? "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return exact ? csvExact(text) : csvText(text);
}

function underscored(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
