import type * as z from "zod";
import type { UtcMonth } from "../contracts/fields.ts";
import type { earningsSummaryQuerySchema } from "../contracts/queries.ts";
import { requireBegun } from "../ledger/read-statement.ts";
import { Problem } from "../perimeter/problem.ts";
import type { ArticleStore } from "../registry/article.ts";
import type { CreatorStore } from "../registry/creator.ts";
import { type Clock, utcDayOf, utcMonthOf } from "../values/time.ts";
import type { EarningsSummary, MonthSums, MonthTop } from "./earnings-summary.ts";

/** A month's top, and when it was summed up. */
export type StoredTop = MonthTop & Pick<EarningsSummary, "asOfMs">;

export interface SummaryStore {
  /** Does not replace what is of a later moment. */
  put(summary: EarningsSummary): Promise<void>;
  totals(): Promise<Omit<EarningsSummary, "tops"> | undefined>;
  top(month: UtcMonth): Promise<StoredTop | undefined>;
}

interface Deps {
  readonly summaries: Pick<SummaryStore, "totals" | "top">;
  readonly articles: Pick<ArticleStore, "getMany">;
  readonly creators: Pick<CreatorStore, "getMany">;
  readonly clock: Clock;
  readonly currency: string;
}

/**
 * What is owed to all creators and was paid to them, by month, and who and what earned most in one.
 * As of the last proof, which runs every hour. Micros as decimal strings.
 * @throws Problem 400 for a month that has not begun; 404 until the first proof has run.
 */
export async function readEarningsSummary(
  deps: Deps,
  query: z.infer<typeof earningsSummaryQuerySchema>,
) {
  const nowMs = deps.clock.nowMs();
  const month = query.month ?? utcMonthOf(utcDayOf(nowMs));
  requireBegun(month, nowMs);
  const [totals, top] = await Promise.all([deps.summaries.totals(), deps.summaries.top(month)]);
  if (!totals) {
    throw new Problem(
      404,
      "no-summary-yet",
      "No summary yet",
      "Sums are made by the proof, which runs every hour; GET /v1/admin/proof runs one now.",
    );
  }
  const { payable, pending, held, inPayout, paidOut } = totals;
  const known = top ?? emptyTop(totals, month);
  return {
    asOf: iso(totals.asOfMs),
    currency: deps.currency,
    proof: totals.proof,
    payableMicros: String(payable),
    pendingMicros: String(pending),
    heldMicros: String(held),
    inPayoutMicros: String(inPayout),
    paidOutMicros: String(paidOut),
    months: totals.months.map(presentMonth),
    ...(known && { top: await presentTop(deps, known, query.limit) }),
  };
}

const iso = (ms: number) => new Date(ms).toISOString();

/** Undefined of months that were too long ago when sums were first made. */
function emptyTop(
  { asOfMs, months }: Omit<EarningsSummary, "tops">,
  month: UtcMonth,
): StoredTop | undefined {
  if (months.some((sums) => sums.month === month && sums.earned !== 0n)) return undefined;
  return { month, asOfMs, creators: [], articles: [] };
}

function presentMonth({ month, earned, held, fees, adjusted, paidOut }: MonthSums) {
  return {
    month,
    earnedMicros: String(earned),
    heldMicros: String(held),
    feeMicros: String(fees),
    adjustedMicros: String(adjusted),
    paidOutMicros: String(paidOut),
  };
}

/** With names and titles as they are now; who was never registered has none. */
async function presentTop(deps: Deps, { month, asOfMs, ...top }: StoredTop, limit: number) {
  const creators = top.creators.slice(0, limit);
  const articles = top.articles.slice(0, limit);
  const [known, published] = await Promise.all([
    deps.creators.getMany(creators.map(({ id }) => id)),
    deps.articles.getMany(articles.map(({ id }) => id)),
  ]);
  return {
    month,
    asOf: iso(asOfMs),
    creators: creators.map(({ id, earned }) => {
      const name = known.get(id)?.name;
      return {
        creatorId: id,
        ...(name === undefined ? {} : { name }),
        earnedMicros: String(earned),
      };
    }),
    articles: articles.map(({ id, earned }) => {
      const title = published.get(id)?.title;
      return {
        articleId: id,
        ...(title === undefined ? {} : { title }),
        earnedMicros: String(earned),
      };
    }),
  };
}
