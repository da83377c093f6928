import type { ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import { accountBuckets, dueBuckets } from "../../core/contracts/storage.ts";
import type { Counter, CounterId, LineTotal, SettledLine } from "../../core/earnings/counter.ts";
import type { LineKey } from "../../core/earnings/line.ts";
import { type Micros, zeroMicros } from "../../core/values/micros.ts";
import { dayMs, startOfUtcDayMs, type UtcDay } from "../../core/values/time.ts";
import { sha256Hex } from "../runtime.ts";
import type { Item } from "./items.ts";

/**
 * A counter item. `n:<line>`, `m:<line>`, `f:<line>` and `w:<line>` are ADDed to: counts, micros, fees
 * and weights; one that is zero is absent. `settled` is what they were when last drained, and by
 * which entry. Names are short because every write is billed by the item's size.
 */
export const counterAttributes = {
  events: "ev",
  drains: "dr",
  settled: "st",
  due: "due",
  dueSince: "since",
  heldAt: "held",
  freedAt: "freed",
} as const;

const creatorPrefix = "creator#";

export function creatorKey(creatorId: CreatorId): string {
  return `${creatorPrefix}${creatorId}`;
}

export function creatorOfKey(pk: unknown): CreatorId {
  return String(pk).slice(creatorPrefix.length) as CreatorId;
}

/** Ids hold no control characters, so a tab separates, and sorts an article's counters together. */
export function counterKey({ creatorId, articleId, day, shard, pool }: CounterId) {
  const part = String(shard).padStart(2, "0");
  return {
    pk: creatorKey(creatorId),
    sk: `${articleId}\t${day}\t${pool === undefined ? part : `p${pool}.${part}`}`,
  };
}

/** Sorts after every counter of the article, and before those of the next. */
export function afterArticle(articleId: string): string {
  return `${articleId}\t~`;
}

function bucketOf(creatorId: CreatorId, buckets: number): bigint {
  return BigInt(Number.parseInt(sha256Hex(creatorId).slice(0, 4), 16) % buckets);
}

/** Which part of the due list a creator is on. */
export function dueBucketOf(creatorId: CreatorId): bigint {
  return bucketOf(creatorId, dueBuckets);
}

/** Which part of the list of accounts a creator is on. */
export function accountBucketOf(creatorId: CreatorId): bigint {
  return bucketOf(creatorId, accountBuckets);
}

const dayNumber = (epochMs: number) => BigInt(Math.floor(epochMs / dayMs));

/** Where a counter waits that holds nothing but held money: by the day on which its hold is over. */
export function holdBucketOf(freeFromMs: number): bigint {
  return 1_000_000n + dayNumber(freeFromMs);
}

/** Where a counter of a pool waits for its day to be priced. */
export function poolBucketOf(groupNumber: number, day: UtcDay): bigint {
  return BigInt(groupNumber) * 1_000_000_000n + dayNumber(startOfUtcDayMs(day));
}

/** Attribute prefixes of a line's sums, and where they belong. */
export const lineAttributes = [
  ["n:", "count"],
  ["m:", "micros"],
  ["f:", "feeMicros"],
  ["w:", "weight"],
] as const;

export function counterIdOfItem(item: Item): CounterId {
  const [articleId = "", day = "", part = ""] = String(item.sk).split("\t");
  const [, pool, shard] = /^(?:p(\d+)\.)?(\d+)$/.exec(part) ?? [];
  return {
    creatorId: creatorOfKey(item.pk),
    articleId: articleId as ArticleId,
    day: day as UtcDay,
    shard: Number(shard),
    ...(pool === undefined ? {} : { pool: Number(pool) }),
  };
}

export function counterFromItem(item: Item): Counter {
  const { due, dueSince, heldAt, freedAt, events, drains, settled } = counterAttributes;
  const time = (value: unknown) => (value === undefined ? undefined : Number(value));
  return {
    id: counterIdOfItem(item),
    counted: countedLines(item),
    settled: settledLines(item[settled]),
    events: (item[events] as bigint | undefined) ?? 0n,
    drains: Number(item[drains] ?? 0),
    dueSinceMs: item[due] === undefined ? undefined : time(item[dueSince]),
    heldAtMs: time(item[heldAt]),
    freedAtMs: time(item[freedAt]),
  };
}

function countedLines(item: Item): Map<LineKey, LineTotal> {
  const lines = new Map<LineKey, LineTotal>();
  for (const name of Object.keys(item)) {
    if (!name.startsWith("n:")) continue;
    const key = name.slice(2);
    const sum = (prefix: string) => (item[`${prefix}${key}`] as Micros | undefined) ?? zeroMicros;
    lines.set(key as LineKey, {
      count: sum("n:"),
      micros: sum("m:"),
      feeMicros: sum("f:"),
      weight: sum("w:"),
    });
  }
  return lines;
}

type SettledAttribute = Record<string, { n: bigint; m: bigint; f?: bigint; e: bigint }>;

function settledLines(attribute: unknown): Map<LineKey, SettledLine> {
  const entries = Object.entries((attribute ?? {}) as SettledAttribute);
  return new Map(
    entries.map(([key, { n, m, f = 0n, e }]) => [
      key as LineKey,
      { count: n, micros: m as Micros, feeMicros: f as Micros, weight: 0n, entry: Number(e) },
    ]),
  );
}

export function settledAttribute(settled: Counter["settled"]): SettledAttribute {
  const entries = [...settled].map(([key, { count, micros, feeMicros, entry }]) => {
    const fee = feeMicros === 0n ? {} : { f: feeMicros };
    return [key, { n: count, m: micros, ...fee, e: BigInt(entry) }] as const;
  });
  return Object.fromEntries(entries);
}
