import fc from "fast-check";
import type { ArticleGroupId, ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import { pricedKinds } from "../../../core/contracts/kinds.ts";
import { addLine, type Counter, type LineTotal, noLine } from "../../../core/earnings/counter.ts";
import { type LineKey, lineKey, type Movement } from "../../../core/earnings/line.ts";
import type { PlanPart, PoolDay, PoolTable } from "../../../core/earnings/pool-table.ts";
import type { UtcDay } from "../../../core/values/time.ts";

export const groupId = "serials" as ArticleGroupId;
export const poolDay = "2028-02-29" as UtcDay;

/** A line that takes part in a pool, and how much of it was taken out again. */
export interface Weighed {
  readonly key: LineKey;
  readonly count: number;
  readonly weight: bigint;
  readonly removed: number;
}

/** Weights are unit x count, so that what was taken out is some of the same engagements. */
export const weighedLines = fc.array(
  fc
    .record({
      kind: fc.constantFrom(...pricedKinds),
      card: fc.constantFrom("0" as const, "1" as const, "a1" as const),
      sharesVersion: fc.integer({ min: 1, max: 2 }),
      unit: fc.bigInt({ min: 1n, max: 10n ** 13n }),
      count: fc.integer({ min: 1, max: 1_000 }),
      removedPart: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
    })
    .map(({ unit, count, removedPart, ...line }): Weighed => {
      const removed = Math.floor(count * removedPart);
      const key = lineKey({ ...line, model: "pool", movement: "weighed" });
      return { key, count, weight: unit, removed };
    }),
  { maxLength: 6 },
);

export const poolCounters = fc
  .uniqueArray(
    fc.record({
      creatorId: fc.constantFrom("ada", "bea", "cleo", "ďori") as fc.Arbitrary<CreatorId>,
      articleId: fc.constantFrom("/a", "/b c", "/é") as fc.Arbitrary<ArticleId>,
      shard: fc.nat(3),
      lines: weighedLines,
    }),
    { selector: ({ creatorId, articleId, shard }) => `${creatorId} ${articleId} ${shard}` },
  )
  .map((counters) => counters.map(({ lines, ...id }) => poolCounter(id, lines)));

export function poolCounter(
  id: { creatorId: CreatorId; articleId: ArticleId; shard: number },
  lines: readonly Weighed[],
): Counter {
  const counted = new Map<LineKey, LineTotal>();
  for (const { key, count, weight, removed } of lines) {
    addLine(counted, key, { ...noLine, count: BigInt(count), weight: weight * BigInt(count) });
    if (removed === 0) continue;
    const unweighed = key.replace(/\.w$/, ".u.manual") as LineKey;
    const gone = { count: BigInt(removed), weight: weight * BigInt(removed) };
    addLine(counted, unweighed, { ...noLine, ...gone });
  }
  const events = [...counted.values()].reduce((sum, { count }) => sum + count, 0n);
  return {
    id: { ...id, day: poolDay, pool: 1 },
    ...{ counted, settled: new Map(), events, drains: 0 },
    ...{ dueSinceMs: undefined, heldAtMs: undefined, freedAtMs: undefined },
  };
}

export function sumOf(counters: Iterable<Counter>, movement: Movement, of: keyof LineTotal) {
  let sum = 0n;
  for (const { counted } of counters) {
    for (const [key, total] of counted) if (hasMovement(key, movement)) sum += total[of];
  }
  return sum;
}

const letters: Partial<Record<Movement, string>> = { paid: "p", weighed: "w", unweighed: "u" };
const hasMovement = (key: LineKey, movement: Movement) => key.split(".")[3] === letters[movement];

/** Thrown where a run is killed. */
export class Killed extends Error {}

/** A `PoolTable` in memory. `killAt`: the call that is cut off, before or after what it does. */
export function memoryPools(counters: readonly Counter[]) {
  const name = ({ creatorId, articleId, shard }: Counter["id"]) =>
    `${creatorId}\t${articleId}\t${shard}`;
  const stored = new Map(counters.map((counter) => [name(counter.id), counter]));
  const waiting = new Set(stored.keys());
  const days = new Map<UtcDay, PoolDay>();
  const parts = new Map<string, PlanPart & { paid: boolean }>();
  const priced = new Map<string, number>();
  const tally = { events: 0n, micros: 0n };
  let calls = 0;
  let killAt: { call: number; after: boolean } | undefined;

  async function step<Result>(work: () => Result): Promise<Result> {
    calls += 1;
    const killed = killAt?.call === calls;
    if (killed && !killAt?.after) throw new Killed();
    const result = work();
    if (killed) throw new Killed();
    await new Promise<void>((resolve) => setImmediate(resolve));
    return result;
  }
  const partName = (day: PoolDay, number: number) => `${day.day}#${day.plan}#${number}`;

  const table: PoolTable = {
    days: (_group, from) => step(() => [...days.values()].filter(({ day }) => day >= from)),
    async *waitingCounters(pool, day) {
      const ids = await step(() =>
        [...waiting].flatMap((one) => {
          const id = stored.get(one)?.id;
          return id && id.pool === pool && id.day === day ? [id] : [];
        }),
      );
      for (let at = 0; at < ids.length; at += 3) yield ids.slice(at, at + 3);
    },
    readCounters: (ids) =>
      step(() =>
        ids.flatMap((id) => {
          const counter = stored.get(name(id));
          return counter ? [{ ...counter, counted: new Map(counter.counted) }] : [];
        }),
      ),
    putPart: (day, part) =>
      step(() => void parts.set(partName(day, part.number), { ...part, paid: false })),
    decide: (day) =>
      step(() => {
        const known = days.get(day.day) ?? day;
        days.set(day.day, known);
        return known;
      }),
    async *unpaidParts(day) {
      for (let number = 0; number < day.parts; number += 1) {
        const part = await step(() => parts.get(partName(day, number)));
        if (!part) throw new Error(`part ${number} was never written`);
        if (!part.paid) yield part;
      }
    },
    award: ({ id, step: number, lines }) =>
      step(() => {
        const done = priced.get(name(id)) ?? 0;
        if (done !== number) return "already";
        const counter = stored.get(name(id)) as Counter;
        const counted = new Map(counter.counted);
        let more = 0n;
        for (const [key, total] of lines) {
          addLine(counted, key, total);
          more += total.count;
          tally.micros += total.micros;
        }
        tally.events += more;
        const due = lines.size === 0 ? {} : { dueSinceMs: 1 };
        stored.set(name(id), { ...counter, ...due, counted, events: counter.events + more });
        priced.set(name(id), number + 1);
        waiting.delete(name(id));
        return "awarded";
      }),
    markPaid: (day, { number }) =>
      step(() => {
        const part = parts.get(partName(day, number));
        if (part) part.paid = true;
      }),
    markDone: ({ day }) =>
      step(() => {
        days.set(day, { ...(days.get(day) as PoolDay), state: "done" });
      }),
  };
  return {
    ...{ table, stored, waiting, days, tally },
    calls: () => calls,
    kill: (at: { call: number; after: boolean } | undefined) => {
      calls = 0;
      killAt = at;
    },
  };
}
