import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dynamoDbRateLimiter } from "../../adapters/dynamodb/rate-limiter.ts";
import { dynamoDbStates } from "../../adapters/dynamodb/state-store.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import type { Breaker, BreakerRules } from "../../core/pacing/breaker.ts";
import { circuitBreakers } from "../../core/pacing/circuit-breakers.ts";
import { type Holders, leases } from "../../core/pacing/leases.ts";
import { dayMs } from "../../core/values/time.ts";
import { startTables, type TestTables } from "../support/tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

const times = <Result>(count: number, make: (index: number) => Result) =>
  Array.from({ length: count }, (_, index) => make(index));

describe("a rate limit that many workers share", () => {
  let nowMs = Date.parse("2028-02-29T12:00:00Z");
  const clock = { nowMs: () => nowMs };
  const rate = { perSecond: 100, burst: 5 };

  test("gives each slot away once, however many ask at the same time", async () => {
    // Ten workers, which don't share anything but the table.
    const limiters = times(10, () => dynamoDbRateLimiter({ ...tables, clock }));
    const asked = limiters.flatMap((limiter) =>
      times(10, () => limiter.reserve("shared", 1, rate, { maxWaitMs: 10_000 })),
    );
    const waits = (await Promise.all(asked)).map((answer) =>
      answer.kind === "reserved" ? answer.waitMs : expect.unreachable("nobody waits so long"),
    );
    const expected = [...times(4, () => 0), ...times(96, (index) => index * 10)];
    expect(waits.sort((a, b) => a - b)).toEqual(expected);
  });

  test("refuses what would have to wait for too long, and reserves nothing then", async () => {
    const limiter = dynamoDbRateLimiter({ ...tables, clock });
    const all = await Promise.all(times(20, () => limiter.reserve("brief", 1, rate)));
    expect(all.filter(({ kind }) => kind === "reserved")).toHaveLength(5);
    expect(all.filter(({ kind }) => kind === "refused")).toHaveLength(15);
    expect(all.find(({ kind }) => kind === "refused")).toEqual({
      ...{ kind: "refused", retryAfterMs: 10 },
    });
    nowMs += 10;
    expect(await limiter.reserve("brief", 1, rate)).toMatchObject({ kind: "reserved", waitMs: 0 });
    nowMs += dayMs;
    expect(await limiter.reserve("brief", 5, rate, { idle: true })).toEqual({
      ...{ kind: "reserved", waitMs: 0, fullInMs: 50 },
    });
  });

  test("a pause holds for everyone, with what was reserved before it standing", async () => {
    const limiter = dynamoDbRateLimiter({ ...tables, clock });
    await limiter.pauseUntil("paused", rate, nowMs + 2_000);
    await limiter.pauseUntil("paused", rate, nowMs + 1_000);
    expect(await limiter.reserve("paused", 1, rate, { maxWaitMs: 1_000 })).toEqual({
      ...{ kind: "refused", retryAfterMs: 1_010 },
    });
    expect(await limiter.reserve("paused", 1, rate, { maxWaitMs: 5_000 })).toMatchObject({
      ...{ kind: "reserved", waitMs: 2_010 },
    });
  });
});

describe("a circuit breaker that many workers share", () => {
  const rules: BreakerRules = {
    ...{ failuresToOpen: 10, shareToOpen: 1, minCalls: 1_000, windowMs: 60_000 },
    ...{ coolDownMs: 1_000, maxCoolDownMs: 60_000, probes: 2, probeTimeoutMs: 5_000 },
  };
  let nowMs = Date.parse("2028-02-29T12:00:00Z");
  const clock = { nowMs: () => nowMs };
  const make = () =>
    circuitBreakers({
      store: dynamoDbStates<Breaker>({ ...tables, clock: systemClock }, "breaker"),
      ...{ clock, pacing: systemPacing },
    });

  test("counts every failure, opens once, and probes with two calls of twenty", async () => {
    const workers = times(5, make);
    const read = make().read;
    expect(await read("crm")).toMatchObject({ state: "closed", failuresInRow: 0 });
    const fail = () =>
      Promise.all(workers.map((worker) => worker.record("crm", rules, 1, "failed")));
    await fail();
    expect(await read("crm")).toMatchObject({ state: "closed", failuresInRow: 5 });
    await fail();
    const open = await read("crm");
    expect(open).toMatchObject({ state: "open", openings: 1, sinceMs: nowMs, epoch: 2 });
    expect(await workers[0]?.admit("crm", rules)).toMatchObject({ kind: "refused" });
    // What was still under way when it opened changes nothing.
    await workers[0]?.record("crm", rules, 1, "succeeded");
    expect(await read("crm")).toEqual(open);

    nowMs += 2_000;
    const asked = await Promise.all(times(20, (index) => workers[index % 5]?.admit("crm", rules)));
    expect(asked.filter((answer) => answer?.kind === "admitted")).toHaveLength(2);
    expect(await read("crm")).toMatchObject({ state: "half-open", begun: 2, epoch: 3 });
    await Promise.all(workers.slice(0, 2).map((one) => one.record("crm", rules, 3, "succeeded")));
    expect(await read("crm")).toMatchObject({ state: "closed", failuresInRow: 0 });
  });
});

describe("leases that many workers share", () => {
  let nowMs = 1_000_000;
  const make = () =>
    leases({
      store: dynamoDbStates<Holders>({ ...tables, clock: systemClock }, "lease"),
      ...{ clock: { nowMs: () => nowMs }, pacing: systemPacing },
    });

  test("three of ten get one; what is given back or was held by the dead is taken again", async () => {
    const take = (holder: number) => make().take("crm", `job-${holder}`, 3, 20_000);
    const answers = await Promise.all(times(10, take));
    const holders = answers.flatMap((answer, index) => (answer.kind === "taken" ? [index] : []));
    expect(holders).toHaveLength(3);
    nowMs += 1_000;
    expect(await take(11)).toEqual({ kind: "none-left", sinceMs: nowMs - 1_000 });
    await make().giveBack("crm", `job-${holders[0]}`);
    await make().giveBack("crm", `job-${holders[0]}`);
    expect(await take(11)).toEqual({ kind: "taken" });
    expect(await take(11)).toEqual({ kind: "taken" });
    expect(await take(12)).toMatchObject({ kind: "none-left" });
    nowMs += 20_000;
    expect(await Promise.all(times(3, (index) => take(20 + index)))).toEqual(
      times(3, () => ({ kind: "taken" })),
    );
  });
});
