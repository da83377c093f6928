import type * as z from "zod";
import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import type { dryRunRateCardSchema } from "../contracts/registry-bodies.ts";
import { problems } from "../perimeter/problem.ts";
import { type Article, type ArticleStore, readArticle } from "../registry/article.ts";
import { type CardScope, parseCardRef, type RateCard, ratesOf } from "../registry/rate-card.ts";
import { inGroups } from "../values/group-by.ts";
import { type Micros, sumMicros } from "../values/micros.ts";
import { type DayRange, lengthInDays, type UtcDay } from "../values/time.ts";
import { type Counter, effectOf, type LineTotal } from "./counter.ts";
import { type LineParts, parseLineKey } from "./line.ts";
import { partOf } from "./price-engagement.ts";

/** The counters of a range of days, in no particular order. */
export interface CountersInRange {
  all(range: DayRange): AsyncIterable<Counter>;
  ofCreator(creatorId: CreatorId, range: DayRange): AsyncIterable<Counter>;
  ofArticle(
    articleId: ArticleId,
    creatorIds: readonly CreatorId[],
    range: DayRange,
  ): AsyncIterable<Counter>;
}

interface Deps {
  readonly counters: CountersInRange;
  readonly articles: Pick<ArticleStore, "getMany">;
  readonly currency: string;
}

const maxDays = 31;
/** Counters whose articles are read together. */
const maxTogether = 100;
const maxCreators = 1_000;

/**
 * What the engagements of some days would have paid under a card, and what they pay as it is: held
 * money included, voided money not. Only of those whose price the card would have set: not of pools,
 * and not where a more special card goes before it. Whose engagements are void, or beyond
 * `commentsPerReader`, stays as it was counted. Reads counters, changes nothing.
 * @throws Problem 400 when the range or the currency is wrong, 404 when the scope's article is not
 *   registered.
 */
export async function dryRunRateCard(deps: Deps, body: z.infer<typeof dryRunRateCardSchema>) {
  const range = rangeOf(body);
  const { scope, ...rates } = body.card;
  const card: RateCard = { ...ratesOf(rates, deps.currency), version: 0, effectiveFromMs: 0 };
  const sums = new Sums();
  for await (const together of inGroups(await countersOf(deps, scope, range), maxTogether)) {
    const articleIds = new Set(together.map(({ id }) => id.articleId));
    const articles = await deps.articles.getMany([...articleIds]);
    for (const counter of together) {
      const article = articles.get(counter.id.articleId);
      if (!article) throw new Error(`article ${JSON.stringify(counter.id.articleId)} is missing`);
      sums.add(counter.id.creatorId, repriceCounter(card, scope, counter, article));
    }
  }
  return { ...range, ...sums.present() };
}

function rangeOf({ from, to }: { from: string; to: string }): DayRange {
  const range = { from: from as UtcDay, to: to as UtcDay };
  const days = lengthInDays(range);
  if (days >= 1 && days <= maxDays) return range;
  const detail =
    days < 1
      ? `${to} is before from, which is ${from}`
      : `${from} to ${to} are ${days} days; send at most ${maxDays}`;
  throw problems.invalid(`to: ${detail}`, [{ field: "to", detail }]);
}

async function countersOf({ counters, articles }: Deps, scope: CardScope, range: DayRange) {
  if (scope === "publisher") return counters.all(range);
  if ("creatorId" in scope) return counters.ofCreator(scope.creatorId, range);
  const { terms } = await readArticle(articles, scope.articleId);
  const creatorIds = terms.flatMap(({ shares }) => shares.map(({ creatorId }) => creatorId));
  return counters.ofArticle(scope.articleId, [...new Set(creatorIds)], range);
}

export interface Repriced {
  readonly currentMicros: Micros;
  readonly proposedMicros: Micros;
  readonly poolLinesLeftOut: number;
}

