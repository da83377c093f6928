import type {
  Activity,
  ActivityRow,
  StatementDocument,
} from "../../core/statements/statement-document.ts";
import { type Fonts, page, Sheet, type Style } from "./sheet.ts";

const colors = {
  ink: "#1d2733",
  muted: "#68737f",
  accent: "#0e5a61",
  rule: "#d5dbe0",
  tint: "#eff5f5",
} as const;

const style = (size: number, color: keyof typeof colors = "ink", font: Style["font"] = "regular") =>
  ({ font, size, color: colors[color] }) satisfies Style;
const styles = {
  issuer: style(12, "accent", "bold"),
  small: style(8, "muted"),
  over: style(10, "muted"),
  month: style(26, "ink", "bold"),
  name: style(13, "ink", "bold"),
  label: style(8, "muted"),
  body: style(9),
  strong: style(9, "ink", "bold"),
  figure: style(18, "accent", "bold"),
  section: style(12, "accent", "bold"),
  cell: style(8),
  cellMuted: style(8, "muted"),
  cellStrong: style(8, "ink", "bold"),
} as const;

/** A statement as an A4 PDF of as many pages as it takes. */
export async function drawStatement(
  document: StatementDocument,
  fonts: Fonts,
): Promise<Uint8Array> {
  const { title, month, issuer, creator, language, datedMs } = document;
  const who = creator.name ?? creator.id;
  const sheet = new Sheet(fonts, {
    ...{ title, language, datedMs, author: issuer.name, subject: `${who}, ${month}` },
  });
  drawHead(sheet, document);
  drawHighlights(sheet, document);
  drawAccount(sheet, document);
  drawNotes(sheet, document);
  drawActivity(sheet, document.activity);
  if (sheet.hasMissing) drawMissing(sheet);
  return await sheet.finish((number, count) => {
    const y = page.bottom + 22;
    sheet.rule(y - 8, colors.rule);
    const [foot = ""] = sheet.fit(`${issuer.name} · ${who} · ${month}`, 400, styles.small, 1);
    sheet.write(foot, page.left, y, styles.small);
    sheet.writeRight(`Page ${number} of ${count}`, page.right, y, styles.small);
  });
}

function drawHead(sheet: Sheet, { issuer, month, creator, facts }: StatementDocument): void {
  sheet.fill(0, 0, page.width, 5, colors.accent);
  const [name = ""] = sheet.fit(issuer.name, 280, styles.issuer, 1);
  sheet.write(name, page.left, 40, styles.issuer);
  issuer.address.forEach((line, index) => {
    const [text = ""] = sheet.fit(line, 200, styles.small, 1);
    sheet.writeRight(text, page.right, 40 + index * 11, styles.small);
  });
  let y = Math.max(104, 60 + issuer.address.length * 11);
  sheet.write("Statement of earnings", page.left, y, styles.over);
  sheet.write(month, page.left - 1, y + 14, styles.month);
  const factsX = page.right - 190;
  facts.forEach(({ label, text }, index) => {
    sheet.write(label, factsX, y + 2 + index * 13, styles.label);
    const [shown = ""] = sheet.fit(text, 125, styles.cell, 1);
    sheet.write(shown, factsX + 65, y + 2 + index * 13, styles.cell);
  });
  y += 62;
  for (const line of sheet.fit(
    creator.name ?? creator.id,
    page.right - page.left,
    styles.name,
    2,
  )) {
    sheet.write(line, page.left, y, styles.name);
    y += 17;
  }
  if (creator.name !== undefined) {
    const [id = ""] = sheet.fit(creator.id, page.right - page.left, styles.small, 1);
    sheet.write(id, page.left, y, styles.small);
    y += 12;
  }
  sheet.y = y + 12;
}

function drawHighlights(sheet: Sheet, { highlights }: StatementDocument): void {
  const height = 58;
  const width = page.right - page.left;
  const each = (width - 18) / highlights.length;
  sheet.fill(page.left, sheet.y, width, height, colors.tint, 6);
  highlights.forEach(({ label, amount, currency }, index) => {
    const x = page.left + 18 + index * each;
    const unit = ` ${currency}`;
    const room = each - 14 - sheet.widthOf(unit, styles.label);
    const figure = sheet.shrunk(amount, room, styles.figure);
    sheet.write(label, x, sheet.y + 12, styles.label);
    sheet.write(amount, x, sheet.y + 25 + (styles.figure.size - figure.size) * 0.9, figure);
    sheet.write(unit, x + sheet.widthOf(amount, figure), sheet.y + 35, styles.label);
  });
  sheet.y += height + 24;
}

const accountColumns = [page.right - 190, page.right - 95, page.right];

function drawAccount(sheet: Sheet, { account }: StatementDocument): void {
  sheet.write("Your account", page.left, sheet.y, styles.section);
  account.columns.forEach((name, index) => {
    sheet.writeRight(name, accountColumns[index] ?? 0, sheet.y + 4, styles.label);
  });
  sheet.y += 20;
  for (const { label, kind, amounts } of account.rows) {
    const isBalance = kind === "balance";
    const face = isBalance ? styles.strong : styles.body;
    if (isBalance) sheet.rule(sheet.y, colors.accent, 0.75);
    sheet.write(label, page.left, sheet.y + 4.5, face);
    amounts.forEach((amount, index) => {
      sheet.writeRight(amount, accountColumns[index] ?? 0, sheet.y + 4.5, face);
    });
    sheet.y += 19;
    if (isBalance) sheet.rule(sheet.y, colors.rule);
  }
  sheet.y += 22;
}

