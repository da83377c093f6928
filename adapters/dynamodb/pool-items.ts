import type { ArticleGroupId, ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import { poolPlansPrefix } from "../../core/contracts/storage.ts";
import type { CounterAddition, LineTotal } from "../../core/earnings/counter.ts";
import type { LineKey } from "../../core/earnings/line.ts";
import type { PlanPart, PoolDay } from "../../core/earnings/pool-table.ts";
import type { Micros } from "../../core/values/micros.ts";
import type { Item } from "./items.ts";

type DayKey = Pick<PoolDay, "groupId" | "day">;

export const daysPartition = (groupId: ArticleGroupId) => `${poolPlansPrefix}${groupId}`;

export const dayKey = ({ groupId, day }: DayKey) => ({
  pk: daysPartition(groupId),
  sk: day as string,
});

export const partPrefix = ({ plan }: Pick<PoolDay, "plan">) => `${plan}#`;

export const partKey = (day: DayKey & Pick<PoolDay, "plan">, part: number) => ({
  pk: `${daysPartition(day.groupId)}#${day.day}`,
  sk: `${partPrefix(day)}${String(part).padStart(6, "0")}`,
});

/** Integers are `bigint` in a table; those that are small enough are `number` in `core`. */
const smallNumbers = ["pool", "version", "counters", "parts", "plannedAtMs"] as const;

export function dayToItem(day: PoolDay): Item {
  const numbers = smallNumbers.map((name) => [name, BigInt(day[name])]);
  return { ...dayKey(day), ...day, ...Object.fromEntries(numbers) };
}

export function dayFromItem({ pk: _pk, sk: _sk, ...item }: Item): PoolDay {
  const numbers = smallNumbers.map((name) => [name, Number(item[name])]);
  return { ...(item as unknown as PoolDay), ...Object.fromEntries(numbers) };
}

/** Short names: there may be very many of them. */
export function awardToItem({ id, lines }: CounterAddition): Item {
  return {
    c: id.creatorId,
    a: id.articleId,
    s: BigInt(id.shard),
    l: [...lines].map(([key, { count, micros, feeMicros, weight }]) => [
      ...[key, count, micros, feeMicros, weight],
    ]),
  };
}

export function partFromItem(day: PoolDay, { sk, awards }: Item): PlanPart {
  return {
    number: Number(String(sk).slice(partPrefix(day).length)),
    awards: (awards as Item[]).map((stored) => awardFromItem(day, stored)),
  };
}

type StoredLine = [LineKey, bigint, Micros, Micros, bigint];

function awardFromItem({ day, pool }: PoolDay, { c, a, s, l }: Item): CounterAddition {
  const lines = (l as StoredLine[]).map(
    ([key, count, micros, feeMicros, weight]): [LineKey, LineTotal] => [
      key,
      { count, micros, feeMicros, weight },
    ],
  );
  const id = { creatorId: c as CreatorId, articleId: a as ArticleId, day, shard: Number(s), pool };
  return { id, lines: new Map(lines) };
}
