import type { ImportResult } from "./import-log.ts";
import type { Proof } from "./read-account.ts";
import { type SkipReason, skipReasons } from "./select-visit.ts";
import type { TallyLine } from "./tally.ts";
import type { CountedArticle } from "./wait-until-counted.ts";

const rowsShown = 20;

interface Row {
  readonly names: readonly string[];
  readonly views: number;
  readonly searchVisits: number;
  readonly micros: bigint;
}

/** What an import did, for people; every number that matters has a line of its own. */
export function report(result: ImportResult, { all }: { readonly all: boolean }): string {
  const rows = all ? Number.POSITIVE_INFINITY : rowsShown;
  const { articles } = result.waited;
  return [
    ...section("By creator", table(["creator"], creatorRows(articles), rows)),
    ...section("By article", table(["creator", "article"], articleRows(articles), rows)),
    ...section("Totals", totals(result)),
    ...section("Left out", leftOut(result)),
    ...section("Broken lines", brokenLines(result)),
    ...section("Proof", proofLines(result.proofs?.after)),
  ].join("\n");
}

/** Why the import is not a success, or undefined when it is. */
export function failureOf({ read, waited, proofs }: ImportResult): string | undefined {
  const failures = [
    proofs && !proofs.after.ok ? "the proof does not hold" : "",
    waited.missing > 0
      ? `${waited.missing} accepted engagements are not counted yet: look at the queues and their ` +
        "dead letters; they are not lost, and importing again changes nothing"
      : "",
    read.cutShort ? "the log is damaged and was not read to its end" : "",
  ].filter(Boolean);
  return failures.length === 0 ? undefined : failures.join("; ");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`), ""];
}

function sum(names: readonly string[], articles: readonly CountedArticle[]): Row {
  return {
    names,
    views: articles.reduce((total, { views }) => total + views, 0),
    searchVisits: articles.reduce((total, { searchVisits }) => total + searchVisits, 0),
    micros: articles.reduce((total, { micros }) => total + micros, 0n),
  };
}

function creatorRows(articles: readonly CountedArticle[]): Row[] {
  return [...Map.groupBy(articles, ({ creatorId }) => creatorId)].map(([creatorId, its]) =>
    sum([creatorId], its),
  );
}

function articleRows(articles: readonly CountedArticle[]): Row[] {
  return articles.map((article) => sum([article.creatorId, article.articleId], [article]));
}

function byEarnings(a: Row, b: Row): number {
  if (a.micros !== b.micros) return a.micros > b.micros ? -1 : 1;
  return a.names.join("\n") < b.names.join("\n") ? -1 : 1;
}

function table(headings: readonly string[], rows: readonly Row[], most: number): string[] {
  if (rows.length === 0) return [];
  const shown = rows.toSorted(byEarnings).slice(0, most);
  const cells = [
    [...headings, "views", "search visits", "micros"],
    ...shown.map(({ names, views, searchVisits, micros }) => [
      ...names,
      ...[views, searchVisits, micros].map(grouped),
    ]),
  ];
  const widths = cells[0]?.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, column) => {
        const width = widths?.[column] ?? 0;
        return column < headings.length ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  "),
  );
  const hidden = rows.length - shown.length;
  return hidden > 0 ? [...lines, `and ${grouped(hidden)} more (--all shows them)`] : lines;
}

function totals({ read, sent, waited, distinct, proofs, rebase, tookMs }: ImportResult): string[] {
  const counted = sum([], waited.articles);
  const days = (rebase?.shiftMs ?? 0) / 86_400_000;
  return pairs([
    ["lines read", grouped(read.lines)],
    [
      "visits",
      `${grouped(read.visits)}, of these from a search engine ${grouped(read.searchVisits)}`,
    ],
    ["engagements accepted", `${grouped(sent.accepted)} of ${grouped(sent.offered)} sent`],
    [
      "different ones",
      `${distinct.exact ? "" : "more than "}${grouped(distinct.count)} (reader, article, kind and day)`,
    ],
    ...(proofs ? [["newly counted", grouped(newlyCounted(proofs))] as const] : []),
    ["articles", `${grouped(waited.articles.length)}, of these new ${grouped(sent.newArticles)}`],
    [
      "in their account",
      `${grouped(counted.views)} views, ${grouped(counted.searchVisits)} search visits`,
    ],
    ["micros", grouped(counted.micros)],
    ...(rebase
      ? [
          [
            "times moved by",
            `${grouped(days)} days; to repeat: --rebase-to ${rebase.onto}`,
          ] as const,
        ]
      : []),
    ["took", `${(tookMs / 1_000).toFixed(1)} s`],
  ]);
}

function newlyCounted({ before, after }: { before: Proof; after: Proof }): bigint {
  return after.counted.engagements - before.counted.engagements;
}

function leftOut({ read, sent }: ImportResult): string[] {
  const skipped = (Object.keys(skipReasons) as SkipReason[]).map(
    (reason) => [skipReasons[reason], read.skipped[reason]] as const,
  );
  const refusals = [read.refused, sent.refused].flatMap((tally) => tally.lines());
  const lines = [
    ...skipped
      .filter(([, count]) => count > 0)
      .map(([text, count]) => [text, grouped(count)] as const),
    ...(read.brokenCount > 0 ? [["broken line", grouped(read.brokenCount)] as const] : []),
    ...merged(refusals).map(({ reason, count }) => [`refused, ${reason}`, grouped(count)] as const),
    ...sent.refusedArticles
      .lines()
      .map(
        ({ reason, count, example }) =>
          [`article refused, ${reason} (${example})`, grouped(count)] as const,
      ),
  ];
  const tooOld = refusals.some(({ reason }) => reason.startsWith("too_old"));
  return [
    ...pairs(lines),
    ...(tooOld ? ["--rebase moves an old log's times up to yesterday"] : []),
  ];
}

/** What was foreseen and what the API said, under one reason. */
function merged(lines: readonly TallyLine[]): TallyLine[] {
  return [...Map.groupBy(lines, ({ reason }) => reason)].map(([reason, same]) => ({
    reason,
    count: same.reduce((total, { count }) => total + count, 0),
  }));
}

function brokenLines({ read: { broken, brokenCount } }: ImportResult): string[] {
  const lines = broken.map(({ number, reason }) => `line ${number}: ${reason}`);
  const hidden = brokenCount - broken.length;
  return hidden > 0 ? [...lines, `and ${grouped(hidden)} more`] : lines;
}

function proofLines(proof: Proof | undefined): string[] {
  if (!proof) return ["not read: it takes a token with the scope admin (--admin-token)"];
  const { counted, rejected, counters, ledger } = proof;
  return [
    proof.ok ? "ok: counted = pending + settled, every entry sums to zero" : "NOT OK",
    ...proof.differences.map((difference) => JSON.stringify(difference)),
    ...pairs([
      ["counted", `${grouped(counted.engagements)} engagements, ${grouped(counted.micros)} micros`],
      ["rejected after acceptance", grouped(rejected.engagements)],
      ["pending in counters", `${grouped(counters.pendingMicros)} micros`],
      ["in the ledger", `${grouped(ledger.micros)} micros, ${grouped(ledger.entries)} entries`],
    ]),
  ];
}

function pairs(lines: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

function grouped(value: number | bigint): string {
  return value.toLocaleString("en-US");
}
