import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  claimOf,
  granted,
  isIdle,
  type Rate,
  type RateLimiter,
  refusal,
} from "../../../core/pacing/rate-limiter.ts";
import { type RequestLimiter, requestLimiter } from "../../../core/pacing/request-limiter.ts";
import { maxCost, newTab, tabSize } from "../../../core/pacing/tab.ts";
import { tabMemory } from "../../../core/pacing/tab-memory.ts";

const startMs = 1_900_000_000_000;

/** A bucket that environments share, without rivals; `asked` counts what would be writes. */
function sharedBucket(clock: { nowMs: () => number }) {
  const reservedTo = new Map<string, number>();
  const bucket = {
    asked: 0,
    reserve: (async (name, units, rate) => {
      bucket.asked += 1;
      const claim = claimOf(units, rate, 0, clock.nowMs());
      const before = reservedTo.get(name);
      const refused = refusal(claim, before);
      if (refused) return refused;
      const toUs = (isIdle(claim, before) ? claim.nowUs : (before ?? 0)) + claim.costUs;
      reservedTo.set(name, toUs);
      return granted(claim, toUs);
    }) satisfies RateLimiter["reserve"],
  };
  return bucket;
}

function fleet(environments: number, { shared, sleeping = never }: FleetOptions = {}) {
  const time = { nowMs: startMs };
  const clock = { nowMs: () => time.nowMs };
  const bucket = sharedBucket(clock);
  const failures: unknown[] = [];
  const limiters: RequestLimiter[] = Array.from({ length: environments }, () =>
    requestLimiter({
      shared: shared ?? bucket,
      memory: tabMemory(1_000),
      clock,
      pacing: { sleep: () => sleeping },
      onUnavailable: (error) => failures.push(error),
    }),
  );
  const ask = (key: string, rate: Rate, { cost = 1, at = 0 } = {}) =>
    (limiters[at] as RequestLimiter).admit({ key, rate, sharedName: () => `hash of ${key}` }, cost);
  return { time, bucket, failures, ask };
}
interface FleetOptions {
  readonly shared?: Pick<RateLimiter, "reserve">;
  /** Whether the time is over in which the bucket may answer. */
  readonly sleeping?: Promise<void>;
}
const never = new Promise<never>(() => {});

/** The slot of each is a whole number of microseconds: rounding is the shared bucket's own matter. */
const rates: fc.Arbitrary<Rate> = fc.record({
  perSecond: fc.constantFrom(1, 2, 5, 50, 200, 1_000),
  burst: fc.integer({ min: 20, max: 600 }),
});
const environments = 4;
const requests = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(3_000)),
    at: fc.nat(environments - 1),
    cost: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 30 })),
  }),
  { minLength: 50, maxLength: 400 },
);

