import type { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { describe, expect, test } from "vitest";
import { counterKey, dueBucketOf } from "../../adapters/dynamodb/counter-items.ts";
import { tallyKey } from "../../adapters/dynamodb/tally-items.ts";
import { eventBridgePublisher } from "../../adapters/eventbridge/event-publisher.ts";
import { engagementsAccepted, settlementDue } from "../../core/contracts/events.ts";
import type { ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import { engagementKinds } from "../../core/contracts/kinds.ts";
import { limits } from "../../core/contracts/limits.ts";
import type { UtcDay } from "../../core/values/time.ts";
import { presentAtDedupeHorizon } from "./quiescence.ts";
import { envelope } from "./simulated-bus.ts";
import {
  atRest,
  aWorld,
  creatorId,
  dayMs,
  earned,
  engagement,
  happening,
  noon,
  views,
} from "./story.ts";
import { tableNames } from "./wiring.ts";
import type { World } from "./world.ts";

const minuteMs = 60_000;
const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;

/** Sends what the count queue has had once more, after a while. */
function deliverAgain(world: World, afterMs: number): void {
  for (const body of [...world.countQueue.sent]) {
    world.clock.at(world.clock.nowMs() + afterMs, () => world.countQueue.send(body));
  }
}

function post(world: World, engagements: readonly object[]): Promise<void> {
  return happening(world, () => world.request("publisher", { engagements }));
}

describe("queues", () => {
  test("Q1: delivered twice at once, to two workers: counted once", async () => {
    const world = await aWorld({ rates: { deliveredTwiceAtOnce: 0.9, slowTransaction: 0.9 } });
    await post(world, views(30));
    expect(world.faults.coverage.deliveredTwiceAtOnce).toBeGreaterThan(0);
    expect(await atRest(world)).toEqual([]);
    expect(earned(world)).toBe(30_000n);
  });

  test.each([
    ["11 minutes", 11 * minuteMs],
    ["13 days", 13 * dayMs],
    ["69 days", 69 * dayMs],
  ])("Q2: redelivered after %s: counted once", async (_, afterMs) => {
    const world = await aWorld();
    await post(world, views(5));
    deliverAgain(world, afterMs);
    expect(await atRest(world)).toEqual([]);
    expect(earned(world)).toBe(5_000n);
  });

  test("Q2, D4: redelivered when keys are forgotten: refused with a reason, never paid again", async () => {
    const world = await aWorld({ rates: { clockOff: 0.9 } });
    await post(world, views(5));
    expect(await atRest(world)).toEqual([]);
    for (let round = 0; round < 5; round += 1) await presentAtDedupeHorizon(world, new Set());
    deliverAgain(world, 100 * dayMs);
    await world.clock.runUntilIdle();
    expect(world.oracle.violations).toEqual([]);
    expect(earned(world)).toBe(5_000n);
  });

  test("Q4, Q12: of ten messages one is unreadable and one of another version: eight counted", async () => {
    const world = await aWorld();
    const old = { schemaVersion: 0, traceparent, acceptedAtMs: noon, engagements: views(3) };
    const event = { ...engagementsAccepted, detail: JSON.stringify(old) };
    const poison = ["{", envelope("old", noon, event)];
    for (const body of poison) world.countQueue.send(body);
    for (let reader = 0; reader < 8; reader += 1) {
      void world.request("publisher", { engagements: [engagement(`r${reader}`)] });
    }
    expect(await atRest(world, new Set(poison))).toEqual([]);
    expect(new Set(world.countQueue.deadBodies)).toEqual(new Set(poison));
    expect(earned(world)).toBe(8_000n);
  });

  test.each([
    ["10 minutes: all return, and are counted when it is back", 10 * minuteMs, 0],
    ["an hour: all are dead, and are counted when redriven", 60 * minuteMs, 10],
  ])("Q5: the table is away for %s", async (_, awayMs, dead) => {
    const world = await aWorld();
    const { source, detailType } = engagementsAccepted;
    for (const view of views(10)) {
      const accepted = { ...view, occurredAtMs: noon, channel: "publisher" };
      const detail = { schemaVersion: 1, traceparent, acceptedAtMs: noon, engagements: [accepted] };
      world.bus.take({ source, detailType, detail: JSON.stringify(detail) });
    }
    world.around.outageUntilMs.set("lostAnswer", world.clock.nowMs() + awayMs);
    await world.clock.runUntilIdle();
    expect(world.faults.coverage.deadLettered).toBe(dead);
    expect(await atRest(world)).toEqual([]);
    expect(earned(world)).toBe(10_000n);
  });

  test("Q8: out of time in mid-batch: the rest is redelivered and counted", async () => {
    const world = await aWorld({ rates: { hangingIo: 0.3 } });
    for (let page = 0; page < 5; page += 1)
      void world.request("publisher", { engagements: views(150) });
    await world.clock.runUntilIdle();
    expect(world.faults.coverage.workerTimedOut).toBeGreaterThan(0);
    expect(await atRest(world)).toEqual([]);
    expect(earned(world)).toBe(150_000n);
  });

  test("Q11: redriven twice, and while still broken: no double count, no endless loop", async () => {
    const world = await aWorld();
    world.countQueue.send("{");
    await post(world, views(3));
    for (let round = 0; round < 3; round += 1) {
      deliverAgain(world, 0);
      await world.clock.runUntilIdle();
      world.countQueue.redrive(() => round === 0);
    }
    expect(await atRest(world, new Set(["{"]))).toEqual([]);
    expect(earned(world)).toBe(3_000n);
  });
});

describe("the table", () => {
  test("D1: one creator goes viral: 3,000 views through ten workers, exact to the micro", async () => {
    const world = await aWorld({ countWorkers: 10, batchSize: 1, rates: { slowTransaction: 0.6 } });
    const all = views(3_000);
    for (let at = 0; at < all.length; at += 100) {
      void world.request("publisher", { engagements: all.slice(at, at + 100) });
    }
    await world.clock.runUntilIdle();
    expect(world.faults.coverage.transactionConflict).toBeGreaterThan(10);
    expect(world.faults.coverage.retriedOnAnotherShard).toBeGreaterThan(0);
    expect(await atRest(world)).toEqual([]);
    expect(earned(world)).toBe(3_000_000n);
  });

  test("D2: duplicates beside a conflict: they are done, the rest is tried again", async () => {
    const world = await aWorld({
      countWorkers: 10,
      batchSize: 1,
      rates: { slowTransaction: 0.9, tornTransaction: 0.9 },
    });
    await post(world, views(20));
    for (let from = 0; from < 10; from += 1) {
      void world.request("publisher", { engagements: views(40).slice(from, from + 30) });
    }
    await world.clock.runUntilIdle();
    expect(world.faults.coverage.duplicateBesideConflict).toBeGreaterThan(0);
    expect(await atRest(world)).toEqual([]);
    expect(earned(world)).toBe(39_000n);
  });

  test("D3: a counter beyond 2^53: one more micro is one more micro", async () => {
    const world = await aWorld();
    const count = 2n ** 54n + 1n;
    const counter = {
      creatorId,
      articleId: "/a" as ArticleId,
      day: "2028-02-29" as UtcDay,
      shard: 0,
    };
    const amount = count * 1_000n;
    const [due, since] = [dueBucketOf(creatorId), BigInt(noon)];
    const lines = { "n:view.0.1.p": count, "m:view.0.1.p": amount };
    const item = { ...counterKey(counter), ...lines, ev: count, due, since };
    const tally = { ...tallyKey(0), ev: count, keys: count, m: amount, "s:paid": count };
    world.tables.seed(tableNames.earningsCountersTable, item);
    world.tables.seed(tableNames.earningsCountersTable, tally);
    world.oracle.startWith([item]);
    await post(world, [engagement("r1")]);
    expect(await atRest(world)).toEqual([]);
    expect(earned(world)).toBe(18_014_398_509_481_986_000n);
  });
});

describe("settlement", () => {
  test("S1: eight settlements of one creator at once: one effect", async () => {
    const world = await aWorld({ settleWorkers: 8, rates: { slowTransaction: 0.5, slowIo: 0.3 } });
    const detail = JSON.stringify({ schemaVersion: 1, traceparent, creatorIds: [creatorId] });
    for (let round = 1; round <= 5; round += 1) {
      // After counting, and before the scheduler's own turn.
      for (let time = 0; time < 8; time += 1) {
        const soonMs = world.clock.nowMs() + minuteMs / 2;
        world.clock.at(soonMs, () => world.bus.take({ ...settlementDue, detail }));
      }
      await post(world, views(10 * round));
    }
    expect(world.faults.coverage.settlementsOverlapped).toBeGreaterThan(0);
    expect(world.faults.coverage.settlementRaced).toBeGreaterThan(0);
    expect(await atRest(world)).toEqual([]);
    expect(earned(world)).toBe(50_000n);
  });

  test("S5: the scheduler fires twice each time, or for a long while never", async () => {
    const twice = await aWorld({ rates: { schedulerTwice: 0.9 } });
    await post(twice, views(7));
    expect(twice.faults.coverage.schedulerTwice).toBeGreaterThan(0);
    expect(await atRest(twice)).toEqual([]);
    const silent = await aWorld({ rates: { schedulerSilent: 0.9 } });
    await post(silent, views(7));
    expect(silent.faults.coverage.schedulerSilent).toBeGreaterThan(0);
    expect(await atRest(silent)).toEqual([]);
    expect(earned(silent)).toBe(earned(twice));
  });

  test("S6: clocks 5 minutes off around a leap day's midnight: each engagement in its own UTC day", async () => {
    const midnight = Date.parse("2028-03-01T00:00:00Z");
    const world = await aWorld({ startMs: midnight, rates: { clockOff: 0.9 } });
    const at = (ms: number) => ({ occurredAt: new Date(midnight + ms).toISOString() });
    const engagements = [-1, 0, 1, -dayMs, -dayMs - 1].flatMap((ms) => [
      { ...engagement("r1"), ...at(ms) },
      { ...engagement("r1"), ...at(ms) },
    ]);
    await post(world, engagements);
    expect(await atRest(world)).toEqual([]);
    const days = world.tables
      .all(tableNames.earningsCountersTable)
      .flatMap(({ sk }) => /\d{4}-\d\d-\d\d/.exec(String(sk)) ?? []);
    expect(new Set(days)).toEqual(new Set(["2028-02-28", "2028-02-29", "2028-03-01"]));
    expect(earned(world)).toBe(3_000n);
  });
});

describe("the bus", () => {
  const events = Array.from({ length: 10 }, (_, index) => ({
    contract: settlementDue,
    detail: { schemaVersion: 1, traceparent, creatorIds: [`c${index}` as CreatorId] },
  }));

  /** A bus whose answers are written down in advance: which entries of each call fail. */
  function scriptedBus(script: readonly (readonly number[] | Error)[]) {
    const calls: (string | undefined)[][] = [];
    const send = async ({ input: { Entries = [] } }: PutEventsCommand) => {
      const step = script[calls.push(Entries.map(({ Detail }) => Detail)) - 1] ?? [];
      if (step instanceof Error) throw step;
      const results = Entries.map((_, at) =>
        step.includes(at) ? { ErrorCode: "InternalFailure" } : {},
      );
      return { FailedEntryCount: step.length, Entries: results };
    };
    const pacing = { sleep: async () => {}, random: () => 0.5 };
    const publisher = eventBridgePublisher({ client: { send } as never, busName: "b", pacing });
    return { publisher, calls };
  }

  test("P1: 3 of 10 entries fail: only those 3 go again", async () => {
    const { publisher, calls } = scriptedBus([[2, 5, 9], [1]]);
    await publisher.publish(events);
    const [first = [], second, third] = calls;
    expect(first).toHaveLength(10);
    expect(second).toEqual([first[2], first[5], first[9]]);
    expect(third).toEqual([first[5]]);
    expect(calls).toHaveLength(3);
  });

  test("P1: a bus that never takes one of them: 503, not 202", async () => {
    const { publisher } = scriptedBus(Array.from({ length: 20 }, () => [0]));
    await expect(publisher.publish(events)).rejects.toMatchObject({ status: 503 });
  });

  test("P2: the answer is lost after the bus took it: sent again, counted once", async () => {
    const { publisher, calls } = scriptedBus([new Error("time-out")]);
    await publisher.publish(events);
    expect(calls[1]).toEqual(calls[0]);
    const world = await aWorld({ rates: { putEventsAnswerLost: 0.9 } });
    for (let attempt = 0; attempt < 10; attempt += 1) await post(world, views(5));
    expect(world.faults.coverage.putEventsAnswerLost).toBeGreaterThan(0);
    expect(await atRest(world)).toEqual([]);
    expect(earned(world)).toBe(5_000n);
  });

  test("a request too large for one event goes in several, all of them or no 202", async () => {
    const world = await aWorld({ rates: { putEventsPartlyFailed: 0.4 } });
    const padding = {
      referrer: `https://x.example/${"y".repeat(2_000)}`,
    };
    await post(
      world,
      views(limits.maxBatchEngagements).map((view) => ({ ...view, ...padding })),
    );
    expect(world.faults.coverage.severalEventsInOneRequest).toBe(1);
    expect(await atRest(world)).toEqual([]);
    expect(earned(world)).toBe(500_000n);
  });
});

test("every kind has its price, and nothing else is paid", async () => {
  const world = await aWorld();
  await post(
    world,
    engagementKinds.map((kind) => engagement("r1", kind)),
  );
  expect(await atRest(world)).toEqual([]);
  expect(earned(world)).toBe(1_000n + 3_000n + 500n + 2_000n + 1_500n);
});
