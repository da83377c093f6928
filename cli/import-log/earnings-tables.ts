import { grouped, money, pairs, table } from "../text.ts";
import { type Counts, totalOf } from "./read-account.ts";
import type { CountedArticle } from "./wait-until-counted.ts";

interface Row {
  readonly names: readonly string[];
  readonly views: number;
  readonly searchVisits: number;
  readonly held: number;
  readonly void: number;
  readonly paidMicros: bigint;
  readonly heldMicros: bigint;
}

const columns = ["views", "search visits", "of these held", "void", "money paid", "money held"].map(
  (title) => ({ title, right: true }),
);

function sum(names: readonly string[], articles: readonly CountedArticle[]): Row {
  const count = (of: (article: CountedArticle) => number) =>
    articles.reduce((total, article) => total + of(article), 0);
  const amount = (of: (article: CountedArticle) => bigint) =>
    articles.reduce((total, article) => total + of(article), 0n);
  return {
    names,
    views: count(({ views }) => views),
    searchVisits: count(({ searchVisits }) => searchVisits),
    held: count(({ held }) => totalOf(held)),
    void: count((article) => totalOf(article.void)),
    paidMicros: amount(({ paidMicros }) => paidMicros),
    heldMicros: amount(({ heldMicros }) => heldMicros),
  };
}

/** For programs: the same sums, of everything, most first. */
export function earningsAsJson(articles: readonly CountedArticle[]) {
  const present = ({ names: _, ...sums }: Row) => sums;
  const sorted = (rows: readonly Row[]) => rows.toSorted(byEarnings);
  return {
    creators: sorted(creatorRows(articles)).map((row) => ({
      creatorId: row.names[0],
      ...present(row),
    })),
    articles: sorted(articleRows(articles)).map((row) => ({
      creatorId: row.names[0],
      articleId: row.names[1],
      ...present(row),
    })),
  };
}

/** Engagements by reason, most frequent first. */
export function reasonsOf(articles: readonly CountedArticle[], state: "held" | "void"): Counts {
  return Object.fromEntries(Object.entries(addUp(articles, state)).sort(([, a], [, b]) => b - a));
}

function creatorRows(articles: readonly CountedArticle[]): Row[] {
  return [...Map.groupBy(articles, ({ creatorId }) => creatorId)].map(([creatorId, its]) =>
    sum([creatorId], its),
  );
}

function articleRows(articles: readonly CountedArticle[]): Row[] {
  return articles.map((article) => sum([article.creatorId, article.articleId], [article]));
}

interface Shown {
  readonly mostRows: number;
  readonly currency: string | undefined;
}

/** What each creator earned, most first. */
export function creatorTable(articles: readonly CountedArticle[], shown: Shown): string[] {
  return earnings(["creator"], creatorRows(articles), shown);
}

/** The same for each article. */
export function articleTable(articles: readonly CountedArticle[], shown: Shown): string[] {
  return earnings(["creator", "article"], articleRows(articles), shown);
}

function byEarnings(a: Row, b: Row): number {
  const [earnedByA, earnedByB] = [a, b].map((row) => row.paidMicros + row.heldMicros);
  if (earnedByA !== earnedByB) return (earnedByA ?? 0n) > (earnedByB ?? 0n) ? -1 : 1;
  return a.names.join("\n") < b.names.join("\n") ? -1 : 1;
}

function earnings(
  headings: readonly string[],
  rows: readonly Row[],
  { mostRows, currency }: Shown,
): string[] {
  const shown = rows.toSorted(byEarnings).slice(0, mostRows);
  const lines = table(
    [...headings.map((title) => ({ title })), ...columns],
    shown.map((row) => [
      ...row.names,
      ...[row.views, row.searchVisits, row.held, row.void].map(grouped),
      ...[row.paidMicros, row.heldMicros].map((micros) => money(micros, currency)),
    ]),
  );
  const hidden = rows.length - shown.length;
  return hidden > 0 ? [...lines, `and ${grouped(hidden)} more (--all shows them)`] : lines;
}

/** Paid, held and void, by reason, each with its part of all that was counted. */
export function outcomes(articles: readonly CountedArticle[], currency?: string): string[] {
  const [held, unpaid] = [addUp(articles, "held"), addUp(articles, "void")];
  const earning = articles.reduce((total, article) => total + article.earning, 0);
  const all = earning + totalOf(unpaid);
  if (all === 0) return [];
  const { paidMicros, heldMicros } = sum([], articles);
  const byReason = (state: string, counts: Counts) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([reason, count]) => [`${state}, ${reason}`, count] as const);
  const rows = [
    ["paid", earning - totalOf(held)] as const,
    ...byReason("held", held),
    ...byReason("void", unpaid),
    ["all", all] as const,
  ];
  const width = grouped(all).length;
  const shared = new Set(articles.map(({ articleId }) => articleId)).size < articles.length;
  return [
    ...pairs(
      rows.map(([name, count]) => [
        name,
        `${grouped(count).padStart(width)}  ${((100 * count) / all).toFixed(1).padStart(5)} %`,
      ]),
    ),
    ...pairs([
      ["payable", money(paidMicros, currency)],
      ["held", money(heldMicros, currency)],
    ]),
    ...(shared ? ["What several creators share is counted for each of them."] : []),
  ];
}

function addUp(articles: readonly CountedArticle[], state: "held" | "void"): Counts {
  const sums: Record<string, number> = {};
  for (const article of articles) {
    for (const [reason, count] of Object.entries(article[state])) {
      sums[reason] = (sums[reason] ?? 0) + count;
    }
  }
  return sums;
}
