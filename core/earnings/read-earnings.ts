import type * as z from "zod";
import type { CreatorId } from "../contracts/ids.ts";
import { engagementKinds, kindOf } from "../contracts/kinds.ts";
import { limits } from "../contracts/limits.ts";
import type { earningsQuerySchema } from "../contracts/queries.ts";
import { type Problem, problems } from "../perimeter/problem.ts";
import {
  type Clock,
  type DayRange,
  dayMs,
  isWithin,
  lengthInDays,
  type UtcDay,
  utcDayOf,
} from "../values/time.ts";
import type { Counter } from "./counter.ts";
import { EarningsSums, type PresentedSums } from "./earnings-sums.ts";
import { parseLineKey } from "./line.ts";

export interface CountersReader {
  /**
   * A creator's counters in order of article, those of one article together, starting after
   * `afterArticleId`.
   */
  counters(creatorId: CreatorId, afterArticleId: string | undefined): AsyncIterable<Counter>;
}

/** Items of one group by `articleId`, `day` or `kind`, in that order. */
export interface EarningsPage {
  readonly items: readonly (Readonly<Record<string, unknown>> & PresentedSums)[];
  readonly nextCursor?: string;
}

interface Deps {
  readonly earnings: CountersReader;
  readonly clock: Clock;
}

type Query = z.infer<typeof earningsQuerySchema>;

/**
 * What a creator's engagements earned, settled or not. By article in pages, since it was registered
 * when no days are given; by day or kind whole, of the last 366 days at most.
 * @throws Problem 400 when the days are in the wrong order or too many, or a cursor has no use.
 */
export async function readEarnings(
  { earnings, clock }: Deps,
  creatorId: CreatorId,
  query: Query,
): Promise<EarningsPage> {
  const days = rangeOf(query, clock.nowMs());
  if (query.groupBy === "article") return await byArticle(earnings, creatorId, days, query);
  if (query.cursor !== undefined) {
    throw refusal("cursor", `is not used with groupBy=${query.groupBy}, whose answer is whole`);
  }
  const counters = within(earnings.counters(creatorId, undefined), days);
  return query.groupBy === "day" ? await byDay(counters) : await byKind(counters);
}

async function byArticle(
  earnings: CountersReader,
  creatorId: CreatorId,
  days: DayRange | undefined,
  { limit, cursor }: Pick<Query, "limit" | "cursor">,
): Promise<EarningsPage> {
  const sums = new Map<string, EarningsSums>();
  let last: string | undefined;
  for await (const counter of within(earnings.counters(creatorId, cursor), days)) {
    const { articleId } = counter.id;
    if (articleId !== last && sums.size === limit && last !== undefined) {
      return { ...page("articleId", sums), nextCursor: last };
    }
    addAll(sumsOf(sums, articleId), counter);
    last = articleId;
  }
  return page("articleId", sums);
}

async function byDay(counters: AsyncIterable<Counter>): Promise<EarningsPage> {
  const sums = new Map<string, EarningsSums>();
  for await (const counter of counters) addAll(sumsOf(sums, counter.id.day), counter);
  return page("day", new Map([...sums].sort(([a], [b]) => (a < b ? -1 : 1))));
}

async function byKind(counters: AsyncIterable<Counter>): Promise<EarningsPage> {
  const sums = new Map<string, EarningsSums>();
  for await (const { counted } of counters) {
    for (const [key, total] of counted) {
      const line = parseLineKey(key);
      sumsOf(sums, kindOf(line.kind)).add(line, total);
    }
  }
  const known = engagementKinds.filter((kind) => sums.has(kind));
  return page("kind", new Map(known.map((kind) => [kind, sumsOf(sums, kind)])));
}

function sumsOf(sums: Map<string, EarningsSums>, name: string): EarningsSums {
  const own = sums.get(name) ?? new EarningsSums();
  sums.set(name, own);
  return own;
}

function addAll(sums: EarningsSums, { counted }: Counter): void {
  for (const [key, total] of counted) sums.add(parseLineKey(key), total);
}

function page(field: string, sums: ReadonlyMap<string, EarningsSums>): EarningsPage {
  return { items: [...sums].map(([name, one]) => ({ [field]: name, ...one.present() })) };
}

/** The day lies in the middle of a counter's key, where no query can reach it. */
async function* within(counters: AsyncIterable<Counter>, days: DayRange | undefined) {
  for await (const counter of counters) {
    if (days === undefined || isWithin(days, counter.id.day)) yield counter;
  }
}

/**
 * Undefined for all there ever were. Whichever end is left out makes the range as long as it may be
 * with `to`, or end now.
 */
function rangeOf({ from, to, groupBy }: Query, nowMs: number): DayRange | undefined {
  if (from === undefined && to === undefined && groupBy === "article") return undefined;
  // An engagement may be dated a little ahead of our clock.
  const last = to ?? utcDayOf(nowMs + limits.maxAheadMs);
  const first = from ?? utcDayOf(Date.parse(last) - (limits.maxRangeDays - 1) * dayMs);
  const range: DayRange = { from: first as UtcDay, to: last as UtcDay };
  const count = lengthInDays(range);
  // Where `to` was left out it is the one that is there which must change.
  const field = to === undefined ? "from" : "to";
  if (count < 1) throw refusal(field, `from (${first}) is after to (${last})`);
  if (count > limits.maxRangeDays) {
    const most = `send at most ${limits.maxRangeDays}`;
    throw refusal(field, `${first} to ${last} are ${count} days; ${most}`);
  }
  return range;
}

function refusal(field: string, detail: string): Problem {
  return problems.invalid(`${field}: ${detail}`, [{ field, detail }]);
}