describe("a caller of many environments", () => {
  test("never gets more than burst and rate, a full tab an environment, and what is forgiven", async () => {
    await fc.assert(
      fc.asyncProperty(rates, requests, async (rate, all) => {
        const { time, ask } = fleet(environments);
        const admitted: { atMs: number; cost: number }[] = [];
        for (const { afterMs, at, cost: wanted } of all) {
          time.nowMs += afterMs;
          const cost = Math.min(wanted, maxCost(rate));
          const { retryAfterMs } = await ask("ada", rate, { at, cost });
          if (retryAfterMs === undefined) admitted.push({ atMs: time.nowMs, cost });
          else expect(retryAfterMs).toBeGreaterThan(0);
        }
        for (const [first, { atMs: fromMs }] of admitted.entries()) {
          let units = 0;
          for (const { atMs, cost } of admitted.slice(first)) {
            units += cost;
            const seconds = (atMs - fromMs) / 1_000;
            const perSecond = rate.perSecond * (1 + environments / 1_000);
            const most = rate.burst + environments * tabSize(rate) + seconds * perSecond;
            expect(units).toBeLessThanOrEqual(most + 1e-6);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("who stays within the rate, and a full tab an environment below the burst, is never refused", async () => {
    await fc.assert(
      fc.asyncProperty(rates, requests, async (rate, all) => {
        const allowance = rate.burst - environments * tabSize(rate);
        fc.pre(allowance >= 1);
        const { time, ask } = fleet(environments);
        let left = allowance;
        for (const { afterMs, at, cost: wanted } of all) {
          time.nowMs += afterMs;
          left = Math.min(allowance, left + (afterMs / 1_000) * rate.perSecond);
          const cost = Math.min(wanted, Math.floor(left));
          if (cost < 1) continue;
          left -= cost;
          expect((await ask("ada", rate, { at, cost })).retryAfterMs).toBeUndefined();
        }
      }),
      { numRuns: 60 },
    );
  });

  test("is told the same whatever others do", async () => {
    await fc.assert(
      fc.asyncProperty(rates, requests, requests, async (rate, own, others) => {
        const [alone, crowded] = [fleet(environments), fleet(environments)];
        for (const [index, { afterMs, at, cost }] of own.entries()) {
          for (const each of [alone, crowded]) each.time.nowMs += afterMs;
          const other = others[index];
          if (other) await crowded.ask("bob", rate, other);
          expect(await crowded.ask("ada", rate, { at, cost })).toEqual(
            await alone.ask("ada", rate, { at, cost }),
          );
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("what it costs", () => {
  const ip: Rate = { perSecond: 50, burst: 300 };

  test("a reader who sends a view a minute costs no write, for a day on end", async () => {
    const { time, bucket, ask } = fleet(1);
    for (let minute = 0; minute < 1_440; minute += 1) {
      time.nowMs += 60_000;
      expect((await ask("reader", ip)).retryAfterMs).toBeUndefined();
    }
    expect(bucket.asked).toBe(0);
  });

  test("a publisher at 200 a second costs a write in twenty requests", async () => {
    const { time, bucket, ask } = fleet(4);
    const publisher: Rate = { perSecond: 500, burst: 1_000 };
    for (let request = 0; request < 2_000; request += 1) {
      time.nowMs += 5;
      const { retryAfterMs } = await ask("publisher", publisher, { at: request % 4 });
      expect(retryAfterMs).toBeUndefined();
    }
    expect(bucket.asked / 2_000).toBeLessThan(1 / 20);
  });

  test("who is refused is refused from memory, for a second at least", async () => {
    const { time, bucket, ask } = fleet(1);
    for (let request = 0; request < 301; request += 1) await ask("loud", ip);
    const { asked } = bucket;
    const refused = await ask("loud", ip);
    expect(refused).toMatchObject({ left: 0, retryAfterMs: 1_000 });
    for (let request = 0; request < 1_000; request += 1) await ask("loud", ip);
    expect(bucket.asked).toBe(asked);
    time.nowMs += 1_000;
    expect((await ask("loud", ip)).retryAfterMs).toBeUndefined();
  });
});

describe("how a caller stands", () => {
  test("counts down with each request, across charges, and back up with time", async () => {
    const { time, ask } = fleet(1);
    const rate: Rate = { perSecond: 1, burst: 20 };
    const lefts: number[] = [];
    for (let request = 0; request < 20; request += 1) lefts.push((await ask("ada", rate)).left);
    expect(lefts).toEqual(Array.from({ length: 20 }, (_, index) => 19 - index));
    expect(await ask("ada", rate)).toMatchObject({ left: 0, retryAfterMs: 1_000 });
    time.nowMs += 5_000;
    expect(await ask("ada", rate)).toEqual({ left: 4, fullInMs: 16_000, retryAfterMs: undefined });
  });

  test("a request that costs more than may be had at once costs what may be had", async () => {
    const { ask } = fleet(1);
    const rate: Rate = { perSecond: 1, burst: 20 };
    expect(await ask("ada", rate, { cost: 1_000 })).toMatchObject({ left: 20 - maxCost(rate) });
    const refused = await ask("ada", rate, { cost: 1_000 });
    expect([refused.left, refused.retryAfterMs]).toEqual([3, (maxCost(rate) - 3) * 1_000]);
    // Others of the same address, who send less, go on.
    for (const left of [2, 1, 0]) {
      expect(await ask("ada", rate)).toMatchObject({ left, retryAfterMs: undefined });
    }
    expect((await ask("ada", rate)).retryAfterMs).toBe(1_000);
  });
});

describe("when the shared bucket cannot be asked", () => {
  test("everyone is let through, one request a second finds out, and then limits hold again", async () => {
    let isDown = true;
    let asked = 0;
    const { time, failures, ask } = fleet(1, {
      shared: {
        reserve: async () => {
          asked += 1;
          if (isDown) throw new Error("throttled");
          return { kind: "refused", retryAfterMs: 100 };
        },
      },
    });
    const rate: Rate = { perSecond: 1, burst: 10 };
    const hundred = async () => {
      let refused = 0;
      for (let request = 0; request < 100; request += 1) {
        if ((await ask("ada", rate)).retryAfterMs !== undefined) refused += 1;
      }
      return refused;
    };
    expect([await hundred(), asked, failures.length]).toEqual([0, 1, 1]);
    time.nowMs += 1_000;
    expect([await hundred(), asked, failures.length]).toEqual([0, 2, 2]);
    isDown = false;
    time.nowMs += 1_000;
    expect(await hundred()).toBeGreaterThan(90);
    isDown = true;
    time.nowMs += 1_000;
    expect(await hundred()).toBe(0);
  });

  test("S6: a clock that is minutes ahead keeps nobody out", async () => {
    const { failures, ask } = fleet(1, {
      shared: { reserve: async () => ({ kind: "refused", retryAfterMs: 300_000 }) },
    });
    for (let request = 0; request < 100; request += 1) {
      const { retryAfterMs } = await ask("ada", { perSecond: 1, burst: 10 });
      expect(retryAfterMs).toBeUndefined();
    }
    expect(failures).toMatchObject([{ message: "the clocks of environments disagree" }]);
  });

  test("nobody waits for one that hangs", async () => {
    const { failures, ask } = fleet(1, {
      ...{ shared: { reserve: () => never }, sleeping: Promise.resolve() },
    });
    for (let request = 0; request < 100; request += 1) {
      const { retryAfterMs } = await ask("ada", { perSecond: 1, burst: 10 });
      expect(retryAfterMs).toBeUndefined();
    }
    expect(failures).toMatchObject([{ message: "no answer within 500 ms" }]);
  });
});

describe("an environment's memory", () => {
  test("is bounded, and crowds of light callers do not push a heavy one out", () => {
    const memory = tabMemory(10);
    const tab = { ...newTab, owed: 2 };
    memory.write("heavy", tab, true);
    for (let reader = 0; reader < 1_000; reader += 1) memory.write(`reader ${reader}`, tab, false);
    memory.write("heavy", { ...tab, owed: 1 }, false);
    for (let reader = 0; reader < 9; reader += 1) memory.write(`other ${reader}`, tab, true);
    expect(memory.read("heavy").owed).toBe(1);
    expect(memory.read("reader 989")).toEqual(newTab);
    expect(memory.read("reader 990")).toEqual(tab);
    memory.write("one more", tab, true);
    expect(memory.read("heavy")).toEqual(newTab);
  });
});
