import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CreatorId } from "../../../core/contracts/ids.ts";
import { pricedKinds, reactionTypes } from "../../../core/contracts/kinds.ts";
import { cardFor, partsOf } from "../../../core/earnings/price-engagement.ts";
import type { Share } from "../../../core/registry/article.ts";
import { defaultRateCard, priceOf, type RateCard } from "../../../core/registry/rate-card.ts";
import { allocate } from "../../../core/values/allocate.ts";
import { micros } from "../../../core/values/micros.ts";

const sum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n);
const amounts = fc.bigInt({ min: 0n, max: 2n ** 80n });
const weights = fc
  .array(fc.bigInt({ min: 0n, max: 2n ** 40n }), { minLength: 1, maxLength: 12 })
  .filter((drawn) => sum(drawn) > 0n);

describe("allocate", () => {
  test("S4: the parts sum to the whole, and each is its exact share, rounded down or up", () => {
    fc.assert(
      fc.property(amounts, weights, (amount, drawn) => {
        const parts = allocate(amount, drawn);
        const total = sum(drawn);
        expect(sum(parts)).toBe(amount);
        parts.forEach((part, index) => {
          const exact = amount * (drawn[index] ?? 0n);
          expect(part === exact / total || part === exact / total + 1n).toBe(true);
          // Nothing is rounded up that is whole, and nothing is given to whom nothing is due.
          if (exact % total === 0n) expect(part).toBe(exact / total);
        });
      }),
    );
  });

  test.each([
    [1n, [1n, 1n, 1n], [1n, 0n, 0n]],
    [2n, [1n, 1n, 1n], [1n, 1n, 0n]],
    [1n, [1n, 2n, 2n], [0n, 1n, 0n]],
    [100n, [3_333n, 3_333n, 3_334n], [33n, 33n, 34n]],
    [0n, [1n, 0n], [0n, 0n]],
  ])("S4: %s by %s is %s", (amount, drawn, parts) => {
    expect(allocate(amount, drawn)).toEqual(parts);
  });

  test("what cannot be split is an error, not a loss", () => {
    expect(() => allocate(1n, [0n, 0n])).toThrow(RangeError);
    expect(() => allocate(1n, [])).toThrow(RangeError);
    expect(() => allocate(-1n, [1n])).toThrow(RangeError);
    expect(() => allocate(1n, [2n, -1n])).toThrow(RangeError);
  });
});

const shares: fc.Arbitrary<Share[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 9_999 }), { maxLength: 9 })
  .map((cuts) => {
    const edges = [0, ...cuts.sort((a, b) => a - b), 10_000];
    return edges.slice(1).map((edge, index) => ({
      creatorId: `c${index}` as CreatorId,
      basisPoints: edge - (edges[index] ?? 0),
    }));
  });
const cards: fc.Arbitrary<RateCard> = fc
  .record({ price: fc.integer({ min: 0, max: 1e9 }), fee: fc.integer({ min: 0, max: 10_000 }) })
  .map(({ price, fee }) => {
    const card = defaultRateCard("USD");
    const prices = { ...card.prices, view: micros(price), reaction: micros(price) };
    return { ...card, prices, feeBasisPoints: fee };
  });

describe("partsOf", () => {
  const article = { rateCards: [] };

  test("S4: creators and publisher together get the price, to the micro", () => {
    fc.assert(
      fc.property(cards, shares, fc.constantFrom(...pricedKinds), (card, split, kind) => {
        const publisher = { publisher: [card], creators: new Map() };
        const parts = partsOf(publisher, article, { shares: split }, kind, 0);
        const paid = parts.map((part) => part.micros + part.feeMicros);
        expect(sum(paid)).toBe(priceOf(card, kind));
        // The fee is rounded down from each part: never more than it should be.
        const fees = sum(parts.map(({ feeMicros }) => feeMicros));
        expect(fees * 10_000n).toBeLessThanOrEqual(
          priceOf(card, kind) * BigInt(card.feeBasisPoints),
        );
        for (const part of parts) expect(part.micros).toBeGreaterThanOrEqual(0n);
      }),
    );
  });

  test("an article's own card goes before its creator's, that before the publisher's", () => {
    const base = defaultRateCard("USD");
    const own = { ...base, version: 7, effectiveFromMs: 100 };
    const ada = "ada" as CreatorId;
    const all = { publisher: [base], creators: new Map([[ada, { rateCards: [own] }]]) };
    const ref = (rateCards: RateCard[], atMs: number) => cardFor(all, { rateCards }, ada, atMs).ref;
    expect(ref([], 99)).toBe("0");
    expect(ref([], 100)).toBe("c7");
    expect(ref([{ ...own, version: 2, effectiveFromMs: 200 }], 199)).toBe("c7");
    expect(ref([{ ...own, version: 2, effectiveFromMs: 200 }], 200)).toBe("a2");
  });
});

describe("priceOf", () => {
  test("weighs a reaction by its type, and rounds what is below a micro down", () => {
    const card = defaultRateCard("USD");
    const reaction = Object.fromEntries(reactionTypes.map((type) => [type, 150]));
    const weighed = {
      ...card,
      prices: { ...card.prices, reaction: micros(3) },
      weights: { ...card.weights, reaction: reaction as RateCard["weights"]["reaction"] },
    };
    expect(priceOf(weighed, "reaction:clap")).toBe(4n);
    expect(priceOf(weighed, "view")).toBe(1_000n);
    expect(priceOf(weighed, "comment:long")).toBe(2_000n);
  });
});
