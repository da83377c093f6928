import { escapeHidden } from "../core/contracts/shown-text.ts";

/** `1,234,567`: the same on every machine, whatever its locale. */
export function grouped(value: number | bigint): string {
  return value.toLocaleString("en-US");
}

/** `1 letter`, `1,200 letters`. */
export function amountOf(count: number | bigint, noun: string, plural = `${noun}s`): string {
  return `${grouped(count)} ${BigInt(count) === 1n ? noun : plural}`;
}

/** `$0.372000`, from micros, exactly: to people money is money. @param currency its ISO code. */
export function money(micros: bigint, currency = "USD"): string {
  const [sign, digits] = micros < 0n ? ["-", -micros] : ["", micros];
  const text = String(digits).padStart(7, "0");
  const decimal = `${sign}${text.slice(0, -6)}.${text.slice(-6)}`;
  const fraction = { minimumFractionDigits: 6, maximumFractionDigits: 6 };
  const format = new Intl.NumberFormat("en-US", { style: "currency", currency, ...fraction });
  return format.format(decimal as `${number}`);
}

/** `creator, publisher or admin`. */
export function choiceOf(words: readonly string[]): string {
  return new Intl.ListFormat("en-GB", { type: "disjunction" }).format(words);
}

/** Lines of a name and its value, the values one below the other. */
export function pairs(lines: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(0, ...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

export interface Column {
  readonly title: string;
  /** Numbers stand below each other by their last digit. */
  readonly right?: boolean;
}

/** Rows below their titles; none when there are no rows. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const cells = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  return cells.map((row) =>
    columns
      .map(({ right }, at) => {
        const [cell, width] = [row[at] ?? "", widths[at] ?? 0];
        return right ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

/** Characters of a line that fits a terminal. */
export const pageWidth = 96;

/** Lines of at most `width` characters, broken between words. */
export function wrapped(text: string, width = pageWidth): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** `12 ms`, `3.4 s`, `5 min 10 s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  return `${grouped(minutes)} min${rest === 0 ? "" : ` ${rest} s`}`;
}

const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];

/** How long it has been, roughly: `40 s`, `12 min`, `3 h`, `4 d`. */
export function age(ms: number): string {
  if (ms < 2 * minuteMs) return `${Math.max(0, Math.round(ms / 1_000))} s`;
  if (ms < 2 * hourMs) return `${Math.round(ms / minuteMs)} min`;
  return ms < 2 * dayMs ? `${Math.round(ms / hourMs)} h` : `${Math.round(ms / dayMs)} d`;
}

/** @param time as the API writes it. */
export function ago(time: string, nowMs: number): string {
  return `${age(nowMs - Date.parse(time))} ago`;
}

/**
 * Text without what a terminal would carry out or hide: what others wrote may hold any character.
 * Lines and tabs stay. Escapes are those of JSON, which so stays what it is.
 */
export const printable = (text: string): string => escapeHidden(text, "\n\t");

/** The same of what is one line, and must not look like two. */
export const oneLine = (text: string): string => escapeHidden(text);

/** A bigint as digits, as the API writes it. */
export const asJson = (value: unknown): string =>
  JSON.stringify(value, (_, one) => (typeof one === "bigint" ? String(one) : one), 2);
