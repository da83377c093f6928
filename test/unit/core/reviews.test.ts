import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reviewRequested } from "../../../core/contracts/events.ts";
import type { ArticleId, ReaderId } from "../../../core/contracts/ids.ts";
import { holdReasons } from "../../../core/contracts/kinds.ts";
import { effectOfLines, noLine } from "../../../core/earnings/counter.ts";
import { type LineKey, parseLineKey, withMovement } from "../../../core/earnings/line.ts";
import { isHoldOver, releaseHolds } from "../../../core/earnings/release-holds.ts";
import { grownOf } from "../../../core/ledger/creator-sums.ts";
import type { OutgoingEvent } from "../../../core/messaging/event-publisher.ts";
import { applyReviews } from "../../../core/reviews/apply-review.ts";
import { type Moderation, moderateComments } from "../../../core/reviews/moderate-comments.ts";
import { counterName } from "../../../core/reviews/plan-review.ts";
import { presentReview, type Review, type ReviewFilter } from "../../../core/reviews/review.ts";
import { type Arrival, reviewLater } from "../../../core/reviews/review-later.ts";
import { endOfUtcDayMs, hourMs, type UtcDay } from "../../../core/values/time.ts";
import { type Counting, MemoryReviews } from "./memory-reviews.ts";

const holdMs = 24 * hourMs;
const pacing = { sleep: async () => {}, random: () => 0.5 };
const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;

type Wish = Pick<Review, "decision"> & { readonly filter?: Partial<ReviewFilter> };

function review(world: MemoryReviews, { decision, filter }: Wish, reviewId: string): Review {
  const asked: Review = {
    ...{ reviewId, decision, note: "n", requestedBy: "admin:a", requestId: reviewId },
    filter: { from: "2028-02-01" as UtcDay, to: "2028-12-31" as UtcDay, ...filter },
    requestedAtMs: world.nowMs,
    segments: 1,
  };
  world.reviews.set(reviewId, asked);
  return asked;
}

function bodyOf({ reviewId, segments }: Review): string {
  const detail = { schemaVersion: 1, traceparent, reviewId, segment: 0, segments };
  const { source, detailType } = reviewRequested;
  return JSON.stringify({ source, "detail-type": detailType, detail });
}

/** Delivers a review until it is done. @returns failures and events on the way. */
async function apply(world: MemoryReviews, asked: Review, deadlineMs = Number.MAX_SAFE_INTEGER) {
  const failures: unknown[] = [];
  const announced: OutgoingEvent[] = [];
  const deps = {
    ...{ store: world.store, table: world.table, clock: world.clock, pacing, poolOpenMs: 0 },
    bus: { publish: async (events: readonly OutgoingEvent[]) => void announced.push(...events) },
    onFailed: (_id: string, error: unknown) => void failures.push(error),
  };
  const deliveries = [{ id: "m", body: bodyOf(asked) }];
  await applyReviews(deps, deliveries, deadlineMs, traceparent);
  return { failures, announced };
}

const release = (world: MemoryReviews) =>
  releaseHolds({ table: world.holds, clock: world.clock, pacing, holdMs }, Number.MAX_SAFE_INTEGER);

/** A publisher's later word on a comment of today. */
function moderate(
  world: MemoryReviews,
  { moderation, ...what }: { reader: string; articleId: string; moderation: Moderation },
) {
  const { table, clock } = world;
  const decisions = new Map([[world.keyOf(what), moderation]]);
  const deps = { table, clock, pacing, poolOpenMs: 0 };
  return moderateComments(deps, decisions, Number.MAX_SAFE_INTEGER);
}