/** What one counter pays as it is, and would under the card; only the lines that this would price. */
export function repriceCounter(
  card: RateCard,
  scope: CardScope,
  { id, counted }: Pick<Counter, "id" | "counted">,
  article: Pick<Article, "articleId" | "terms">,
): Repriced {
  const current: Micros[] = [];
  const proposed: Micros[] = [];
  let poolLinesLeftOut = 0;
  for (const [key, total] of counted) {
    const line = parseLineKey(key);
    if (line.movement === "void" || !wouldPrice(scope, line)) continue;
    if (line.model === "pool") {
      poolLinesLeftOut += 1;
      continue;
    }
    const shares = sharesOfLine(article, line);
    const index = shares.findIndex(({ creatorId }) => creatorId === id.creatorId);
    if (index < 0) throw new Error(`${JSON.stringify(id)} has a line without having a share`);
    const each = partOf(card, shares, index, line.kind);
    current.push(netOf(line, total));
    proposed.push(netOf(line, { ...total, micros: (total.count * each.micros) as Micros }));
  }
  return {
    currentMicros: sumMicros(current),
    proposedMicros: sumMicros(proposed),
    poolLinesLeftOut,
  };
}

/** An article's own card goes before its creator's, that before the publisher's. */
function wouldPrice(scope: CardScope, line: LineParts): boolean {
  const { scope: priced } = parseCardRef(line.card);
  if (scope === "publisher") return priced === "publisher";
  return "articleId" in scope || priced !== "article";
}

function sharesOfLine({ articleId, terms }: Pick<Article, "articleId" | "terms">, line: LineParts) {
  const found = terms.find(({ version }) => version === line.sharesVersion);
  if (found) return found.shares;
  throw new Error(`article ${JSON.stringify(articleId)} has no shares ${line.sharesVersion}`);
}

/** Payable or held: a hold that is over moves money between the two, and changes nothing here. */
function netOf({ movement }: LineParts, total: LineTotal): Micros {
  const { payable, held } = effectOf(movement, total);
  return (payable + held) as Micros;
}

/** By creator, and over all. */
class Sums {
  private readonly creators = new Map<CreatorId, { current: bigint; proposed: bigint }>();
  private poolLinesLeftOut = 0;

  add(creatorId: CreatorId, repriced: Repriced): void {
    this.poolLinesLeftOut += repriced.poolLinesLeftOut;
    const sums = this.creators.get(creatorId) ?? { current: 0n, proposed: 0n };
    sums.current += repriced.currentMicros;
    sums.proposed += repriced.proposedMicros;
    this.creators.set(creatorId, sums);
  }

  /** Creators whom it changes most come first; at most 1,000 of those it concerns are listed. */
  present() {
    const all = [...this.creators].filter(([, sums]) => sums.current || sums.proposed);
    const byDifference = all
      .map(([creatorId, sums]) => ({ creatorId, sums, by: magnitude(sums) }))
      .sort((a, b) =>
        a.by === b.by ? (a.creatorId < b.creatorId ? -1 : 1) : a.by < b.by ? 1 : -1,
      );
    return {
      ...amounts({
        current: sumMicros(all.map(([, { current }]) => current)),
        proposed: sumMicros(all.map(([, { proposed }]) => proposed)),
      }),
      creators: byDifference
        .slice(0, maxCreators)
        .map(({ creatorId, sums }) => ({ creatorId, ...amounts(sums) })),
      truncated: all.length > maxCreators,
      poolLinesLeftOut: this.poolLinesLeftOut,
    };
  }
}

interface Sum {
  readonly current: bigint;
  readonly proposed: bigint;
}

function magnitude({ current, proposed }: Sum): bigint {
  return current < proposed ? proposed - current : current - proposed;
}

function amounts({ current, proposed }: Sum) {
  return {
    currentMicros: String(current),
    proposedMicros: String(proposed),
    differenceMicros: String(proposed - current),
  };
}
