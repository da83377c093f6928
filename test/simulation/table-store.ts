import { tables as layout } from "../../core/contracts/storage.ts";
import type { Item } from "./expressions.ts";
import type { Faults } from "./faults.ts";
import type { Prng } from "./prng.ts";
import type { VirtualClock } from "./virtual-clock.ts";

interface Deps {
  readonly clock: VirtualClock;
  readonly prng: Prng;
  readonly faults: Faults;
}

interface Page {
  readonly after: Item | undefined;
  readonly forward: boolean;
}

/** Items of one partition, and their keys in order while nothing was added. */
interface Partition {
  readonly items: Map<string, Item>;
  sorted?: string[] | undefined;
}

const maxTtlLagMs = 48 * 3_600_000;
/** Sparse, with nothing but keys: the attribute whose value is the partition of an index. */
const indexAttributes: Readonly<Record<string, string>> = {
  [layout.earningsCounters.dueIndex.name]: layout.earningsCounters.dueIndex.partitionKey,
  [layout.ledger.accountIndex.name]: layout.ledger.accountIndex.partitionKey,
};

export function keyOf({ pk, sk = "" }: Item): string {
  return `${pk}\u0000${sk}`;
}

/**
 * Where simulated items lie: in partitions, sorted within them; the partitions themselves in the
 * order of a hash. Indexes follow each item's writes at their own pace, and TTL deletes late.
 */
export class TableStore {
  readonly #deps: Deps;
  readonly #tables = new Map<string, Map<string, Partition>>();
  readonly #indexes = new Map<string, Map<unknown, Partition>>();
  readonly #expiresAtMs = new Map<string, number>();
  /** Which partition of an index an item is in, and until when its writes have been followed. */
  readonly #indexed = new Map<string, { partition?: unknown; untilMs: number }>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  all(table: string): Item[] {
    return [...this.scan(table, undefined, { segment: 0, segments: 1 })];
  }

  read(table: string, key: string): Item | undefined {
    const place = `${table}/${key}`;
    const expiresAtMs = this.#expiresAtMs.get(place);
    if (expiresAtMs !== undefined && expiresAtMs <= this.#deps.clock.nowMs()) {
      this.#deps.faults.met("expiredItemGone");
      this.delete(table, key);
    }
    return this.#tables.get(table)?.get(partitionOf(key))?.items.get(key);
  }

  put(table: string, key: string, item: Item): void {
    put(inner(this.#tables, table), partitionOf(key), key, item);
    const { prng } = this.#deps;
    if (typeof item.ttl === "bigint") {
      const lateMs = prng.chance(0.5) ? 0 : prng.int(0, maxTtlLagMs);
      this.#expiresAtMs.set(`${table}/${key}`, Number(item.ttl) * 1_000 + lateMs);
    }
    for (const [index, attribute] of Object.entries(indexAttributes)) {
      const place = `${table}/${index}/${key}`;
      if (item[attribute] === undefined && !this.#indexed.has(place)) continue;
      this.#indexLater(place, `${table}/${index}`, key, item, attribute);
    }
  }

  /** Nothing that is indexed is ever deleted. */
  delete(table: string, key: string): void {
    this.#expiresAtMs.delete(`${table}/${key}`);
    remove(inner(this.#tables, table), partitionOf(key), key);
  }

  *query(table: string, index: string | undefined, partition: unknown, page: Page) {
    const source =
      index === undefined ? this.#tables.get(table) : this.#indexes.get(`${table}/${index}`);
    const found = (source as Map<unknown, Partition> | undefined)?.get(partition);
    if (!found) return;
    const keys = page.forward ? sortedKeys(found) : sortedKeys(found).toReversed();
    const from = page.after && keyOf(page.after);
    for (const key of keys) {
      if (from !== undefined && (page.forward ? key <= from : key >= from)) continue;
      const item = index === undefined ? this.read(table, key) : found.items.get(key);
      if (item) yield item;
    }
  }

  *scan(
    table: string,
    after: Item | undefined,
    { segment, segments }: { segment: number; segments: number },
  ) {
    const partitions = [...(this.#tables.get(table)?.keys() ?? [])]
      .map((pk) => ({ pk, hash: hashOf(pk) }))
      .filter(({ hash }) => hash % segments === segment)
      .sort((a, b) => a.hash - b.hash || (a.pk < b.pk ? -1 : 1));
    const from = after && { pk: String(after.pk), hash: hashOf(String(after.pk)) };
    for (const { pk, hash } of partitions) {
      const before = from && (hash < from.hash || (hash === from.hash && pk < from.pk));
      if (before) continue;
      yield* this.query(table, undefined, pk, {
        after: from?.pk === pk ? after : undefined,
        forward: true,
      });
    }
  }

  #indexLater(place: string, index: string, key: string, item: Item, attribute: string): void {
    const { clock, faults, prng } = this.#deps;
    const state = this.#indexed.get(place) ?? { untilMs: 0 };
    this.#indexed.set(place, state);
    const { pk, sk, [attribute]: partition } = item;
    const follow = () => {
      const partitions = inner(this.#indexes, index);
      if (state.partition !== undefined) remove(partitions, state.partition, key);
      state.partition = partition;
      if (partition !== undefined)
        put(partitions, partition, key, { pk, sk, [attribute]: partition });
    };
    const nowMs = clock.nowMs();
    const lagMs = faults.happens("staleIndex") ? prng.pick([5, 50, 500, 30_000]) : 0;
    const before = state.untilMs;
    const atMs = Math.max(nowMs + lagMs, before);
    state.untilMs = atMs;
    if (atMs === nowMs && before < nowMs) follow();
    else clock.at(atMs, follow);
  }
}

function partitionOf(key: string): string {
  return key.slice(0, key.indexOf("\u0000"));
}

function inner<Key>(outer: Map<string, Map<Key, Partition>>, name: string): Map<Key, Partition> {
  const known = outer.get(name) ?? new Map<Key, Partition>();
  outer.set(name, known);
  return known;
}

function put<Key>(partitions: Map<Key, Partition>, name: Key, key: string, item: Item): void {
  const partition: Partition = partitions.get(name) ?? { items: new Map() };
  partitions.set(name, partition);
  if (!partition.items.has(key)) partition.sorted = undefined;
  partition.items.set(key, item);
}

function remove<Key>(partitions: Map<Key, Partition>, name: Key, key: string): void {
  const partition = partitions.get(name);
  if (!partition?.items.delete(key)) return;
  partition.sorted = undefined;
  if (partition.items.size === 0) partitions.delete(name);
}

function sortedKeys(partition: Partition): readonly string[] {
  partition.sorted ??= [...partition.items.keys()].sort();
  return partition.sorted;
}

function hashOf(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return value >>> 0;
}