/** What every counter must say, told from the engagements alone. */
function checkMoney(world: MemoryReviews): void {
  const expected = new Map<string, { payable: bigint; held: bigint; fee: bigint }>();
  const states = new Map<string, number>();
  for (const key of world.keys.values()) {
    const name = key.reason === undefined ? key.state : `${key.state}.${key.reason}`;
    states.set(name, (states.get(name) ?? 0) + 1);
    for (const { creatorId, total } of key.credits) {
      const { articleId, day, shard, pool } = key;
      const id = { creatorId, articleId, day, shard, ...(pool === undefined ? {} : { pool }) };
      const counter = world.counters.get(counterName(id));
      const over = isHoldOver({ freedAtMs: counter?.freedAtMs }, key.countedAtMs);
      const sums = expected.get(counterName(id)) ?? { payable: 0n, held: 0n, fee: 0n };
      const isHeld = key.state === "held" && !over;
      if (isHeld) sums.held += total.micros;
      else if (key.state !== "void") sums.payable += total.micros;
      if (key.state !== "void") sums.fee += total.feeMicros;
      expected.set(counterName(id), sums);
    }
  }
  let events = 0n;
  for (const [name, { id, counted, events: own }] of world.counters) {
    events += own;
    for (const [key, total] of counted) {
      const { movement, reason } = parseLineKey(key);
      if (movement !== "held") continue;
      const freed = counted.get(withMovement(key, "freed", reason)) ?? noLine;
      const dropped = counted.get(withMovement(key, "dropped", reason)) ?? noLine;
      for (const field of ["count", "micros", "feeMicros"] as const) {
        expect(total[field] - freed[field] - dropped[field]).toBeGreaterThanOrEqual(0n);
      }
    }
    if (id.pool === undefined) expect(effectOfLines(counted)).toEqual(expected.get(name));
  }
  expect(world.tally.events).toBe(events);
  const stated = [...world.tally.states].filter(([, count]) => count !== 0);
  expect(new Map(stated)).toEqual(states);
}

const amounts = fc.array(
  fc.record({ micros: fc.bigInt({ min: 0n, max: 5n }), fee: fc.bigInt({ min: 0n, max: 2n }) }),
  { minLength: 2, maxLength: 2 },
);
const countings: fc.Arbitrary<Counting> = fc.record({
  reader: fc.constantFrom("r1", "r2", "r3", "r4", "r5"),
  articleId: fc.constantFrom("a", "b"),
  state: fc.constantFrom("paid", "held", "held"),
  reason: fc.constantFrom(...holdReasons),
  amounts,
});
const wishes: fc.Arbitrary<Wish> = fc.record({
  decision: fc.constantFrom("void", "release"),
  filter: fc.constantFrom<Partial<ReviewFilter>>(
    {},
    { readerId: "r1" as ReaderId },
    { articleId: "a" as ArticleId },
    { reason: "over_rate" },
  ),
});
const takenBack: fc.Arbitrary<Wish> = fc.record({
  decision: fc.constant("release" as const),
  filter: fc.constantFrom<Partial<ReviewFilter>>(
    { reason: "manual" },
    { reason: "manual", readerId: "r1" as ReaderId },
  ),
});
const moderations = fc.record({
  do: fc.constant("moderate"),
  reader: countings.map(({ reader }) => reader),
  articleId: fc.constantFrom("a", "b"),
  moderation: fc.constantFrom("approved", "rejected"),
});
type Step =
  | { readonly do: "count"; readonly counting: Counting }
  | { readonly do: "wait"; readonly hours: number }
  | { readonly do: "review"; readonly wish: Wish }
  | {
      readonly do: "moderate";
      readonly reader: string;
      readonly articleId: string;
      readonly moderation: Moderation;
    }
  | { readonly do: "release" | "settle" };
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant("count"), counting: countings }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("wait"), hours: fc.nat(30) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("review"), wish: wishes }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("review"), wish: takenBack }) },
    { weight: 3, arbitrary: moderations },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("release", "settle") }) },
  ),
  { minLength: 10, maxLength: 60 },
) as fc.Arbitrary<Step[]>;

async function take(world: MemoryReviews, step: Step, number: number): Promise<void> {
  switch (step.do) {
    case "count": {
      const { reason, ...paid } = step.counting;
      return world.count(step.counting.state === "held" ? step.counting : paid);
    }
    case "wait":
      world.nowMs += step.hours * hourMs;
      return;
    case "release":
      return void (await release(world));
    case "settle":
      return world.settle(holdMs);
    case "moderate":
      return void (await moderate(world, step));
    case "review":
      await apply(world, review(world, step.wish, String(number)));
  }
}

