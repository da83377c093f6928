import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ArticleId, CreatorId, ReaderId } from "../../../core/contracts/ids.ts";
import { engagementKinds } from "../../../core/contracts/kinds.ts";
import type { Counter } from "../../../core/earnings/counter.ts";
import { decideEngagement } from "../../../core/earnings/decide-engagement.ts";
import { impressionKeyOf } from "../../../core/earnings/impression-key.ts";
import { type LineKey, lineKey } from "../../../core/earnings/line.ts";
import { planPool } from "../../../core/earnings/plan-pool.ts";
import { poolPricedFromMs } from "../../../core/earnings/pool-day.ts";
import type { PoolTable } from "../../../core/earnings/pool-table.ts";
import { type PricePoolsDeps, pricePools } from "../../../core/earnings/price-pools.ts";
import { ReaderDays } from "../../../core/earnings/reader-days.ts";
import type { ArticleGroup, GroupVersion } from "../../../core/registry/article-group.ts";
import { defaultRateCard } from "../../../core/registry/rate-card.ts";
import type { UtcDay } from "../../../core/values/time.ts";
import { sha256 } from "./arbitraries.ts";
import {
  groupId,
  Killed,
  memoryPools,
  poolCounter,
  poolCounters,
  poolDay,
  sumOf,
} from "./memory-pools.ts";

const openMs = 6 * 3_600_000;
const pricedFromMs = poolPricedFromMs(poolDay, openMs);
const forever = Number.POSITIVE_INFINITY;
const fees: Record<string, number> = { "0": 0, "1": 1_234, a1: 5_000 };
const pool = (version: number, from: string, dailyMicros: bigint): GroupVersion => ({
  ...{ version, effectiveFromMs: Date.parse(from), dailyMicros, readerCap: 5_000n },
  model: "pool",
});
const groupOf = (versions: GroupVersion[]): ArticleGroup => ({
  ...{ groupId, number: 1, revision: versions.length },
  versions,
});

function world(counters: readonly Counter[], group: ArticleGroup, nowMs = pricedFromMs) {
  const pools = memoryPools(counters);
  const clock = { now: nowMs, nowMs: () => clock.now };
  const card = (version: number, feeBasisPoints: number) => ({
    ...{ ...defaultRateCard("USD"), version, feeBasisPoints, effectiveFromMs: 1 },
  });
  const deps: PricePoolsDeps = {
    table: pools.table,
    groups: { list: async () => [group] },
    articles: {
      getMany: async (ids) =>
        new Map(
          ids.map((articleId) => [
            articleId,
            {
              ...{ articleId, title: "A", terms: [], updatedAtMs: 0, revision: 1 },
              rateCards: [card(1, fees.a1 ?? 0)],
            },
          ]),
        ),
    },
    rateCards: { list: async () => [card(1, fees["1"] ?? 0)] },
    clock,
    pacing: { sleep: async () => {}, random: () => 0.5 },
    sha256,
    currency: "USD",
    poolOpenMs: openMs,
  };
  return { ...pools, deps, clock, run: (deadlineMs = forever) => pricePools(deps, deadlineMs) };
}