function drawNotes(sheet: Sheet, { notes }: StatementDocument): void {
  const x = page.left + 110;
  for (const { title, text } of notes) {
    const lines = sheet.fit(text, page.right - x, styles.body);
    makeRoom(sheet, lines.length * 13 + 8);
    sheet.write(title, page.left, sheet.y, styles.strong);
    for (const line of lines) {
      sheet.write(line, x, sheet.y, styles.body);
      sheet.y += 13;
    }
    sheet.y += 8;
  }
  sheet.y += 12;
}

/** Where columns begin, or end where amounts are set flush right. */
const columns = {
  ...{ day: page.left, article: 88, what: 242 },
  ...{ product: 406, payable: 476, held: page.right },
} as const;
const widths = {
  ...{ article: 144, what: 84 },
  ...{ product: 76, payable: 64, held: 64 },
} as const;
const lineHeight = 10.5;
const totalHeight = 24;

function drawActivity(sheet: Sheet, { intro, columns: names, rows, total }: Activity): void {
  makeRoom(sheet, 90);
  sheet.write("What was booked", page.left, sheet.y, styles.section);
  sheet.y += 18;
  sheet.write(intro, page.left, sheet.y, styles.small);
  sheet.y += 18;
  if (rows.length === 0) return;
  drawColumnNames(sheet, names);
  let above: Drawn | undefined;
  for (const row of rows) {
    // The last one keeps the total company.
    const below = row === rows.at(-1) ? totalHeight : 0;
    above = drawRow(sheet, row, above, names, below);
  }
  sheet.y = Math.max(sheet.y, above?.articleEnds ?? 0);
  sheet.rule(sheet.y, colors.accent, 0.75);
  sheet.write(total.label, page.left, sheet.y + 5, styles.cellStrong);
  sheet.writeRight(total.payable, columns.payable, sheet.y + 5, styles.cellStrong, widths.payable);
  sheet.writeRight(total.held, columns.held, sheet.y + 5, styles.cellStrong, widths.held);
  sheet.y += totalHeight;
}

function drawColumnNames(sheet: Sheet, names: readonly string[]): void {
  const [day = "", article = "", what = "", product = "", payable = "", held = ""] = names;
  sheet.write(day, columns.day, sheet.y, styles.label);
  sheet.write(article, columns.article, sheet.y, styles.label);
  sheet.write(what, columns.what, sheet.y, styles.label);
  sheet.writeRight(product, columns.product, sheet.y, styles.label);
  sheet.writeRight(payable, columns.payable, sheet.y, styles.label);
  sheet.writeRight(held, columns.held, sheet.y, styles.label);
  sheet.y += 13;
}

interface Drawn {
  readonly row: ActivityRow;
  /** How far down its article's name goes. */
  readonly articleEnds: number;
}

function drawRow(
  sheet: Sheet,
  row: ActivityRow,
  above: Drawn | undefined,
  names: readonly string[],
  below: number,
): Drawn {
  const what = sheet.fit(row.what, widths.what, styles.cell, 3);
  const article = sheet.fit(row.article, widths.article, styles.cell, 2);
  const height = Math.max(what.length, article.length, 1) * lineHeight + 5;
  const isNewArticle = above?.row.day !== row.day || above.row.article !== row.article;
  // An article's name may take more room than what was booked first.
  if (above && isNewArticle) sheet.y = Math.max(sheet.y, above.articleEnds);
  const turned = makeRoom(sheet, height + below);
  if (turned) drawColumnNames(sheet, names);
  const isNewDay = turned || above?.row.day !== row.day;
  const says = isNewDay ? "day" : isNewArticle ? "article" : "what";
  sheet.rule(sheet.y, colors.rule, 0.5, columns[says]);
  const y = sheet.y + 3.5;
  if (says === "day") sheet.write(row.day, columns.day, y, styles.cellMuted);
  if (says !== "what") writeLines(sheet, article, columns.article, y);
  writeLines(sheet, what, columns.what, y);
  sheet.writeRight(row.product, columns.product, y, styles.cellMuted, widths.product);
  sheet.writeRight(row.payable, columns.payable, y, styles.cell, widths.payable);
  sheet.writeRight(row.held, columns.held, y, styles.cell, widths.held);
  const articleEnds = says === "what" ? (above?.articleEnds ?? 0) : sheet.y + height;
  sheet.y += what.length * lineHeight + 5;
  return { row, articleEnds };
}

function writeLines(sheet: Sheet, lines: readonly string[], x: number, y: number): void {
  lines.forEach((line, index) => {
    sheet.write(line, x, y + index * lineHeight, styles.cell);
  });
}

function drawMissing(sheet: Sheet): void {
  makeRoom(sheet, 14);
  const text = "□ stands for a character that cannot be printed here; the CSV file has it.";
  sheet.write(text, page.left, sheet.y, styles.small);
}

/** @returns whether a new page was begun. */
function makeRoom(sheet: Sheet, height: number): boolean {
  if (sheet.y + height <= page.bottom) return false;
  sheet.newPage();
  return true;
}
