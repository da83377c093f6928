import type { ArticleId } from "../contracts/ids.ts";
import { tallyShards } from "../contracts/storage.ts";
import type { ArticleStore } from "../registry/article.ts";
import type { ArticleGroup, ArticleGroupStore, GroupVersion } from "../registry/article-group.ts";
import {
  allRateCards,
  parseCardRef,
  type RateCard,
  type RateCardStore,
} from "../registry/rate-card.ts";
import { chunk } from "../values/group-by.ts";
import { type Micros, sumMicros } from "../values/micros.ts";
import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";
import {
  type Clock,
  dayMs,
  daysOf,
  startOfUtcDayMs,
  type UtcDay,
  utcDayOf,
} from "../values/time.ts";
import type { Counter, CounterAddition } from "./counter.ts";
import type { Sha256Hex } from "./impression-key.ts";
import { parseLineKey } from "./line.ts";
import { type FeeOf, inParts, planPool, textOf } from "./plan-pool.ts";
import { poolPricedFromMs } from "./pool-day.ts";
import type { PoolDay, PoolTable } from "./pool-table.ts";

export interface PricePoolsDeps {
  readonly table: PoolTable;
  readonly groups: Pick<ArticleGroupStore, "list">;
  readonly articles: Pick<ArticleStore, "getMany">;
  readonly rateCards: Pick<RateCardStore, "list">;
  readonly clock: Clock;
  readonly pacing: Pacing;
  readonly sha256: Sha256Hex;
  readonly currency: string;
  /** How long after its end a day stays open for what comes late. */
  readonly poolOpenMs: number;
}

export interface PricedPools {
  /** Days finished by this run. */
  readonly days: number;
  readonly awardedMicros: Micros;
  readonly unspentMicros: Micros;
}

/** Longer than anyone leaves an alarm ringing. */
const lookBackDays = 40;
/** A day that was begun may have paid some of its counters, so it is finished however late. */
const finishDays = 400;
/** A transaction's expression holds no more than this of four sums each. */
const maxLinesPerStep = 50;
const awardsAtOnce = 8;
const maxAttempts = 8;
const backoff: Backoff = { baseMs: 25, capMs: 2_000 };

/**
 * Shares out every pool's days that are over. What each counter gets is written down first; from
 * then on the day's plan is never made again, only carried out. Killed anywhere, or run beside
 * itself, the next run goes on from there, and each counter is paid once.
 * @param deadlineMs when to stop; the next run does the rest.
 * @throws when some day could not be finished; all others are all the same.
 */
export async function pricePools(deps: PricePoolsDeps, deadlineMs: number): Promise<PricedPools> {
  const priced: PoolDay[] = [];
  const failures: unknown[] = [];
  for (const group of await deps.groups.list()) {
    if (!group.versions.some(({ model }) => model === "pool")) continue;
    for (const { day, terms, known } of await unfinishedDays(deps, group)) {
      try {
        const planned = known ?? (terms && (await planDay(deps, group, day, terms)));
        if (planned) priced.push(await payDay(deps, planned, deadlineMs));
      } catch (error) {
        failures.push(error);
      }
    }
  }
  if (failures.length > 0) throw failures[0];
  return {
    days: priced.length,
    awardedMicros: sumMicros(priced.map(({ awardedMicros }) => awardedMicros)),
    unspentMicros: sumMicros(priced.map(({ unspentMicros }) => unspentMicros)),
  };
}

type PoolVersion = GroupVersion & { readonly model: "pool" };

interface UnfinishedDay {
  readonly day: UtcDay;
  /** In force on that day; undefined when it was not a pool's. */
  readonly terms: PoolVersion | undefined;
  /** Once it is planned. */
  readonly known: PoolDay | undefined;
}

/** Days that can be priced and are not, or not wholly. */
async function unfinishedDays(deps: PricePoolsDeps, group: ArticleGroup): Promise<UnfinishedDay[]> {
  const nowMs = deps.clock.nowMs();
  const from = utcDayOf(nowMs - lookBackDays * dayMs);
  const planned = await deps.table.days(group.groupId, utcDayOf(nowMs - finishDays * dayMs));
  const known = new Map(planned.map((record) => [record.day, record]));
  const begun = [...known.keys()].filter((day) => day < from);
  const recent = daysOf({ from, to: utcDayOf(nowMs - dayMs) });
  return [...begun, ...recent]
    .map((day) => ({ day, terms: poolTermsOn(group, day), known: known.get(day) }))
    .filter(({ day, terms, known: record }) =>
      record
        ? record.state !== "done"
        : terms !== undefined && nowMs >= poolPricedFromMs(day, deps.poolOpenMs),
    );
}