/** Everything that is money, for comparison. */
function moneyOf({ stored, tally, days }: ReturnType<typeof world>) {
  const counters = [...stored].map(([name, { counted, events }]) => [
    ...[name, events],
    [...counted].sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
  return { counters: counters.sort(), tally, days: [...days.values()] };
}

const daily = fc.oneof(fc.bigInt({ min: 1n, max: 50n }), fc.bigInt({ min: 1n, max: 10n ** 12n }));
const oneVersion = (dailyMicros: bigint) => groupOf([pool(3, "2028-02-29T00:00:00Z", dailyMicros)]);

describe("a pool's day", () => {
  test("S4: is paid out whole, to the micro, by weight, fee included", async () => {
    await fc.assert(
      fc.asyncProperty(poolCounters, daily, async (counters, dailyMicros) => {
        const { run, stored, days, tally } = world(counters, oneVersion(dailyMicros));
        await run();
        const after = [...stored.values()];
        const weight =
          sumOf(counters, "weighed", "weight") - sumOf(counters, "unweighed", "weight");
        const paid = sumOf(after, "paid", "micros");
        const fee = sumOf(after, "paid", "feeMicros");
        const spent = weight === 0n ? 0n : dailyMicros;
        expect(paid + fee).toBe(spent);
        expect(days.get(poolDay)).toMatchObject({
          ...{ state: "done", version: 3, totalWeight: weight, counters: counters.length },
          ...{ awardedMicros: paid, feeMicros: fee, unspentMicros: dailyMicros - spent },
        });
        expect(sumOf(after, "paid", "weight")).toBe(weight);
        expect(sumOf(after, "paid", "count")).toBe(
          sumOf(counters, "weighed", "count") - sumOf(counters, "unweighed", "count"),
        );
        expect(tally).toEqual({ events: sumOf(after, "paid", "count"), micros: paid });
      }),
    );
  });

  test("S4: gives each line its exact share, rounded up or down, whatever the order", () => {
    fc.assert(
      fc.property(poolCounters, daily, (counters, dailyMicros) => {
        const feeOf = (_: unknown, card: string) => fees[card] ?? 0;
        const plan = planPool(dailyMicros, counters, feeOf);
        expect(planPool(dailyMicros, [...counters].reverse(), feeOf)).toEqual(plan);
        for (const { lines } of plan.awards) {
          for (const [key, { micros, feeMicros, weight }] of lines) {
            const gross = micros + feeMicros;
            const exact = dailyMicros * weight;
            expect(gross * plan.totalWeight).toBeGreaterThan(exact - plan.totalWeight);
            expect(gross * plan.totalWeight).toBeLessThan(exact + plan.totalWeight);
            const card = key.split(".")[1]?.replace("~", "") ?? "";
            expect(feeMicros).toBe((gross * BigInt(fees[card] ?? 0)) / 10_000n);
          }
        }
      }),
    );
  });

  test("S2: killed at any call, before or after it took effect, the next run ends the same", async () => {
    await fc.assert(
      fc.asyncProperty(poolCounters, daily, async (counters, dailyMicros) => {
        const whole = world(counters, oneVersion(dailyMicros));
        await whole.run();
        const calls = whole.calls();
        for (let call = 1; call <= calls; call += 1) {
          for (const after of [false, true]) {
            const cut = world(counters, oneVersion(dailyMicros));
            cut.kill({ call, after });
            await expect(cut.run()).rejects.toThrow(Killed);
            cut.kill(undefined);
            await cut.run();
            expect(moneyOf(cut)).toEqual(moneyOf(whole));
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  test("S5: two runs side by side, and runs after it is done, pay once", async () => {
    await fc.assert(
      fc.asyncProperty(poolCounters, daily, async (counters, dailyMicros) => {
        const once = world(counters, oneVersion(dailyMicros));
        await once.run();
        const twice = world(counters, oneVersion(dailyMicros));
        await Promise.all([twice.run(), twice.run()]);
        expect(await twice.run()).toMatchObject({ days: 0 });
        expect(moneyOf(twice)).toEqual(moneyOf(once));
      }),
      { numRuns: 30 },
    );
  });

  test("S5: a run that plans while another pays carries out the plan that was first", async () => {
    const key = "view.~0.1.w" as LineKey;
    // More than are paid side by side, so that some are paid and others are not.
    const counters = Array.from({ length: 20 }, (_, shard) =>
      poolCounter({ creatorId: "ada" as CreatorId, articleId: "/a" as ArticleId, shard }, [
        { key, count: shard + 1, weight: 1_000n, removed: 0 },
      ]),
    );
    const whole = world(counters, oneVersion(1_000n));
    await whole.run();
    const calls = whole.calls();
    for (let call = 1; call <= calls; call += 1) {
      const both = world(counters, oneVersion(1_000n));
      const first = Promise.withResolvers<void>();
      const { waitingCounters } = both.table;
      const late: PoolTable = {
        ...both.table,
        async *waitingCounters(pool, day) {
          await first.promise;
          yield* waitingCounters(pool, day);
        },
      };
      const second = pricePools({ ...both.deps, table: late }, forever);
      await new Promise<void>((resolve) => setImmediate(resolve));
      both.kill({ call, after: true });
      await expect(both.run()).rejects.toThrow(Killed);
      both.kill(undefined);
      first.resolve();
      await second;
      expect(moneyOf(both)).toEqual(moneyOf(whole));
    }
  });

  test("what is taken out after the plan is made changes nothing in it", async () => {
    const key = lineKey({
      ...{ kind: "view", model: "pool", card: "0", sharesVersion: 1, movement: "weighed" },
    });
    const id = { creatorId: "ada" as CreatorId, articleId: "/a" as ArticleId, shard: 0 };
    const line = { key, count: 10, weight: 1_000n, removed: 0 };
    const cut = world([poolCounter(id, [line])], oneVersion(700n));
    // days, waiting, counters, part, decide: the plan is written.
    cut.kill({ call: 5, after: true });
    await expect(cut.run()).rejects.toThrow(Killed);
    const [name] = [...cut.stored.keys()];
    cut.stored.set(String(name), poolCounter(id, [{ ...line, removed: 9 }]));
    cut.kill(undefined);
    await cut.run();
    expect(sumOf(cut.stored.values(), "paid", "micros")).toBe(700n);
    expect(sumOf(cut.stored.values(), "paid", "count")).toBe(10n);
  });

  test("an award of very many lines is paid in steps, and resumed between them", async () => {
    const lines = Array.from({ length: 120 }, (_, index) => ({
      key: lineKey({
        ...{ kind: "view", model: "pool", card: "0", sharesVersion: index, movement: "weighed" },
      }),
      ...{ count: 1, weight: 7n, removed: 0 },
    }));
    const id = { creatorId: "ada" as CreatorId, articleId: "/a" as ArticleId, shard: 0 };
    const cut = world([poolCounter(id, lines)], oneVersion(1_000n));
    // days, waiting, counters, part, decide, part, then the first of three steps.
    cut.kill({ call: 7, after: true });
    await expect(cut.run()).rejects.toThrow(Killed);
    expect(sumOf(cut.stored.values(), "paid", "count")).toBe(50n);
    cut.kill(undefined);
    await cut.run();
    expect(sumOf(cut.stored.values(), "paid", "micros")).toBe(1_000n);
    expect(sumOf(cut.stored.values(), "paid", "count")).toBe(120n);
  });
});

describe("which days are priced", () => {
  test("S3: not before all that may still come in has come in, then from the first moment", async () => {
    const early = world([], oneVersion(5n), pricedFromMs - 1);
    expect(await early.run()).toMatchObject({ days: 0 });
    early.clock.now += 1;
    expect(await early.run()).toMatchObject({ days: 1, awardedMicros: 0n, unspentMicros: 5n });
  });

  test("each by the terms at its start, and those of rates not at all", async () => {
    const { run, days } = world(
      [],
      groupOf([
        pool(1, "2028-02-26T00:00:00Z", 10n),
        { version: 2, effectiveFromMs: Date.parse("2028-02-28T00:00:00Z"), model: "rates" },
        pool(3, "2028-02-29T00:00:00Z", 30n),
        pool(4, "2028-03-01T00:00:00Z", 40n),
      ]),
    );
    await run();
    expect(
      [...days.values()].map(({ day, version, dailyMicros }) => [day, version, dailyMicros]),
    ).toEqual([
      ["2028-02-26", 1, 10n],
      ["2028-02-27", 1, 10n],
      ["2028-02-29", 3, 30n],
    ]);
  });

  test("a day that fails does not keep the others", async () => {
    const key = "view.~99.1.w" as LineKey;
    const id = { creatorId: "ada" as CreatorId, articleId: "/a" as ArticleId, shard: 0 };
    const broken = poolCounter(id, [{ key, count: 1, weight: 1n, removed: 0 }]);
    const later = Date.parse("2028-03-02T12:00:00Z");
    const { run, days } = world([broken], oneVersion(5n), later);
    await expect(run()).rejects.toThrow(/rate card 99 of "\/a" is missing/);
    expect([...days.keys()]).toEqual(["2028-03-01" as UtcDay]);
  });

  test("out of time it says so, and the next run goes on", async () => {
    const id = { creatorId: "ada" as CreatorId, articleId: "/a" as ArticleId, shard: 0 };
    const key = "view.~0.1.w" as LineKey;
    const one = world(
      [poolCounter(id, [{ key, count: 1, weight: 1n, removed: 0 }])],
      oneVersion(5n),
    );
    await expect(one.run(pricedFromMs)).rejects.toThrow("out of time");
    expect(one.days.get(poolDay)?.state).toBe("planned");
    expect(await one.run()).toMatchObject({ days: 1, awardedMicros: 5n });
  });
});

describe("a reader's weight in a pool", () => {
  const creatorId = "ada" as CreatorId;
  const terms = {
    ...{ version: 1, effectiveFromMs: 0, group: groupId },
    shares: [
      { creatorId, basisPoints: 7_000 },
      { creatorId: "bea" as CreatorId, basisPoints: 3_000 },
    ],
  };
  const registry = (cap: bigint) => ({
    articles: {
      get: (articleId: ArticleId) => ({
        ...{ articleId, title: "A", terms: [terms], rateCards: [], updatedAtMs: 0, revision: 1 },
      }),
    } as never,
    creators: new Map(),
    cards: { publisher: [defaultRateCard("USD")], creators: new Map() },
    groups: new Map([
      [
        groupId,
        groupOf([{ ...pool(1, "2028-02-01T00:00:00Z", 10n), readerCap: cap } as GroupVersion]),
      ],
    ]),
  });
  const rules = { maxPerReaderHour: 1_000, maxPerReaderDay: 1_000, tokenBurst: 20 };

  test("never exceeds the cap, and reaches it if they do enough", () => {
    const done = fc.array(fc.tuple(fc.constantFrom(...engagementKinds), fc.nat(40)), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(done, fc.bigInt({ min: 1n, max: 40_000n }), (engagements, cap) => {
        const readers = new ReaderDays(new Map());
        const atMs = Date.parse("2028-02-29T10:00:00Z");
        const deps = { traffic: rules, isBot: () => false, dedupeTtlMs: 86_400_000 * 90 };
        let wanted = 0n;
        let given = 0n;
        const seen = new Set<string>();
        for (const [kind, article] of engagements) {
          if (seen.has(`${kind} ${article}`)) continue;
          seen.add(`${kind} ${article}`);
          const engagement = {
            articleId: `a${article}` as ArticleId,
            readerId: "r" as ReaderId,
            ...{ kind, occurredAtMs: atMs, channel: "publisher" as const },
            ...(kind === "comment" && {
              comment: { moderation: "approved" as const, length: "short" as const },
            }),
          };
          const key = impressionKeyOf(sha256, "p", engagement);
          const decision = decideEngagement(
            { ...deps, poolOpenMs: openMs },
            registry(cap),
            readers,
            atMs,
            { key, engagement, presentation: undefined },
          );
          readers.add(decision);
          if (decision.outcome !== "counted") return expect.unreachable();
          const weight = decision.credits.reduce((sum, { total }) => sum + total.weight, 0n);
          expect(weight).toBe((decision.pool?.weight ?? 0n) * 10_000n);
          given += weight / 10_000n;
          if (decision.reason !== "reader_cap" || given === cap) {
            wanted += defaultRateCard("USD").prices[kind];
          }
        }
        expect(given).toBeLessThanOrEqual(cap);
        const comments = [...seen].filter((one) => one.startsWith("comment")).length;
        if (comments <= 20) expect(given).toBe(wanted < cap ? wanted : cap);
      }),
    );
  });
});
