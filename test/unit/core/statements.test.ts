import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawStatement } from "../../../adapters/statements/draw-statement.ts";
import type { ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import { limits } from "../../../core/contracts/limits.ts";
import type { JobFile } from "../../../core/jobs/job.ts";
import type { JobRun } from "../../../core/jobs/run-job.ts";
import {
  bookEntry,
  type EntryLine,
  emptyAccount,
  entryOfLines,
  entryTypeOf,
  type LedgerAccount,
  type LedgerEntry,
  payableTo,
  posting,
} from "../../../core/ledger/entry.ts";
import type { CardRef } from "../../../core/registry/rate-card.ts";
import {
  amountText,
  columnText,
  decimalsFor,
  plainAmount,
} from "../../../core/statements/amounts.ts";
import { type RenderDeps, renderStatement } from "../../../core/statements/render-statement.ts";
import { micros } from "../../../core/values/micros.ts";
import { type UtcDay, utcDayOf } from "../../../core/values/time.ts";
import { parseCsv } from "../../support/parse-csv.ts";
import { readPdf } from "../../support/read-pdf.ts";

const font = (name: string) =>
  readFileSync(new URL(import.meta.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`)));
const fonts = { regular: font("DejaVuSansCondensed"), bold: font("DejaVuSansCondensed-Bold") };

const creatorId = "ada" as CreatorId;
const beginMs = Date.parse("2026-03-01T00:00:00Z");
const facts = (nowMs: number) => ({ creatorId, currency: "USD", traceId: "t", nowMs });

/** Books on one account, in order. */
function bookOn(entries: LedgerEntry[]) {
  let account: LedgerAccount = emptyAccount;
  const add = (entry: LedgerEntry) => {
    entries.push(entry);
    account = entry;
  };
  return {
    line(
      atMs: number,
      line: Partial<EntryLine> & { readonly movement?: keyof typeof entryTypeOf },
    ) {
      const { movement = "paid" } = line;
      const whole: EntryLine = {
        ...{ articleId: "one" as ArticleId, day: utcDayOf(atMs), kind: "view", model: "rates" },
        ...{ card: "1" as CardRef, sharesVersion: 1, count: 3n, feeMicros: micros(10) },
        ...{ amountMicros: micros(3_000), ...line, movement },
      };
      add(entryOfLines(account, facts(atMs), entryTypeOf[movement], [whole]));
    },
    adjust(atMs: number, amountMicros: bigint, note: string) {
      const effectiveDay = utcDayOf(atMs);
      const postings = [
        posting("expense:revenue-share", amountMicros),
        posting(payableTo(creatorId), -amountMicros),
      ];
      add(bookEntry(account, facts(atMs), { type: "adjustment", effectiveDay, postings, note }));
    },
  };
}

interface Given {
  readonly entries?: readonly LedgerEntry[];
  readonly titles?: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly nowMs?: number;
}

/** A month's files, as the worker makes them of a ledger. */
async function render({ entries = [], titles = {}, name, nowMs }: Given, month = "2026-03") {
  const files = new Map<string, Uint8Array>();
  const deps: RenderDeps = {
    ledger: {
      readAccount: async () => entries.at(-1) ?? emptyAccount,
      entryAt: async (_, sequence) => entries[sequence - 1],
      async *entriesBetween(_, first, last) {
        yield* entries.slice(first - 1, last);
      },
    },
    creators: {
      getMany: async () =>
        new Map([
          [
            creatorId,
            { creatorId, name, readerIds: [], rateCards: [], updatedAtMs: 0, revision: 1 },
          ],
        ]) as never,
    },
    articles: {
      getMany: async (ids) =>
        new Map(ids.flatMap((id) => (titles[id] ? [[id, { title: titles[id] }]] : []))) as never,
    },
    files: {
      async put(key, body) {
        files.set(key, typeof body === "string" ? Buffer.from(body) : body);
      },
    },
    clock: { nowMs: () => nowMs ?? Date.parse("2026-04-02T00:00:00Z") },
    ...{ currency: "USD", holdDays: 14 },
    issuer: { name: "The Daily Press", address: ["1 Press Row"], questionsTo: "writers@press" },
    draw: (document) => drawStatement(document, fonts),
  };
  const run = { jobId: "j1", payload: { creatorId, month }, report: async () => {} };
  const outcome = await renderStatement(deps, run as unknown as JobRun<never>);
  if (outcome.kind !== "succeeded") throw new Error(outcome.kind);
  const [pdfFile, csvFile] = outcome.files as [JobFile, JobFile];
  const pdf = files.get(pdfFile.key) ?? new Uint8Array();
  const csv = Buffer.from(files.get(csvFile.key) ?? []).toString();
  return { outcome, pdf, read: readPdf(pdf), rows: parseCsv(csv), csv };
}

const textOf = ({ read }: Awaited<ReturnType<typeof render>>) => read.pages.join("\n");
const numberOf = (text = "") => {
  const [, sign, units = "", fraction = ""] = /^(-?)(\d+)\.(\d+)$/.exec(text) ?? [];
  return BigInt(`${sign}${units}${fraction.padEnd(6, "0")}`);
};

describe("amounts", () => {
  test("are exact, with two to six decimals", () => {
    expect([0n, 1n, -5_000n, 1_234_567_890_000n].map(amountText)).toEqual([
      "0.00",
      "0.000001",
      "−0.005",
      "1,234,567.89",
    ]);
    expect(columnText(1_500_000n, decimalsFor([1_500_000n, 10n]))).toBe("1.50\u2007\u2007\u2007");
    expect(() => columnText(1n, 2)).toThrow("does not fit");
  });

  test("any amount comes back from its text, to the micro", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), (amount) => {
        const back = amountText(amount).replaceAll(",", "").replace("−", "-");
        return numberOf(back) === amount && numberOf(plainAmount(amount)) === amount;
      }),
    );
  });
});

describe("a statement", () => {
  test("says what was earned with what, and adds up", async () => {
    const entries: LedgerEntry[] = [];
    const books = bookOn(entries);
    books.line(beginMs - 5, { amountMicros: micros(7_000_000), count: 1n });
    books.line(beginMs + 5, { day: "2026-02-28" as UtcDay });
    books.line(beginMs + 60_000, {});
    books.line(beginMs + 120_000, { count: 5n, amountMicros: micros(5_000) });
    books.line(beginMs + 1e8, { movement: "held", reason: "unmoderated", kind: "comment:long" });
    books.line(beginMs + 2e8, {
      movement: "voided",
      reason: "manual",
      count: 1n,
      amountMicros: micros(1_000),
    });
    books.adjust(beginMs + 3e8, 2_500_000n, "for the typesetter's day");
    const made = await render({ entries, titles: { one: "On engines" }, name: "Ada Lovelace" });
    const text = textOf(made);
    for (const said of [
      ...["The Daily Press", "1 Press Row", "Ada Lovelace", "March 2026", "1–31 March 2026, UTC"],
      // Two settlements of one day are one row; what was earned before is booked in March.
      ...[
        "On engines",
        "28 Feb",
        "8 × 0.001",
        "Comments (long)",
        "ada.0000000007: for the",
        "Final",
      ],
      ...["0.003 USD waits", "after 14 days", "Write to writers@press.", "Page 1 of "],
    ]) {
      expect(text).toContain(said);
    }
    expect(made.read.info).toMatchObject({
      ...{ Title: "Statement of earnings, March 2026", Author: "The Daily Press" },
      CreationDate: expect.stringContaining("D:20260304"),
    });
    expect(made.read.language).toBe("en");
    expect(made.outcome.kind === "succeeded" && made.outcome.result).toMatchObject({
      closed: true,
      entries: 6,
    });

    const [header = [], opening = [], ...rest] = made.rows;
    const closing = rest.pop() ?? [];
    const column = (name: string) => header.indexOf(name);
    for (const name of ["payable", "held"]) {
      const sum = rest.reduce((total, row) => total + numberOf(row[column(name)]), 0n);
      expect(numberOf(opening[column(name)]) + sum).toBe(numberOf(closing[column(name)]));
    }
    expect(rest).toHaveLength(6);
    expect(closing[column("payable")]).toBe("9.51");
  });

  test("is the same file, byte for byte, whenever it is made of the same ledger", async () => {
    const entries: LedgerEntry[] = [];
    bookOn(entries).line(beginMs + 5, {});
    const [one, later] = [await render({ entries }), await render({ entries, nowMs: beginMs * 2 })];
    expect(Buffer.from(one.pdf).equals(later.pdf)).toBe(true);
    expect(one.csv).toBe(later.csv);
  });

  test("of a month in which nothing happened is a page, too", async () => {
    const made = await render({});
    expect(made.read.pages).toHaveLength(1);
    expect(textOf(made)).toContain("Nothing was booked in this month.");
    expect(made.rows).toHaveLength(3);
  });

  test("of the current month says that it is preliminary; of one to come there is none", async () => {
    const nowMs = Date.parse("2026-03-10T00:00:00Z");
    expect(textOf(await render({ nowMs }))).toContain("Preliminary");
    await expect(render({ nowMs }, "2026-04")).rejects.toMatchObject({ status: 400 });
  });

  test("prints the letters of Europe, and shows that it lacks others", async () => {
    const entries: LedgerEntry[] = [];
    bookOn(entries).line(beginMs, {});
    const title = "Zażółć gęślą jaźń · Война · Περί ψυχής · 日本語 👩‍👩‍👧";
    const made = await render({ entries, titles: { one: title }, name: "Ѳеодоръ Ὅμηρος" });
    const text = textOf(made).replaceAll("\n", " ");
    expect(text).toContain("Zażółć gęślą jaźń · Война");
    // One box for each character as it is seen, however many code points it takes.
    expect(text).toContain("Περί ψυχής · □□□ □");
    expect(text).toContain("□ stands for a character");
    expect(text).toContain("Ѳеодоръ Ὅμηρος");
    expect(made.csv).toContain(title);
  });

  test("a title that a spreadsheet would take for a formula is harmless", async () => {
    const entries: LedgerEntry[] = [];
    const books = bookOn(entries);
    books.line(beginMs, {});
    books.adjust(beginMs, -1_500_000n, '=HYPERLINK("http://x")');
    const { rows } = await render({ entries, titles: { one: "=1+1" } });
    const cells = rows.flat();
    expect(cells).toContain("'=1+1");
    expect(cells).toContain(`'=HYPERLINK("http://x")`);
    // Numbers stay numbers.
    expect(cells).toContain("-1.50");
  });

  test("of thousands of entries has the heads of its columns on each page, and one total", async () => {
    const entries: LedgerEntry[] = [];
    const books = bookOn(entries);
    for (let n = 0; n < 5_000; n += 1) {
      const articleId = `article-${n % 170}` as ArticleId;
      books.line(beginMs + n * 500_000, { articleId, amountMicros: micros(3 * (n + 1)) });
    }
    const made = await render({ entries });
    expect(made.rows).toHaveLength(5_003);
    const { pages } = made.read;
    expect(pages.length).toBeGreaterThan(80);
    expect(pages.slice(1).every((page) => page.startsWith("Day\nArticle\nWhat"))).toBe(true);
    expect(pages.at(-1)).toContain(`Change in the month\n${amountText(3n * 12_502_500n)}`);
    expect(pages.at(-1)).toContain(`Page ${pages.length} of ${pages.length}`);
  });

  test("adds up what would be more than anyone turns the pages of", async () => {
    const entries: LedgerEntry[] = [];
    const books = bookOn(entries);
    for (let n = 0; n <= limits.maxStatementRows; n += 1) {
      books.line(beginMs + n * 100_000, { amountMicros: micros(3 * (n + 1)) });
    }
    const made = await render({ entries });
    const text = textOf(made);
    // Every price is another one, so that not even an article is a row: all of it is.
    expect(text).toContain("Added up over all articles");
    expect(text).toContain("15,003");
    expect(made.rows).toHaveLength(limits.maxStatementRows + 4);
  });

  test("that does not add up is never printed", async () => {
    const entries: LedgerEntry[] = [];
    const books = bookOn(entries);
    books.line(beginMs, {});
    books.line(beginMs + 1, {});
    const [first, second] = entries as [LedgerEntry, LedgerEntry];
    const totals = { ...second.totals, earned: micros(6_001) };
    await expect(render({ entries: [first, { ...second, totals }] })).rejects.toThrow(
      "does not add up",
    );
  });

  test("long names and large amounts stay within the page", async () => {
    const entries: LedgerEntry[] = [];
    const books = bookOn(entries);
    const title =
      "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(9);
    books.line(beginMs, { count: 987_654_321n, amountMicros: micros(987_654_321n * 1_000_001n) });
    const made = await render({ entries, titles: { one: title }, name: title.slice(0, 900) });
    expect(made.read.pages).toHaveLength(1);
    expect(textOf(made)).toContain("987,654,321 × 1.000001");
    expect(textOf(made)).toContain("…");
  });
});