/** Terms change between days only, so what holds at a day's start holds for all of it. */
function poolTermsOn({ versions }: ArticleGroup, day: UtcDay): PoolVersion | undefined {
  const startMs = startOfUtcDayMs(day);
  const terms = versions.findLast(({ effectiveFromMs }) => effectiveFromMs <= startMs);
  return terms?.model === "pool" ? terms : undefined;
}

/** Writes down who gets what, unless another run was first; then what that run wrote holds. */
async function planDay(
  deps: PricePoolsDeps,
  group: ArticleGroup,
  day: UtcDay,
  terms: PoolVersion,
): Promise<PoolDay> {
  const counters: Counter[] = [];
  for await (const ids of deps.table.waitingCounters(group.number, day)) {
    counters.push(...(await deps.table.readCounters(ids)));
  }
  const { awards, ...sums } = planPool(terms.dailyMicros, counters, await feesOf(deps, counters));
  const parts = inParts(awards);
  const planned: PoolDay = {
    ...{ groupId: group.groupId, day, pool: group.number, version: terms.version },
    dailyMicros: terms.dailyMicros as Micros,
    ...sums,
    counters: counters.length,
    // A run that was killed here is made up for by one that writes the same parts again.
    plan: deps.sha256(textOf(parts)).slice(0, 16),
    parts: parts.length,
    plannedAtMs: deps.clock.nowMs(),
    state: "planned",
  };
  for (const part of parts) await deps.table.putPart(planned, part);
  return await deps.table.decide(planned);
}

async function feesOf(deps: PricePoolsDeps, counters: readonly Counter[]): Promise<FeeOf> {
  const withOwnCard = counters.filter(({ counted }) =>
    [...counted.keys()].some((key) => parseCardRef(parseLineKey(key).card).scope === "article"),
  );
  const [publisher, articles] = await Promise.all([
    allRateCards(deps.rateCards, deps.currency),
    deps.articles.getMany([...new Set(withOwnCard.map(({ id }) => id.articleId))]),
  ]);
  const cardsOf = (articleId: ArticleId): readonly RateCard[] =>
    articles.get(articleId)?.rateCards ?? [];
  return ({ articleId }, ref) => {
    const { scope, version } = parseCardRef(ref);
    // A creator's own card has no say in a pool, and no other may be guessed.
    const cards = { publisher, article: cardsOf(articleId), creator: [] }[scope];
    const card = cards.find((one) => one.version === version);
    if (!card) throw new Error(`rate card ${ref} of ${JSON.stringify(articleId)} is missing`);
    return card.feeBasisPoints;
  };
}

/** Carries out what is written down and not yet marked as paid. */
async function payDay(deps: PricePoolsDeps, day: PoolDay, deadlineMs: number): Promise<PoolDay> {
  for await (const part of deps.table.unpaidParts(day)) {
    for (const awards of chunk(part.awards, awardsAtOnce)) {
      if (deps.clock.nowMs() >= deadlineMs) throw new Error("out of time; the next run goes on");
      await Promise.all(awards.map((award) => payAward(deps, award)));
    }
    await deps.table.markPaid(day, part);
  }
  await deps.table.markDone(day);
  return { ...day, state: "done" };
}

async function payAward(deps: PricePoolsDeps, { id, lines }: CounterAddition): Promise<void> {
  // One without lines is closed all the same.
  const steps = lines.size === 0 ? [[]] : chunk([...lines], maxLinesPerStep);
  for (const [step, some] of steps.entries()) {
    await payStep(deps, { id, step, lines: new Map(some) });
  }
}

async function payStep(
  { table, pacing }: PricePoolsDeps,
  step: Parameters<PoolTable["award"]>[0],
): Promise<void> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const outcome = await table.award(step, Math.floor(pacing.random() * tallyShards));
    if (outcome !== "contended") return;
    await pacing.sleep(backoffMs(attempt, backoff, pacing.random));
  }
  throw new Error(`${JSON.stringify(step.id)}: ${maxAttempts} awards were raced`);
}
