import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type JobType, jobTypeNames } from "../../../core/contracts/job-types.ts";
import {
  judgeLoad,
  type Load,
  loadReader,
  requireCapacity,
  watchBacklogs,
} from "../../../core/pacing/load.ts";
import { Problem } from "../../../core/perimeter/problem.ts";

const backlogLimits = { low: 10, normal: 100 };
const minuteMs = 60_000;

describe("B1: how much is waiting", () => {
  test("is refused from the limit on, and taken again below half of it", () => {
    const depths = [99, 100, 60, 50, 49, 60, 99, 100];
    let load: Load | undefined;
    const seen = depths.map((waiting, minute) => {
      load = judgeLoad(load, "draft.save", waiting, backlogLimits, minute * minuteMs);
      return load.shedding;
    });
    expect(seen).toEqual([false, true, true, true, false, false, false, true]);
  });

  test("refuses what can wait long before it refuses what cannot", () => {
    const at = (type: JobType, waiting: number) =>
      judgeLoad(undefined, type, waiting, backlogLimits, 0).shedding;
    expect([at("statement.render", 10), at("draft.save", 10)]).toEqual([true, false]);
  });

  test("changes its mind at most once on the way up, and once on the way down", () => {
    const walk = fc.array(fc.nat(120), { maxLength: 40 });
    fc.assert(
      fc.property(walk, (depths) => {
        let load: Load | undefined;
        for (const waiting of depths) {
          const before = load?.shedding ?? false;
          load = judgeLoad(load, "draft.save", waiting, backlogLimits, 0);
          if (waiting >= backlogLimits.normal) expect(load.shedding).toBe(true);
          else if (waiting * 2 < backlogLimits.normal) expect(load.shedding).toBe(false);
          else expect(load.shedding).toBe(before);
        }
      }),
    );
  });
});

describe("B1: what is told of it", () => {
  let nowMs = 10 * minuteMs;
  const clock = { nowMs: () => nowMs };
  const stored = new Map<JobType, Load>();
  let reads = 0;
  const loads = {
    read: async (type: JobType) => {
      reads += 1;
      return stored.get(type);
    },
    write: async (load: Load) => void stored.set(load.type, load),
  };

  test("is a 429 with a Retry-After, read once a second, and nothing once it is old", async () => {
    const reader = loadReader({ loads, clock });
    stored.set("draft.save", {
      ...{ type: "draft.save", waiting: 100, shedding: true, seenAtMs: nowMs },
    });
    for (let count = 0; count < 5; count += 1) {
      const refusal = await requireCapacity(reader, "draft.save").catch((error) => error);
      expect(refusal).toBeInstanceOf(Problem);
      expect(refusal).toMatchObject({ status: 429, extensions: { retryAfterSeconds: 60 } });
    }
    expect(reads).toBe(1);
    nowMs += 5 * minuteMs + 1;
    await requireCapacity(reader, "draft.save");
    expect(reads).toBe(2);
  });

  test("is still told of the other queues when one cannot be looked at", async () => {
    const depths = {
      waiting: async (type: JobType) => {
        if (type === "draft.save") throw new Error("no such queue");
        return 1_000;
      },
    };
    stored.clear();
    const watched = watchBacklogs({
      types: jobTypeNames,
      depths,
      loads,
      limits: backlogLimits,
      clock,
    });
    await expect(watched).rejects.toThrow("some queues could not be looked at");
    expect(stored.size).toBe(jobTypeNames.length - 1);
  });
});
