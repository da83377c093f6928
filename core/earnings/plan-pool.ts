import { limits } from "../contracts/limits.ts";
import type { CardRef } from "../registry/rate-card.ts";
import { allocate } from "../values/allocate.ts";
import { type Micros, sumMicros } from "../values/micros.ts";
import {
  type Counter,
  type CounterAddition,
  type CounterId,
  type LineTotal,
  minus,
  noLine,
  plus,
} from "./counter.ts";
import { type LineKey, parseLineKey, withMovement } from "./line.ts";
import type { PlanPart } from "./pool-table.ts";

/** What each counter of a pool's day gets, and what that sums to. */
export interface PoolPlan {
  /** One for each counter, in a fixed order; one in which nothing weighs gets no lines. */
  readonly awards: readonly CounterAddition[];
  /** Weight x basis points of shares. */
  readonly totalWeight: bigint;
  /** The creators' part. With the fee it is the whole pool, unless nothing weighed anything. */
  readonly awardedMicros: Micros;
  readonly feeMicros: Micros;
  readonly unspentMicros: Micros;
}

/** Basis points of the fee on an article's lines under one of its cards. */
export type FeeOf = (id: CounterId, card: CardRef) => number;

/**
 * Shares a pool's day out by weight, to the micro: what rounding leaves over goes to the largest
 * remainders. The same counters always get the same, in whatever order they were read.
 */
export function planPool(
  dailyMicros: bigint,
  counters: readonly Counter[],
  feeOf: FeeOf,
): PoolPlan {
  const lines = [...counters]
    .sort(byId)
    .map(({ id, counted }) => ({ id, lines: weighing(counted) }));
  const weights = lines.flatMap((counter) => counter.lines.map(([, { weight }]) => weight));
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0n);
  const parts = totalWeight > 0n ? allocate(dailyMicros, weights) : [];
  let next = 0;
  const awards = lines.map(({ id, lines: ofCounter }) => {
    const awarded = ofCounter.map(([key, { count, weight }]) => {
      const gross = parts[next] ?? 0n;
      next += 1;
      // Rounded down: the odd micro is the creator's.
      const feeMicros =
        (gross * BigInt(feeOf(id, parseLineKey(key).card))) / BigInt(limits.basisPoints);
      const micros = (gross - feeMicros) as Micros;
      const total: LineTotal = { count, weight, micros, feeMicros: feeMicros as Micros };
      return [withMovement(key, "paid"), total] as const;
    });
    return { id, lines: new Map(awarded) };
  });
  const totals = awards.flatMap((award) => [...award.lines.values()]);
  const awardedMicros = sumMicros(totals.map(({ micros }) => micros));
  const feeMicros = sumMicros(totals.map((total) => total.feeMicros));
  return {
    ...{ awards, totalWeight, awardedMicros, feeMicros },
    unspentMicros: (dailyMicros - awardedMicros - feeMicros) as Micros,
  };
}

/** What still takes part, by line, sorted; what was taken out again is gone from it. */
function weighing(counted: Counter["counted"]): [LineKey, LineTotal][] {
  const net = new Map<LineKey, LineTotal>();
  for (const [key, total] of counted) {
    const { movement } = parseLineKey(key);
    if (movement !== "weighed" && movement !== "unweighed") continue;
    const line = withMovement(key, "weighed");
    const change = movement === "weighed" ? plus : minus;
    net.set(line, change(net.get(line) ?? noLine, total));
  }
  return [...net].filter(([, { weight }]) => weight !== 0n).sort(([a], [b]) => compare(a, b));
}

/** By code units: the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byId({ id: a }: Counter, { id: b }: Counter): number {
  return (
    compare(a.creatorId, b.creatorId) || compare(a.articleId, b.articleId) || a.shard - b.shard
  );
}

/** Parts of this size are one item, with room for ids in any script. */
const maxPartAwards = 100;
const maxPartCharacters = 100_000;

/** A plan in parts that are small enough to be written one by one. */
export function inParts(awards: readonly CounterAddition[]): PlanPart[] {
  const parts: CounterAddition[][] = [];
  let characters = 0;
  for (const award of awards) {
    const more = awardText(award).length;
    const part = parts.at(-1);
    const fits = part && part.length < maxPartAwards && characters + more <= maxPartCharacters;
    characters = fits ? characters + more : more;
    if (fits) part.push(award);
    else parts.push([award]);
  }
  return parts.map((some, number) => ({ number, awards: some }));
}

/** The same for the same plan, and for no other. */
export function textOf(parts: readonly PlanPart[]): string {
  return parts.flatMap(({ awards }) => awards.map(awardText)).join("\n");
}

function awardText({ id, lines }: CounterAddition): string {
  const texts = [...lines].map(([key, { count, micros, feeMicros, weight }]) =>
    [key, count, micros, feeMicros, weight].join(" "),
  );
  return JSON.stringify([id.creatorId, id.articleId, id.shard, ...texts]);
}
