import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type * as z from "zod";
import type { ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import { pricedKinds } from "../../../core/contracts/kinds.ts";
import { dryRunRateCardSchema } from "../../../core/contracts/registry-bodies.ts";
import type { Counter, LineTotal } from "../../../core/earnings/counter.ts";
import {
  type CountersInRange,
  dryRunRateCard,
  repriceCounter,
} from "../../../core/earnings/dry-run-rate-card.ts";
import type { LineKey } from "../../../core/earnings/line.ts";
import { partOf } from "../../../core/earnings/price-engagement.ts";
import { defaultRateCard, type RateCard } from "../../../core/registry/rate-card.ts";
import { micros } from "../../../core/values/micros.ts";
import type { UtcDay } from "../../../core/values/time.ts";
import { memoryRegistry } from "./memory-registry.ts";

const noon = Date.parse("2028-02-29T12:00:00Z");
const ada = "ada" as CreatorId;
const bea = "bea" as CreatorId;
const solo = "solo" as ArticleId;
const duet = "duet" as ArticleId;
const days = { from: "2028-02-28", to: "2028-02-29" };

type Lines = Readonly<Record<string, readonly [count: number, micros: number]>>;

function counter(
  creatorId: CreatorId,
  articleId: ArticleId,
  lines: Lines,
  day = "2028-02-29",
): Counter {
  const counted = Object.entries(lines).map(([key, [count, amount]]): [LineKey, LineTotal] => [
    key as LineKey,
    { count: BigInt(count), micros: micros(amount), feeMicros: micros(0), weight: 0n },
  ]);
  return {
    id: { creatorId, articleId, day: day as UtcDay, shard: 0 },
    counted: new Map(counted),
    settled: new Map(),
    events: 1n,
    drains: 0,
    dueSinceMs: undefined,
    heldAtMs: undefined,
    freedAtMs: undefined,
  };
}

/** Finds what the real table would: by creator, by article, and in the range of days. */
function countersInRange(counters: readonly Counter[]): CountersInRange {
  async function* within(
    { from, to }: { from: string; to: string },
    wanted: (one: Counter) => boolean,
  ) {
    yield* counters.filter((one) => one.id.day >= from && one.id.day <= to && wanted(one));
  }
  return {
    all: (range) => within(range, () => true),
    ofCreator: (creatorId, range) => within(range, ({ id }) => id.creatorId === creatorId),
    ofArticle: (articleId, creatorIds, range) =>
      within(range, ({ id }) => id.articleId === articleId && creatorIds.includes(id.creatorId)),
  };
}

async function dryRun(
  counters: readonly Counter[],
  {
    card,
    ...rest
  }: Partial<Omit<z.input<typeof dryRunRateCardSchema>, "card">> & { card?: object },
) {
  const registry = memoryRegistry(noon);
  await registry.putArticle(solo, { title: "Solo", creatorId: ada });
  await registry.putArticle(duet, { title: "Duet", creatorId: ada });
  registry.wait(1);
  const shares = [
    { creatorId: bea, basisPoints: 3_333 },
    { creatorId: ada, basisPoints: 6_667 },
  ];
  await registry.putArticle(duet, { title: "Duet", shares });
  const prices = { view: 2_000, read: 1, reaction: 10, comment: 1, search_visit: 1 };
  const body = dryRunRateCardSchema.parse({
    ...days,
    ...rest,
    card: { currency: "USD", micros: prices, ...card },
  });
  return await dryRunRateCard({ ...registry, counters: countersInRange(counters) }, body);
}

describe("a dry run of a rate card", () => {
  test("prices what was counted again, undone engagements as undone", async () => {
    const lines = {
      "view.0.1.p": [10, 10_000],
      "view.0.1.v.manual": [2, 2_000],
      "view.0.1.h.over_rate": [4, 4_000],
      "view.0.1.f.over_rate": [3, 3_000],
      "view.0.1.d.over_rate": [1, 1_000],
      "view.0.1.n.bot": [100, 0],
    } as const;
    expect(await dryRun([counter(ada, solo, lines)], {})).toEqual({
      ...days,
      ...{ currentMicros: "11000", proposedMicros: "22000", differenceMicros: "11000" },
      creators: [
        {
          creatorId: "ada",
          ...{ currentMicros: "11000", proposedMicros: "22000", differenceMicros: "11000" },
        },
      ],
      truncated: false,
      poolLinesLeftOut: 0,
    });
  });

  test("splits by the shares that split it then, weighs, and takes the fee", async () => {
    const counters = [
      counter(ada, duet, { "view.0.1.p": [1, 1_000], "view.0.2.p": [3, 2_001] }),
      counter(bea, duet, { "view.0.2.p": [3, 999], "reaction:love.0.2.p": [1, 167] }),
    ];
    const card = { feeBasisPoints: 1_000, weights: { reaction: { love: 200 } } };
    // 2,000 are 1,333 and 667, of which a tenth is 133 and 66; a love's 20 are 13 and 7.
    const adas = 1_800 + 3 * (1_333 - 133);
    const beas = 3 * (667 - 66) + 7;
    expect(await dryRun(counters, { card })).toMatchObject({
      proposedMicros: String(adas + beas),
      creators: [
        { creatorId: "ada", currentMicros: "3001", proposedMicros: String(adas) },
        { creatorId: "bea", currentMicros: "1166", proposedMicros: String(beas) },
      ],
    });
  });

  const scoped = [
    counter(ada, solo, { "view.0.1.p": [1, 1], "view.c1.1.p": [1, 10], "view.a1.1.p": [1, 100] }),
    counter(ada, duet, { "view.0.2.p": [1, 1_000] }),
    counter(bea, duet, { "view.a1.2.p": [1, 10_000] }),
  ];
  test.each([
    ["publisher", "1001"],
    [{ creatorId: ada }, "1011"],
    [{ articleId: solo }, "111"],
    [{ articleId: duet }, "11000"],
    [{ creatorId: bea }, "0"],
  ])("a card of the scope %j prices what no more special card did", async (scope, current) => {
    expect(await dryRun(scoped, { card: { scope } })).toMatchObject({ currentMicros: current });
  });

  test("leaves other days and pools out, and counts the lines of pools", async () => {
    const counters = [
      counter(ada, solo, { "view.0.1.p": [1, 1_000] }, "2028-02-27"),
      counter(ada, solo, { "view.0.1.p": [1, 1_000] }, "2028-03-01"),
      counter(ada, solo, {
        "view.~0.1.w": [9, 0],
        "view.~0.1.p": [1, 5],
        "view.~0.1.n.bot": [1, 0],
      }),
    ];
    expect(await dryRun(counters, {})).toMatchObject({
      ...{ currentMicros: "0", proposedMicros: "0", creators: [], poolLinesLeftOut: 2 },
    });
  });

  test("lists those first whom it changes most, and at most 1,000", async () => {
    const earned = (name: string, amount: number) =>
      counter(name as CreatorId, solo, { "view.0.1.p": [1, amount] });
    const names = Array.from({ length: 1_200 }, (_, index) => `c${index}`);
    const shares = (creatorId: string) => [{ creatorId: creatorId as CreatorId, basisPoints: 1 }];
    const counters = names.map((name, index) => ({
      ...earned(name, index),
      id: { ...earned(name, index).id, articleId: name as ArticleId },
    }));
    const terms = (name: string) => [
      { version: 1, effectiveFromMs: 0, shares: shares(name), group: "default" as never },
    ];
    const articles = {
      getMany: async (ids: readonly ArticleId[]) =>
        new Map(
          ids.map((id) => [
            id,
            {
              ...{ articleId: id, title: id, terms: terms(id), rateCards: [] },
              ...{ updatedAtMs: 0, revision: 1 },
            },
          ]),
        ),
    };
    const none = { view: 0, read: 0, reaction: 0, comment: 0, search_visit: 0 };
    const body = dryRunRateCardSchema.parse({ ...days, card: { currency: "USD", micros: none } });
    const deps = { articles, counters: countersInRange(counters), currency: "USD" };
    const result = await dryRunRateCard(deps, body);
    expect(result).toMatchObject({ truncated: true, currentMicros: String((1_199 * 1_200) / 2) });
    expect(result.creators).toHaveLength(1_000);
    expect(result.creators[0]).toMatchObject({ creatorId: "c1199", differenceMicros: "-1199" });
    expect(result.creators[999]).toMatchObject({ creatorId: "c200" });
  });

  test.each([
    ["2028-02-29", "2028-02-28", "to: 2028-02-28 is before from"],
    ["2028-01-01", "2028-02-01", "32 days; send at most 31"],
  ])("from %s to %s is refused", async (from, to, why) => {
    const refused = dryRun([], { from, to });
    await expect(refused).rejects.toMatchObject({ status: 400 });
    await expect(refused).rejects.toThrow(why);
  });

  test("31 days may be priced; another currency or an unknown article may not", async () => {
    expect(await dryRun([], { from: "2028-01-01", to: "2028-01-31" })).toMatchObject({
      ...{ currentMicros: "0", creators: [] },
    });
    await expect(dryRun([], { card: { currency: "EUR" } })).rejects.toMatchObject({ status: 400 });
    const scope = { articleId: "nowhere" };
    await expect(dryRun([], { card: { scope } })).rejects.toMatchObject({ status: 404 });
  });
});

test("under the card that priced it, nothing differs, however it was split, held or undone", () => {
  const price = fc.nat(1_000_000);
  const cards = fc
    .record({ view: price, reaction: price, comment: price, fee: fc.nat(10_000) })
    .map(({ view, reaction, comment, fee }): RateCard => {
      const card = defaultRateCard("USD");
      const prices = { view, reaction, comment, read: view, search_visit: reaction };
      const inMicros = Object.entries(prices).map(([kind, amount]) => [kind, micros(amount)]);
      return { ...card, feeBasisPoints: fee, prices: Object.fromEntries(inMicros) };
    });
  const line = fc.record({
    kind: fc.constantFrom(...pricedKinds),
    movement: fc.constantFrom("p", "h.over_rate", "f.over_rate", "v.manual", "d.over_rate"),
    count: fc.nat(1_000_000),
  });
  const part = fc.integer({ min: 1, max: 9_999 });
  fc.assert(
    fc.property(cards, part, fc.array(line, { maxLength: 20 }), (card, adasPart, lines) => {
      const shares = [
        { creatorId: bea, basisPoints: 10_000 - adasPart },
        { creatorId: ada, basisPoints: adasPart },
      ];
      const terms = [{ version: 1, effectiveFromMs: 0, shares, group: "default" as never }];
      const counted = lines.map(({ kind, movement, count }): [LineKey, LineTotal] => {
        const each = partOf(card, shares, 1, kind);
        const total = BigInt(count) * each.micros;
        return [
          `${kind}.0.1.${movement}` as LineKey,
          { count: BigInt(count), micros: micros(total), feeMicros: micros(0), weight: 0n },
        ];
      });
      const one = { ...counter(ada, duet, {}), counted: new Map(counted) };
      const repriced = repriceCounter(card, "publisher", one, { articleId: duet, terms });
      expect(repriced.proposedMicros).toBe(repriced.currentMicros);
    }),
  );
});
