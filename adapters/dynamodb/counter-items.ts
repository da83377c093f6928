import type { ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import { dueBuckets } from "../../core/contracts/storage.ts";
import type { Counter, CounterId, LineKey, LineTotal } from "../../core/earnings/counter.ts";
import type { Micros } from "../../core/values/micros.ts";
import type { UtcDay } from "../../core/values/time.ts";
import { sha256Hex } from "../runtime.ts";
import type { Item } from "./items.ts";

/**
 * A counter item. `n:<line>` and `m:<line>` are ADDed to: counts and micros. `settled` is what they
 * were when last drained. Names are short because every write is billed by the item's size.
 */
export const counterAttributes = {
  events: "ev",
  drains: "dr",
  settled: "st",
  due: "due",
  dueSince: "since",
} as const;

const creatorPrefix = "creator#";

export function creatorKey(creatorId: CreatorId): string {
  return `${creatorPrefix}${creatorId}`;
}

export function creatorOfKey(pk: unknown): CreatorId {
  return String(pk).slice(creatorPrefix.length) as CreatorId;
}

/** Ids hold no control characters, so a tab separates, and sorts an article's counters together. */
export function counterKey({ creatorId, articleId, day, shard }: CounterId) {
  return {
    pk: creatorKey(creatorId),
    sk: `${articleId}\t${day}\t${String(shard).padStart(2, "0")}`,
  };
}

/** Sorts after every counter of the article, and before those of the next. */
export function afterArticle(articleId: string): string {
  return `${articleId}\t~`;
}

/** Which part of the due list a creator is on. */
export function dueBucketOf(creatorId: CreatorId): bigint {
  return BigInt(Number.parseInt(sha256Hex(creatorId).slice(0, 4), 16) % dueBuckets);
}

export const countAttribute = (line: LineKey) => `n:${line}`;
export const microsAttribute = (line: LineKey) => `m:${line}`;

export function counterIdOfItem(item: Item): CounterId {
  const [articleId = "", day = "", shard = ""] = String(item.sk).split("\t");
  return {
    creatorId: creatorOfKey(item.pk),
    articleId: articleId as ArticleId,
    day: day as UtcDay,
    shard: Number(shard),
  };
}

export function counterFromItem(item: Item): Counter {
  const due = item[counterAttributes.due];
  const dueSince = due === undefined ? undefined : item[counterAttributes.dueSince];
  return {
    id: counterIdOfItem(item),
    counted: countedLines(item),
    settled: settledLines(item[counterAttributes.settled]),
    engagements: (item[counterAttributes.events] as bigint | undefined) ?? 0n,
    drains: Number(item[counterAttributes.drains] ?? 0),
    dueSinceMs: dueSince === undefined ? undefined : Number(dueSince),
  };
}

function countedLines(item: Item): Map<LineKey, LineTotal> {
  const lines = new Map<LineKey, LineTotal>();
  for (const [name, count] of Object.entries(item)) {
    if (!name.startsWith("n:")) continue;
    const key = name.slice(2) as LineKey;
    const micros = (item[microsAttribute(key)] ?? 0n) as Micros;
    lines.set(key, { count: count as bigint, micros });
  }
  return lines;
}

type SettledAttribute = Record<string, { n: bigint; m: bigint }>;

function settledLines(attribute: unknown): Map<LineKey, LineTotal> {
  const entries = Object.entries((attribute ?? {}) as SettledAttribute);
  return new Map(
    entries.map(([key, { n, m }]) => [key as LineKey, { count: n, micros: m as Micros }]),
  );
}

/** The `settled` attribute of a counter that is settled up to all that was seen counted. */
export function settledAttribute({ counted }: Counter): SettledAttribute {
  const entries = [...counted].map(
    ([key, { count, micros }]) => [key, { n: count, m: micros }] as const,
  );
  return Object.fromEntries(entries);
}
