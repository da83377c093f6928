import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Place,
  type PlaceLimits,
  type WaitingPlacesDeps,
  waitingPlaces,
} from "../../../core/jobs/waiting-places.ts";
import { type Holders, leases } from "../../../core/pacing/leases.ts";
import type { StateStore } from "../../../core/pacing/state-store.ts";

/** Leases in memory under a clock that only moves when it is told to. */
function given(limits: PlaceLimits, more: Partial<WaitingPlacesDeps> = {}) {
  let nowMs = 1_000_000;
  let ids = 0;
  const states = new Map<string, { state: Holders; revision: number }>();
  const store: StateStore<Holders> = {
    read: async (name) => states.get(name),
    async replace(name, state, revision) {
      if ((states.get(name)?.revision ?? 0) !== revision - 1) return "raced";
      states.set(name, { state, revision });
      return "put";
    },
  };
  const clock = { nowMs: () => nowMs };
  // Whoever waits for an answer gets it before any time is over.
  const pacing = {
    sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 50)),
    random: Math.random,
  };
  const errors: unknown[] = [];
  const places = waitingPlaces({
    ...{ leases: leases({ store, clock, pacing }), limits, pacing },
    newId: () => `poll-${++ids}`,
    onUnavailable: (error) => errors.push(error),
    ...more,
  });
  return {
    places,
    errors,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

const said = (place: Place) => (place.kind === "taken" ? "taken" : place.why);

test("J4: one owner gets so many places, others still get theirs, and all together no more than there are", async () => {
  const { places } = given({ perOwner: 2, all: 5 });
  const take = async (owner: string) => said(await places.take(owner, 25_000));
  expect([await take("ada"), await take("ada"), await take("ada")]).toEqual([
    "taken",
    "taken",
    "too-many-of-owner",
  ]);
  expect([await take("bob"), await take("bob"), await take("eve")]).toEqual([
    "taken",
    "taken",
    "taken",
  ]);
  expect(await take("eve")).toBe("too-many");
});

test("J4: a place that is given back is free; one whose function died is free once its wait is over", async () => {
  const { places, pass } = given({ perOwner: 1, all: 2 });
  const first = await places.take("ada", 20_000);
  expect(said(await places.take("ada", 20_000))).toBe("too-many-of-owner");
  if (first.kind === "taken") await first.giveBack();
  expect(said(await places.take("ada", 20_000))).toBe("taken");
  pass(20_000);
  expect(said(await places.take("ada", 20_000))).toBe("too-many-of-owner");
  pass(5_001);
  expect(said(await places.take("ada", 20_000))).toBe("taken");
});

test("J4: a refusal for all leaves the owner's own places free", async () => {
  const { places } = given({ perOwner: 1, all: 2 });
  const [bobs] = [await places.take("bob", 1_000), await places.take("eve", 1_000)];
  expect(said(await places.take("ada", 1_000))).toBe("too-many");
  if (bobs.kind === "taken") await bobs.giveBack();
  expect(said(await places.take("ada", 1_000))).toBe("taken");
});

test("J4: whatever comes at once, no owner and not all together hold more than they may", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 5, max: 40 }),
      fc.array(fc.constantFrom("ada", "bob", "eve", "kim", "lou"), { maxLength: 30 }),
      async (perOwner, all, owners) => {
        const { places } = given({ perOwner, all });
        const taken = await Promise.all(owners.map((owner) => places.take(owner, 25_000)));
        const held = owners.filter((_, index) => taken[index]?.kind === "taken");
        expect(held.length).toBeLessThanOrEqual(all);
        for (const owner of new Set(owners)) {
          expect(held.filter((one) => one === owner).length).toBeLessThanOrEqual(perOwner);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("J4: leases that fail or do not answer refuse the wait, and say so", async () => {
  const broken = {
    take: () => Promise.reject(new Error("throttled")),
    giveBack: () => Promise.reject(new Error("throttled")),
  };
  const failing = given({ perOwner: 1, all: 2 }, { leases: broken });
  expect(said(await failing.places.take("ada", 1_000))).toBe("unavailable");
  const silent = { ...broken, take: () => new Promise<never>(() => {}) };
  const hanging = given({ perOwner: 1, all: 2 }, { leases: silent });
  expect(said(await hanging.places.take("ada", 1_000))).toBe("unavailable");
  expect([failing.errors.length, hanging.errors.length]).toEqual([1, 1]);
});
