import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import type { EngagementKind } from "../contracts/kinds.ts";
import { type Micros, sumMicros } from "../values/micros.ts";
import type { UtcDay } from "../values/time.ts";

/** Earnings gather per creator, article and UTC day; a hot counter spreads over shards. */
export interface CounterId {
  readonly creatorId: CreatorId;
  readonly articleId: ArticleId;
  readonly day: UtcDay;
  readonly shard: number;
}

/** What a counter holds for one kind at one price: `<kind>.<rate card version>`. */
export type LineKey = `${EngagementKind}.${number}`;

export interface LineTotal {
  readonly count: bigint;
  readonly micros: Micros;
}

export type Lines = ReadonlyMap<LineKey, LineTotal>;

/** A counter as read: both halves only ever grow, and `counted - settled` is still to be settled. */
export interface Counter {
  readonly id: CounterId;
  readonly counted: Lines;
  readonly settled: Lines;
  /** Engagements ever counted here: changes with every ADD, so it tells a quiet counter. */
  readonly engagements: bigint;
  /** How many times it was drained. */
  readonly drains: number;
  /** Since when it is on the due list, ms since the epoch; undefined when it is not. */
  readonly dueSinceMs: number | undefined;
}

export function lineKey(kind: EngagementKind, rateCardVersion: number): LineKey {
  return `${kind}.${rateCardVersion}`;
}

export function parseLineKey(key: LineKey): { kind: EngagementKind; rateCardVersion: number } {
  const [kind, version] = key.split(".");
  return { kind: kind as EngagementKind, rateCardVersion: Number(version) };
}

export function addLine(lines: Map<LineKey, LineTotal>, key: LineKey, by: LineTotal): void {
  const { count, micros } = lines.get(key) ?? { count: 0n, micros: 0n };
  lines.set(key, { count: count + by.count, micros: (micros + by.micros) as Micros });
}

/** What is counted and not yet settled; lines with nothing left are absent. */
export function pendingLines({ counted, settled }: Counter): Map<LineKey, LineTotal> {
  const pending = new Map<LineKey, LineTotal>();
  for (const [key, total] of counted) {
    const before = settled.get(key) ?? { count: 0n, micros: 0n };
    const count = total.count - before.count;
    const amount = (total.micros - before.micros) as Micros;
    if (count !== 0n || amount !== 0n) pending.set(key, { count, micros: amount });
  }
  return pending;
}

export function totalMicros(lines: Lines): Micros {
  return sumMicros([...lines.values()].map(({ micros }) => micros));
}

export function totalCount(lines: Lines): bigint {
  return [...lines.values()].reduce((sum, { count }) => sum + count, 0n);
}
