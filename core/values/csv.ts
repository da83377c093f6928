/** A spreadsheet takes such a cell for a formula, and names are other people's words. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/;

/** A cell of anybody's words. */
export function csvText(text: string): string {
  return csvExact(formula.test(text) ? `'${text}` : text);
}

/** A cell that must come back as it is: a number, or an id of which nothing can be a formula. */
export function csvExact(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** RFC 4180. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.join(",")}\r\n`;
}