describe("holds and reviews", () => {
  test("S1, S5: however they interleave, money is where the engagements say, to the micro", async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.array(fc.boolean(), { maxLength: 100, size: "max" }),
        async (all, meddling) => {
          const world = new MemoryReviews();
          const waiting = [...all];
          let number = 0;
          const next = async () => {
            const step = waiting.shift();
            number += 1;
            if (step) await take(world, step, number);
          };
          // Now and then another step happens between a read and the write that depends on it.
          world.between = async () => {
            if (meddling.shift()) await next();
          };
          while (waiting.length > 0) {
            await next();
            checkMoney(world);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("S2: killed before or after any write, the next delivery goes on where it was", async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.array(fc.nat(3), { maxLength: 200, size: "max" }),
        async (all, luck) => {
          const world = new MemoryReviews();
          const die = async () => {
            if (luck.shift() === 0) throw new Error("killed");
          };
          world.between = die;
          world.after = die;
          for (const [number, step] of all.entries()) {
            try {
              await take(world, step, number);
            } catch (error) {
              expect(error).toMatchObject({ message: "killed" });
            }
            checkMoney(world);
          }
          luck.length = 0;
          for (const asked of world.reviews.values()) await apply(world, asked);
          checkMoney(world);
          for (const { reviewId } of world.reviews.values()) {
            expect(await world.store.segment(reviewId, 0)).toHaveProperty("finishedAtMs");
          }
          expect(world.tally.voidedMicros).toBe(
            [...world.counters.values()].reduce(
              (sum, counter) => sum + grownOf(counter).voided,
              0n,
            ),
          );
          const changed = [...world.progress.values()].reduce((sum, one) => sum + one.changed, 0);
          expect(changed).toBe([...world.changes.values()].reduce((sum, times) => sum + times, 0));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("what no review decided on is free when its time is over, and taken off the list", async () => {
    const world = new MemoryReviews();
    for (const [index, reader] of ["r1", "r2", "r3"].entries()) {
      const each = [{ micros: 1_000n * BigInt(index + 1), fee: 0n }];
      world.count({ reader, articleId: "a", state: "held", reason: "over_rate", amounts: each });
    }
    await apply(
      world,
      review(world, { decision: "void", filter: { readerId: "r1" as ReaderId } }, "1"),
    );
    await apply(
      world,
      review(world, { decision: "release", filter: { readerId: "r2" as ReaderId } }, "2"),
    );
    world.settle(holdMs);
    world.nowMs += 23 * hourMs;
    expect(await release(world)).toMatchObject({ freed: 0, finished: true });
    world.nowMs += 2 * hourMs;
    expect(await release(world)).toMatchObject({ freed: 1, freedMicros: 3_000n });
    expect(await release(world)).toMatchObject({ freed: 0, freedMicros: 0n });
    const [counter] = world.counters.values();
    expect(effectOfLines(counter?.counted ?? new Map())).toMatchObject({
      payable: 5_000n,
      held: 0n,
    });
    world.settle(holdMs);
    expect([...world.counters.values()][0]?.listedMs).toBeUndefined();
  });

  test("a counter of very many lines is freed in several writes", async () => {
    const world = new MemoryReviews();
    const each = [{ micros: 10n, fee: 1n }];
    for (let version = 1; version <= 120; version += 1) {
      const held = { articleId: "a", state: "held", reason: "over_rate", amounts: each } as const;
      world.count({ ...held, reader: `r${version}`, sharesVersion: version });
    }
    world.settle(holdMs);
    world.nowMs += holdMs;
    expect(await release(world)).toMatchObject({ freed: 1, freedMicros: 1_200n, raced: 0 });
    checkMoney(world);
  });

  test("what is held again starts the clock again, on the list of the right day", async () => {
    const world = new MemoryReviews();
    const held = { articleId: "a", state: "held", reason: "over_rate" } as const;
    world.count({ ...held, reader: "r1", amounts: [{ micros: 5n, fee: 1n }] });
    world.settle(holdMs);
    const [name] = world.counters.keys();
    const listed = () => world.counters.get(name ?? "")?.listedMs;
    const firstMs = listed() ?? 0;
    // Held again, and still listed under the day before.
    world.nowMs += hourMs;
    world.count({ ...held, reader: "r2", amounts: [{ micros: 5n, fee: 1n }] });
    world.settle(holdMs);
    const counter = world.counters.get(name ?? "");
    if (counter) world.counters.set(name ?? "", { ...counter, listedMs: firstMs - 24 * hourMs });
    world.nowMs = firstMs + 1;
    expect(await release(world)).toMatchObject({ freed: 0 });
    expect(listed()).toBe(firstMs + hourMs);
    world.nowMs = firstMs + hourMs;
    expect(await release(world)).toMatchObject({ freed: 1, freedMicros: 10n });
  });

  test("a release of what time has freed changes nothing, and a void takes it back", async () => {
    const world = new MemoryReviews();
    const amount = [{ micros: 7n, fee: 3n }];
    world.count({
      reader: "r1",
      articleId: "a",
      state: "held",
      reason: "token_reuse",
      amounts: amount,
    });
    world.settle(holdMs);
    world.nowMs += holdMs;
    await release(world);
    const released = review(world, { decision: "release" }, "1");
    await apply(world, released);
    expect(await world.store.segment("1", 0)).toMatchObject({ changed: 0, skipped: 1 });
    await apply(world, review(world, { decision: "void" }, "2"));
    expect(world.given.get("creator-0" as never)).toEqual({ payable: -7n, held: 0n });
    checkMoney(world);
  });

  test("Q3: delivered twice, at once or one after the other, it changes each key once", async () => {
    const world = new MemoryReviews();
    for (let reader = 0; reader < 50; reader += 1) {
      const each = [{ micros: 10n, fee: 0n }];
      world.count({ reader: `r${reader}`, articleId: "a", state: "paid", amounts: each });
    }
    const asked = review(world, { decision: "void" }, "1");
    await Promise.all([apply(world, asked), apply(world, asked)]);
    await apply(world, asked);
    const progress = await world.store.segment("1", 0);
    expect(progress).toMatchObject({ changed: 50, skipped: 0 });
    expect(world.given.get("creator-0" as never)).toEqual({ payable: -500n, held: 0n });
    expect(presentReview(asked, [progress])).toMatchObject({
      state: "done",
      progress: { segments: { done: 1, total: 1 }, matched: 50, changed: 50, skipped: 0 },
    });
    checkMoney(world);
  });

  test("out of time it announces the rest; without having done anything it fails", async () => {
    const world = new MemoryReviews();
    for (let reader = 0; reader < 20; reader += 1) {
      const each = [{ micros: 10n, fee: 0n }];
      world.count({ reader: `r${reader}`, articleId: "a", state: "paid", amounts: each });
    }
    const asked = review(world, { decision: "void" }, "1");
    const deadlineMs = world.nowMs + 1;
    // Time passes with each write: the first page is done, the second is not.
    world.between = async () => {
      world.nowMs += 1;
    };
    const first = await apply(world, asked, deadlineMs);
    expect(first.failures).toEqual([]);
    expect(first.announced).toMatchObject([
      { contract: reviewRequested, detail: { reviewId: "1", segment: 0, segments: 1 } },
    ]);
    const second = await apply(world, asked, deadlineMs);
    expect(second).toMatchObject({ failures: [{ message: /no time/ }], announced: [] });
    world.between = async () => {};
    await apply(world, asked);
    expect(await world.store.segment("1", 0)).toMatchObject({ changed: 20 });
  });
});

describe("S9: what was accepted before reviews were requested, and is recorded now", () => {
  const articleId = "a" as ArticleId;
  const readerId = "r1" as ReaderId;

  function recorded() {
    const world = new MemoryReviews();
    world.count({ reader: readerId, articleId, state: "paid", amounts: [{ micros: 9n, fee: 1n }] });
    const key = world.keyOf({ reader: readerId, articleId });
    const arrival = { key, engagement: { articleId, readerId }, acceptedAtMs: world.nowMs };
    return { world, key, arrival };
  }

  function decide(world: MemoryReviews, arrivals: readonly Arrival[], deps = {}) {
    const { table, store: reviews, clock } = world;
    const wired = { table, reviews, clock, pacing, poolOpenMs: 0, ...deps };
    return reviewLater(wired, arrivals, Number.MAX_SAFE_INTEGER);
  }

  test("is decided on by each of them in turn, and once, however often it is told", async () => {
    const { world, key, arrival } = recorded();
    review(world, { decision: "void" }, "1");
    review(world, { decision: "release", filter: { reason: "manual" } }, "2");
    expect(await decide(world, [arrival])).toEqual({ changed: 2, failed: [] });
    expect(world.keys.get(key)).toMatchObject({ state: "paid", reviewId: "2" });
    expect(await decide(world, [arrival])).toEqual({ changed: 0, failed: [] });
    review(world, { decision: "void" }, "3");
    expect(await decide(world, [arrival])).toEqual({ changed: 1, failed: [] });
    expect(await world.store.segment("3", "later")).toMatchObject({ changed: 1 });
    checkMoney(world);
  });

  test("is left alone by reviews of something else, or requested before it was accepted", async () => {
    const { world, arrival } = recorded();
    review(world, { decision: "void", filter: { readerId: "r2" as ReaderId } }, "1");
    review(world, { decision: "void", filter: { articleId: "b" as ArticleId } }, "2");
    review(world, { decision: "void", filter: { to: "2028-02-26" as UtcDay } }, "3");
    review(world, { decision: "void", filter: { reason: "over_rate" } }, "4");
    const acceptedAtMs = world.nowMs + 1;
    const other = { ...arrival, acceptedAtMs };
    expect(await decide(world, [other])).toEqual({ changed: 0, failed: [] });
    review(world, { decision: "void" }, "5");
    expect(await decide(world, [other])).toEqual({ changed: 0, failed: [] });
    expect(await decide(world, [arrival, { ...other }])).toMatchObject({ changed: 1 });
  });

  test("comes again when reviews cannot be read, or one of them is not done with it", async () => {
    const { world, key, arrival } = recorded();
    const errors: unknown[] = [];
    const onNotReviewed = (error: unknown) => errors.push(error);
    const away = new Error("away");
    const reviews = { requestedSince: () => Promise.reject(away) };
    const unread = await decide(world, [arrival], { reviews, onNotReviewed });
    expect(unread).toEqual({ changed: 0, failed: [key] });
    expect(errors).toEqual([away]);
    review(world, { decision: "void" }, "1");
    review(world, { decision: "release", filter: { reason: "manual" } }, "2");
    const table = { ...world.table, commit: () => Promise.reject(away) };
    expect(await decide(world, [arrival], { table })).toEqual({ changed: 0, failed: [key] });
    expect(await decide(world, [arrival])).toEqual({ changed: 2, failed: [] });
  });
});

describe("what a review voided is taken back", () => {
  const each = [{ micros: 70n, fee: 30n }];
  const byReader = (world: MemoryReviews, wish: Wish, reviewId: string) =>
    apply(
      world,
      review(world, { ...wish, filter: { ...wish.filter, readerId: "r1" as ReaderId } }, reviewId),
    );
  const effect = (world: MemoryReviews) =>
    effectOfLines([...world.counters.values()][0]?.counted ?? new Map());

  test.each(["paid", "held"] as const)(
    "earned anew, whatever was %s, again and again",
    async (state) => {
      const world = new MemoryReviews();
      const reason = state === "held" ? { reason: "over_rate" as const } : {};
      world.count({ reader: "r1", articleId: "a", state, ...reason, amounts: each });
      for (let time = 1; time <= 3; time += 1) {
        await byReader(world, { decision: "void" }, `${time}.1 void`);
        expect(effect(world)).toEqual({ payable: 0n, held: 0n, fee: 0n });
        // A release that does not say so leaves what is void alone.
        await byReader(world, { decision: "release" }, `${time}.2 plain`);
        expect(effect(world)).toMatchObject({ payable: 0n, held: 0n });
        await byReader(
          world,
          { decision: "release", filter: { reason: "manual" } },
          `${time}.3 back`,
        );
        expect(effect(world)).toEqual({ payable: 70n, held: 0n, fee: 30n });
        expect([...world.keys.values()]).toMatchObject([{ state: "paid", reason: undefined }]);
        checkMoney(world);
      }
      expect(await world.store.segment("1.3 back", 0)).toMatchObject({ changed: 1, skipped: 0 });
      expect([...world.counters.values()][0]?.counted.get("view.1.1.p" as LineKey)).toEqual({
        ...{ count: state === "paid" ? 4n : 3n, weight: 0n },
        ...{ micros: state === "paid" ? 280n : 210n, feeMicros: state === "paid" ? 120n : 90n },
      });
    },
  );

  test("but not in a pool, whose day was shared out among the others", async () => {
    const world = new MemoryReviews();
    world.count({ reader: "r1", articleId: "a", state: "paid", pool: true, amounts: each });
    await byReader(world, { decision: "void" }, "1");
    await byReader(world, { decision: "release", filter: { reason: "manual" } }, "2");
    expect([...world.keys.values()]).toMatchObject([{ state: "void", reason: "manual" }]);
    expect(await world.store.segment("2", 0)).toMatchObject({ changed: 0, skipped: 1 });
    checkMoney(world);
  });

  test("nor what was void for another reason", async () => {
    const world = new MemoryReviews();
    const comment = { reader: "r1", articleId: "a" };
    world.count({ ...comment, state: "held", reason: "unmoderated", amounts: each });
    await moderate(world, { ...comment, moderation: "rejected" });
    await byReader(world, { decision: "release", filter: { reason: "manual" } }, "1");
    expect([...world.keys.values()]).toMatchObject([{ state: "void", reason: "comment_rejected" }]);
    expect(await world.store.segment("1", 0)).toMatchObject({ changed: 0, skipped: 0 });
  });
});

describe("reviews of a pool", () => {
  const inPool = (reader: string, amount: bigint): Counting => ({
    ...{ reader, articleId: "a", state: "paid", pool: true },
    amounts: [{ micros: amount, fee: 0n }],
  });
  const endDay = (world: MemoryReviews) => {
    world.nowMs = endOfUtcDayMs("2028-02-27" as UtcDay) + hourMs;
  };
  const only = (world: MemoryReviews) => [...world.counters.values()][0]?.counted ?? new Map();

  test("while the day is open an engagement leaves the pool, and no money moves", async () => {
    const world = new MemoryReviews();
    world.count(inPool("r1", 10n));
    world.count(inPool("r2", 20n));
    await apply(
      world,
      review(world, { decision: "void", filter: { readerId: "r1" as ReaderId } }, "1"),
    );
    const lines = new Map(
      [...only(world)].map(([key, total]) => [parseLineKey(key).movement, total]),
    );
    expect(lines.get("unweighed")).toMatchObject({ count: 1n, weight: 11n });
    expect(effectOfLines(only(world))).toEqual({ payable: 0n, held: 0n, fee: 0n });
    checkMoney(world);
  });

  test("while the day is shared out it waits", async () => {
    const world = new MemoryReviews();
    world.count(inPool("r1", 10n));
    endDay(world);
    const asked = review(world, { decision: "void" }, "1");
    expect(await apply(world, asked)).toMatchObject({ failures: [{ message: /pool/ }] });
    world.pricePools(100n);
    expect(await apply(world, asked)).toMatchObject({ failures: [] });
    expect(effectOfLines(only(world))).toMatchObject({ payable: 0n, fee: 0n });
  });

  test("what weighs nothing waits for no award, since none will come", async () => {
    const world = new MemoryReviews();
    world.count(inPool("r1", -1n));
    endDay(world);
    world.pricePools(100n);
    const asked = review(world, { decision: "void" }, "1");
    expect(await apply(world, asked)).toMatchObject({ failures: [] });
    expect([...world.keys.values()]).toMatchObject([{ state: "void" }]);
    checkMoney(world);
  });

  test("all engagements of a line give its award back to the micro, in any order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(500), { minLength: 1, maxLength: 250, size: "max" }),
        fc.bigInt({ min: 0n, max: 1_000_000n }),
        async (readers, dailyMicros) => {
          const world = new MemoryReviews();
          world.pageSize = 1_000;
          for (const reader of readers) world.count(inPool(`r${reader}`, BigInt(reader % 9)));
          endDay(world);
          world.pricePools(dailyMicros);
          // Side by side, each finds what another one is about to add.
          const ofOne = readers.slice(0, 5).map((reader, index) => {
            const filter = { readerId: `r${reader}` as ReaderId };
            return review(world, { decision: "void", filter }, `${index}`);
          });
          await Promise.all(ofOne.map((asked) => apply(world, asked)));
          expect(effectOfLines(only(world)).payable).toBeGreaterThanOrEqual(0n);
          await apply(world, review(world, { decision: "void" }, "all"));
          expect(effectOfLines(only(world))).toEqual({ payable: 0n, held: 0n, fee: 0n });
          expect(world.tally.voidedMicros).toBe(dailyMicros);
          checkMoney(world);
        },
      ),
      { numRuns: 40 },
    );
  });
});
