import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type * as z from "zod";
import type { ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import { limits } from "../../../core/contracts/limits.ts";
import { publishRateCardSchema } from "../../../core/contracts/registry-bodies.ts";
import {
  cardsOfScope,
  scopedCardInForce,
  scopeOfQuery,
} from "../../../core/registry/cards-of-scope.ts";
import { effectiveFromOf, publishRateCard } from "../../../core/registry/publish-rate-card.ts";
import { ownCardInForce, presentRateCard } from "../../../core/registry/rate-card.ts";
import { hourMs } from "../../../core/values/time.ts";
import { memoryRegistry } from "./memory-registry.ts";

const minuteMs = 60_000;
const noon = Date.parse("2028-02-29T12:00:00Z");
const articleId = "a" as ArticleId;
const creatorId = "c" as CreatorId;

type Body = z.input<typeof publishRateCardSchema>;

const body = (view: number, more: Partial<Body> = {}) =>
  publishRateCardSchema.parse({
    feeBasisPoints: 0,
    currency: "USD",
    micros: { view, read: 1, reaction: 1, comment: 1, search_visit: 1 },
    ...more,
  });
const at = (ms: number) => ({ effectiveFrom: new Date(ms).toISOString() });

async function publisher() {
  const registry = memoryRegistry(noon);
  await registry.putArticle(articleId, { title: "A", creatorId });
  const put = (view: number, requestId: string, more?: Partial<Body>) =>
    publishRateCard(registry, body(view, more), requestId);
  return { ...registry, put };
}

const scopes = [["publisher"], [{ articleId }], [{ creatorId }]] as const;

describe.each(scopes)("a card of the scope %j", (scope) => {
  const cards = async (registry: Awaited<ReturnType<typeof publisher>>) =>
    (await cardsOfScope(registry, scope)).cards.filter(({ version }) => version > 0);

  test("a retry after a crash finds its own card, and undoes no newer one", async () => {
    const registry = await publisher();
    const first = await registry.put(5, "a", { scope });
    await registry.put(9, "b", { scope });
    expect(await registry.put(5, "a", { scope })).toEqual(first);
    expect((await cards(registry)).map(({ prices }) => prices.view)).toEqual([5n, 9n]);
  });

  test("I7: a request id that comes back with another card is a 409, after a day a new card", async () => {
    const { put, wait } = await publisher();
    await put(5, "a", { scope });
    const reused = { status: 409, code: "idempotency-key-reused" };
    await expect(put(6, "a", { scope })).rejects.toMatchObject(reused);
    await expect(put(5, "a", { scope, feeBasisPoints: 1 })).rejects.toMatchObject(reused);
    await expect(put(5, "a", { scope, commentsPerReader: 1 })).rejects.toMatchObject(reused);
    const weights = { reaction: { love: 150 } };
    await expect(put(5, "a", { scope, weights })).rejects.toMatchObject(reused);
    await expect(put(5, "a", { scope, ...at(noon + hourMs) })).rejects.toMatchObject(reused);
    wait(25 * hourMs);
    expect(await put(6, "a", { scope })).toMatchObject({ version: 2, prices: { view: 6n } });
  });

  test("a scheduled card is found by its retry, even when its time has passed meanwhile", async () => {
    const { put, wait } = await publisher();
    const scheduled = await put(5, "a", { scope, ...at(noon + hourMs) });
    expect(scheduled.effectiveFromMs).toBe(noon + hourMs);
    expect(await put(5, "a", { scope, ...at(noon + hourMs) })).toEqual(scheduled);
    wait(2 * hourMs);
    expect(await put(5, "a", { scope, ...at(noon + hourMs) })).toEqual(scheduled);
  });

  test("a past time is refused, and the refusal says how to put it right", async () => {
    const { put } = await publisher();
    const past = put(5, "a", { scope, ...at(noon - minuteMs - 1) });
    await expect(past).rejects.toMatchObject({ status: 409, code: "rate-card-time-settled" });
    await expect(past).rejects.toThrow(/^effectiveFrom: 2028-02-29T11:58:59.999Z is past/);
    await expect(past).rejects.toThrow(/settled already.*dry-run.*\/v1\/ledger\/adjustments/);
    const late = await put(5, "b", { scope, ...at(noon - minuteMs) });
    expect(late.effectiveFromMs).toBe(noon);
  });

  test("a version that is not after the latest overlaps it, whether it says when or not", async () => {
    const { put, wait } = await publisher();
    await put(5, "a", { scope, ...at(noon + hourMs) });
    for (const more of [at(noon + hourMs), at(noon + minuteMs), {}]) {
      const overlapping = put(6, "b", { scope, ...more });
      await expect(overlapping).rejects.toMatchObject({
        status: 409,
        code: "rate-card-overlaps",
        extensions: { errors: [{ field: "effectiveFrom" }] },
      });
      await expect(overlapping).rejects.toThrow(/2028-02-29T13:00:00.000Z.*version 1 /);
    }
    expect(await put(6, "b", { scope, ...at(noon + hourMs + 1) })).toMatchObject({ version: 2 });
    wait(2 * hourMs);
    expect(await put(7, "c", { scope })).toMatchObject({ version: 3 });
  });

  test("cards that are published at once all come into force, one after the other", async () => {
    const registry = await publisher();
    const views = [1, 2, 3, 4, 5, 6, 7];
    await Promise.all(views.map((view) => registry.put(view, `card ${view}`, { scope })));
    const published = await cards(registry);
    expect(published.map(({ version }) => version)).toEqual(views);
    expect(new Set(published.map((card) => card.effectiveFromMs)).size).toBe(views.length);
    expect(published.map(({ prices }) => Number(prices.view)).sort()).toEqual(views);
  });

  test("no UTC day has more cards than one ledger entry can hold lines for", async () => {
    const { put, wait } = await publisher();
    for (let card = 0; card < limits.maxRateCardsPerDay; card += 1) {
      await put(card, `card ${card}`, { scope });
    }
    const refused = { code: "too-many-rate-cards" };
    await expect(put(1, "one more", { scope })).rejects.toMatchObject(refused);
    wait(12 * hourMs);
    const version = limits.maxRateCardsPerDay + 1;
    expect(await put(1, "one more", { scope })).toMatchObject({ version });
  });

  test("writers who keep losing are told so", async () => {
    const registry = await publisher();
    const raced = async () => "raced" as const;
    const losing = {
      ...registry,
      rateCards: { ...registry.rateCards, publish: async () => "taken" as const },
      articles: { ...registry.articles, put: raced },
      creators: { ...registry.creators, put: raced },
    };
    const lost = publishRateCard(losing, body(1, { scope }), "a");
    await expect(lost).rejects.toMatchObject({ status: 409, code: "contended" });
  });
});

test("an article's and a creator's own cards stay out of everybody's, and of what else is put", async () => {
  const registry = await publisher();
  await registry.put(5, "a", { scope: { articleId } });
  await registry.put(6, "b", { scope: { creatorId } });
  await registry.put(7, "c");
  await registry.putArticle(articleId, { title: "B", creatorId: "d" as CreatorId });
  await registry.putCreator(creatorId, { name: "C", readerIds: [] });
  const view = async (scope: Parameters<typeof cardsOfScope>[1]) =>
    (await cardsOfScope(registry, scope)).cards.map(({ prices }) => prices.view);
  expect(await view({ articleId })).toEqual([5n]);
  expect(await view({ creatorId })).toEqual([6n]);
  expect(await view("publisher")).toEqual([1_000n, 7n]);
});

test("a card registers the creator it is for; an article must be there", async () => {
  const registry = await publisher();
  await registry.put(5, "a", { scope: { creatorId } });
  const creator = (await registry.creators.getMany([creatorId])).get(creatorId);
  expect(creator).toMatchObject({ readerIds: [], rateCards: [{ version: 1 }], revision: 1 });
  const unknown = registry.put(5, "b", { scope: { articleId: "nowhere" } });
  await expect(unknown).rejects.toMatchObject({ status: 404 });
});

test("an article has at most so many own cards", async () => {
  const { put, wait } = await publisher();
  const scope = { articleId };
  for (let card = 0; card < limits.maxVersions; card += 1) {
    await put(card, `card ${card}`, { scope });
    wait(2 * hourMs);
  }
  const refused = { status: 409, code: "too-many-versions" };
  await expect(put(1, "one more", { scope })).rejects.toMatchObject(refused);
});

test("another currency is refused by name", async () => {
  const { put } = await publisher();
  const refused = put(1, "a", { currency: "EUR" });
  await expect(refused).rejects.toMatchObject({
    status: 400,
    extensions: { errors: [{ field: "currency" }] },
  });
});

test("a card is shown with all it says, to the scope that asks", async () => {
  const { put, nowMs } = await publisher();
  const scope = { articleId };
  const weights = { reaction: { love: 150, save: 0 }, comment: { long: 300 } };
  const card = await put(5, "a", { scope, weights, feeBasisPoints: 250, commentsPerReader: 3 });
  expect(presentRateCard(card, scope)).toEqual({
    version: 1,
    scope,
    currency: "USD",
    effectiveFrom: "2028-02-29T12:00:00.000Z",
    micros: { view: 5, read: 1, reaction: 1, comment: 1, search_visit: 1 },
    weights: {
      reaction: { like: 100, love: 150, clap: 100, insightful: 100, save: 0 },
      comment: { short: 100, medium: 100, long: 300 },
    },
    feeBasisPoints: 250,
    commentsPerReader: 3,
  });
  expect(scopedCardInForce([card], scope, nowMs())).toBe(card);
  expect(() => scopedCardInForce([card], scope, nowMs() - 1)).toThrow(/rate card in force/);
});

test("a query names one scope at most", () => {
  expect(scopeOfQuery({})).toBe("publisher");
  expect(scopeOfQuery({ articleId })).toEqual({ articleId });
  expect(scopeOfQuery({ creatorId })).toEqual({ creatorId });
  expect(() => scopeOfQuery({ articleId, creatorId })).toThrow(/not both/);
});

test("whatever is asked for and whenever, versions come into force one after the other", () => {
  const step = fc.record({
    waitMs: fc.oneof(fc.integer({ min: -3_000, max: 3_000 }), fc.nat(5 * hourMs)),
    aheadMs: fc.option(fc.integer({ min: -2 * minuteMs, max: 3 * hourMs }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const cards: { version: number; effectiveFromMs: number }[] = [];
      let nowMs = noon;
      for (const { waitMs, aheadMs } of steps) {
        nowMs += waitMs;
        const askedMs = aheadMs === undefined ? undefined : nowMs + aheadMs;
        const inForce = ownCardInForce(cards as never, nowMs - 1);
        try {
          const effectiveFromMs = effectiveFromOf(askedMs, cards.at(-1), nowMs);
          expect(effectiveFromMs).toBeGreaterThan(cards.at(-1)?.effectiveFromMs ?? 0);
          expect(effectiveFromMs).toBeGreaterThanOrEqual(nowMs);
          if (askedMs !== undefined) {
            expect(effectiveFromMs).toBe(Math.max(askedMs, nowMs));
          }
          cards.push({ version: cards.length + 1, effectiveFromMs });
          // What was in force before now stays in force then.
          expect(ownCardInForce(cards as never, nowMs - 1)).toBe(inForce);
        } catch (error) {
          expect(error).toMatchObject({ status: 409 });
        }
      }
    }),
  );
});
