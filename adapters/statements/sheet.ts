import PDFDocument from "pdfkit";
import { escapeHidden } from "../../core/contracts/shown-text.ts";

/** TrueType files. */
export interface Fonts {
  readonly regular: Uint8Array;
  readonly bold: Uint8Array;
}

export interface Style {
  readonly font: keyof Fonts;
  readonly size: number;
  readonly color: string;
}

/** What a file says of itself. */
export interface SheetInfo {
  readonly title: string;
  readonly author: string;
  readonly subject: string;
  readonly language: string;
  readonly datedMs: number;
}

export const page = {
  width: 595.28,
  height: 841.89,
  left: 50,
  right: 545.28,
  top: 50,
  bottom: 780,
};

/** Stands for what the fonts cannot show. */
const missing = "□";
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

interface Covering {
  hasGlyphForCodePoint(codePoint: number): boolean;
}

/**
 * Pages on which text is placed line by line. The same calls give the same bytes: nothing is taken
 * from the clock, and ids follow from what the file says of itself.
 */
export class Sheet {
  /** How far down the page it is. */
  y = page.top;
  /** Whether something could not be shown. */
  hasMissing = false;
  private readonly document: PDFKit.PDFDocument;
  private readonly chunks: Buffer[] = [];
  private readonly covered = new Map<string, string>();

  constructor(fonts: Fonts, { title, author, subject, language, datedMs }: SheetInfo) {
    const date = new Date(datedMs);
    this.document = new PDFDocument({
      size: "A4",
      margin: 0,
      // Page x of y: how many there are is known at the end.
      bufferPages: true,
      lang: language,
      displayTitle: true,
      pdfVersion: "1.7",
      info: {
        ...{ Title: escapeHidden(title), Author: escapeHidden(author) },
        Subject: escapeHidden(subject),
        ...{ Creator: "Pennyline", Producer: "Pennyline", CreationDate: date, ModDate: date },
      },
      // None of the standard fonts: they know no more than Western European letters.
      font: null as unknown as string,
    });
    this.document.on("data", (chunk: Buffer) => this.chunks.push(chunk));
    for (const name of ["regular", "bold"] as const) {
      this.document.registerFont(name, Buffer.from(fonts[name]));
    }
  }

  newPage(): void {
    this.document.addPage();
    this.y = page.top;
  }

  write(text: string, x: number, y: number, style: Style): void {
    this.use(style);
    this.document.fillColor(style.color).text(this.shown(text), x, y, { lineBreak: false });
  }

  /** Ends at `right`; smaller where it would be wider than `width`. */
  writeRight(text: string, right: number, y: number, style: Style, width?: number): void {
    const fitting = width === undefined ? style : this.shrunk(text, width, style);
    const x = right - this.widthOf(text, fitting);
    // On the same line as what is not smaller.
    this.write(text, x, y + (style.size - fitting.size), fitting);
  }

  shrunk(text: string, width: number, style: Style): Style {
    const wide = this.widthOf(text, style);
    return wide <= width ? style : { ...style, size: (style.size * width) / wide };
  }

  widthOf(text: string, style: Style): number {
    this.use(style);
    return this.document.widthOfString(this.shown(text));
  }

  /** Lines no wider than this; what does not fit into the last one ends in an ellipsis. */
  fit(text: string, width: number, style: Style, maxLines = Number.POSITIVE_INFINITY): string[] {
    const lines: string[] = [];
    let line = "";
    for (const word of text.split(/(?<=[\s/-])(?=\S)/u)) {
      if (this.widthOf((line + word).trimEnd(), style) <= width) {
        line += word;
        continue;
      }
      if (line !== "") lines.push(line.trimEnd());
      line = word;
      while (this.widthOf(line.trimEnd(), style) > width) {
        const [head, rest] = this.cut(line, width, style);
        lines.push(head);
        line = rest;
      }
      // Enough to know that it does not fit.
      if (lines.length > maxLines) break;
    }
    if (line.trim() !== "") lines.push(line.trimEnd());
    if (lines.length <= maxLines) return lines;
    const last = this.cut(`${lines[maxLines - 1]}…`, width, style, "…")[0];
    return [...lines.slice(0, maxLines - 1), last];
  }

  rule(y: number, color: string, width = 0.5, from = page.left, to = page.right): void {
    this.document.moveTo(from, y).lineTo(to, y).lineWidth(width).strokeColor(color).stroke();
  }

  fill(x: number, y: number, width: number, height: number, color: string, radius = 0): void {
    this.document.roundedRect(x, y, width, height, radius).fill(color);
  }

  /** @param write draws on each page, once all are there. */
  async finish(write: (number: number, count: number) => void): Promise<Uint8Array> {
    const { count } = this.document.bufferedPageRange();
    for (let index = 0; index < count; index += 1) {
      this.document.switchToPage(index);
      write(index + 1, count);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.document.once("end", resolve).once("error", reject);
    this.document.end();
    await promise;
    return Buffer.concat(this.chunks);
  }

  private use({ font, size }: Style): void {
    this.document.font(font).fontSize(size);
  }

  /** As much of the beginning as fits, at least one character; and the rest. */
  private cut(text: string, width: number, style: Style, end = ""): [string, string] {
    const parts = [...graphemes.segment(end === "" ? text : text.slice(0, -end.length))].map(
      ({ segment }) => segment,
    );
    let low = 1;
    let high = parts.length;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const head = parts.slice(0, middle).join("").trimEnd() + end;
      if (this.widthOf(head, style) <= width) low = middle;
      else high = middle - 1;
    }
    return [parts.slice(0, low).join("").trimEnd() + end, parts.slice(low).join("")];
  }

  /** Both fonts cover the same; a character that neither has is shown as a box, never as another. */
  private shown(text: string): string {
    const known = this.covered.get(text);
    if (known !== undefined) return known;
    // pdfkit hands out its fontkit font in no other way.
    const { _font } = this.document as unknown as { _font: { font: Covering } };
    const covers = (character: string) =>
      [...character].every((point) => _font.font.hasGlyphForCodePoint(point.codePointAt(0) ?? 0));
    // Titles from before hidden characters were refused may hold some.
    const visible = escapeHidden(text.normalize("NFC"));
    const shown = [...graphemes.segment(visible)]
      .map(({ segment }) => (covers(segment) ? segment : missing))
      .join("");
    if (shown !== visible) this.hasMissing = true;
    if (this.covered.size > 10_000) this.covered.clear();
    this.covered.set(text, shown);
    return shown;
  }
}
