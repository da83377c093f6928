import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  heightOf,
  kindsOfWork,
  type Level,
  levels,
  priorityOf,
} from "../../../core/contracts/queued-work.ts";
import {
  judgeQueue,
  type Pressure,
  type QueuePressure,
  refusalOf,
  refusedNow,
  stateOf,
} from "../../../core/pacing/pressure.ts";
import { pressureReader } from "../../../core/pacing/pressure-reader.ts";
import { type LevelLimits, nextLevel } from "../../../core/pacing/queue-level.ts";
import { refusalProblem } from "../../../core/pacing/refuse-work.ts";
import { type WatchDeps, watchBacklogs } from "../../../core/pacing/watch-backlogs.ts";

const limits: LevelLimits = {
  leastWaiting: 5,
  soft: { waiting: 10, oldestSeconds: 60 },
  hard: { waiting: 100, oldestSeconds: 600 },
  full: { waiting: 1_000, oldestSeconds: 6_000 },
};
const minuteMs = 60_000;

const level = fc.constantFrom(...levels);
const look = fc.record({
  waiting: fc.nat(1_500),
  oldestSeconds: fc.option(fc.nat(9_000), { nil: undefined }),
});

describe("B1: a queue's level", () => {
  test("is entered at a limit, and left below half of it", () => {
    const walk = (waitings: readonly number[]) => {
      let at: Level = "none";
      return waitings.map((waiting) => {
        at = nextLevel(at, { waiting }, limits);
        return at;
      });
    };
    expect(walk([9, 10, 5, 4])).toEqual(["none", "soft", "soft", "none"]);
    expect(walk([1_000, 499, 50, 49, 5, 4])).toEqual([
      ...["full", "hard", "hard", "soft", "soft", "none"],
    ]);
  });

  test("follows from depth or age, whichever is worse", () => {
    expect(nextLevel("none", { waiting: 10, oldestSeconds: 600 }, limits)).toBe("hard");
    expect(nextLevel("none", { waiting: 100, oldestSeconds: 1 }, limits)).toBe("hard");
    // Left when both are below half.
    expect(nextLevel("hard", { waiting: 49, oldestSeconds: 300 }, limits)).toBe("hard");
    expect(nextLevel("hard", { waiting: 49, oldestSeconds: 299 }, limits)).toBe("soft");
  });

  test("does not follow from a few messages that fail, however old they are", () => {
    expect(nextLevel("none", { waiting: 4, oldestSeconds: 1e6 }, limits)).toBe("none");
  });

  test("never falls because more waits, or for longer, or because it was higher before", () => {
    fc.assert(
      fc.property(
        level,
        level,
        look,
        fc.nat(500),
        fc.nat(5_000),
        (one, other, seen, more, longer) => {
          const worse = {
            waiting: seen.waiting + more,
            oldestSeconds: (seen.oldestSeconds ?? 0) + longer,
          };
          const [low, high] = [one, other].sort((a, b) => heightOf(a) - heightOf(b)) as [
            Level,
            Level,
          ];
          const height = (before: Level, at: typeof seen) =>
            heightOf(nextLevel(before, at, limits));
          expect(height(one, worse)).toBeGreaterThanOrEqual(height(one, seen));
          expect(height(high, seen)).toBeGreaterThanOrEqual(height(low, seen));
        },
      ),
    );
  });

  test("does not flutter while depth and age go up and down by less than half of a limit", () => {
    const around = fc.array(fc.record({ waiting: fc.nat({ max: 1_500 }) }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.constantFrom("soft", "hard", "full"), around, (name, walk) => {
        const { waiting: limit } = limits[name];
        let at = nextLevel("none", { waiting: limit }, limits);
        for (const { waiting } of walk) {
          // Anywhere from half of the limit up to it.
          const within = limit - (waiting % (Math.floor(limit / 2) + 1));
          at = nextLevel(at, { waiting: within }, limits);
          expect(at).toBe(name);
        }
      }),
    );
  });

  test("is none again, from wherever, once little waits", () => {
    fc.assert(
      fc.property(level, fc.nat(), (before, oldestSeconds) => {
        expect(nextLevel(before, { waiting: 2, oldestSeconds }, limits)).toBe("none");
      }),
    );
  });
});

/** As a look found it, at once. */
const seen = (waiting: number, nowMs = 0, before?: QueuePressure): QueuePressure =>
  judgeQueue(before, { waiting, oldestSeconds: 7 }, limits, nowMs) ?? expect.unreachable();
const pressureOf = (queues: Readonly<Record<string, QueuePressure>>): Pressure => ({
  queues,
  retryAfterSeconds: 60,
});

describe("B1: what is refused", () => {
  const refused = (queues: Readonly<Record<string, QueuePressure>>, nowMs = 0) =>
    refusedNow(pressureOf(queues), nowMs).map(({ kind }) => kind);
  const low = ["statement.render", "export.engagements"];

  test("is what can wait at soft, all but engagements at hard, and engagements at full", () => {
    const all = Object.keys(kindsOfWork);
    const butEngagements = all.filter((kind) => kind !== "engagements");
    expect(refused({})).toEqual([]);
    expect(refused({ "count-engagements": seen(10) })).toEqual(low);
    expect(refused({ "count-engagements": seen(100) })).toEqual(butEngagements);
    expect(refused({ "count-engagements": seen(1_000) })).toEqual(all);
    // What is counted and not settled is no less when no more is counted.
    expect(refused({ "settle-creator": seen(1_000) })).toEqual(butEngagements);
  });

  test("is what a queue is for, and nothing else", () => {
    expect(refused({ "run-export-engagements": seen(1_000) })).toEqual(["export.engagements"]);
    expect(refused({ "run-draft-save": seen(99) })).toEqual([]);
    expect(refused({ "run-draft-save": seen(100) })).toEqual(["draft.save"]);
    expect(refused({ "fan-out-chunk": seen(100) })).toEqual(["notification.fanout"]);
    expect(refused({ "deliver-webhook": seen(100) })).toEqual(["webhook.resend", "webhook.test"]);
    // It goes at a provider's pace.
    expect(refused({ "notify-by-email": seen(1_000) })).toEqual([]);
  });

  test("is told with since when, and looks that are too old are not heeded", () => {
    const soft = seen(10, 1 * minuteMs);
    const hard = seen(100, 2 * minuteMs, soft);
    expect(hard).toMatchObject({ level: "hard", sinceMs: { soft: minuteMs, hard: 2 * minuteMs } });
    const pressure = pressureOf({ "run-draft-save": hard, "run-export-engagements": hard });
    const since = (kind: "draft.save" | "export.engagements") =>
      refusalOf(kind, pressure, 2 * minuteMs)?.sinceMs;
    expect([since("draft.save"), since("export.engagements")]).toEqual([2 * minuteMs, minuteMs]);
    expect(stateOf("run-draft-save", pressure, 2 * minuteMs)).toEqual({
      level: "hard",
      refused: [{ work: "draft.save", since: new Date(2 * minuteMs).toISOString() }],
    });
    expect(refused(pressure.queues, 7 * minuteMs)).not.toEqual([]);
    expect(refused(pressure.queues, 7 * minuteMs + 1)).toEqual([]);
    expect(stateOf("run-draft-save", pressure, 7 * minuteMs + 1).level).toBe("none");
  });

  test("is a 429 that says why, and when to come back: not all at once", () => {
    const pressure = pressureOf({ "count-engagements": seen(100) });
    const refusal = refusalOf("draft.save", pressure, 0) ?? expect.unreachable();
    const at = (random: number) => refusalProblem(refusal, 60, () => random);
    expect(at(0)).toMatchObject({
      ...{ status: 429, code: "too-much-waiting" },
      message: expect.stringMatching(/Money comes first: 100 messages wait in count-engagements/),
      extensions: {
        retryAfterSeconds: 60,
        backlog: { queue: "count-engagements", waiting: 100, oldestSeconds: 7, level: "hard" },
      },
    });
    expect(at(0.999).extensions.retryAfterSeconds).toBe(119);
  });
});

test("B1: what a queue is for decides about its limits", () => {
  const classes = ["count-engagements", "run-export-engagements", "run-draft-save", "push-updates"];
  expect(classes.map(priorityOf)).toEqual(["money", "low", "normal", "normal"]);
});

describe("B1: who watches", () => {
  const aged: string[][] = [];
  let stored: Pressure | undefined;
  const deps = (waiting: Record<string, number>, more: Partial<WatchDeps> = {}): WatchDeps => ({
    queues: ["count-engagements", "run-export-engagements", "run-draft-save"],
    async waitingIn(queue) {
      return waiting[queue] ?? Promise.reject(new Error("no such queue"));
    },
    metrics: {
      async read(queues) {
        aged.push([...queues]);
        return new Map(queues.map((queue) => [queue, { oldestSeconds: 30, measuredAtMs: 0 }]));
      },
    },
    store: {
      read: async () => stored,
      async write(pressure) {
        stored = pressure;
      },
    },
    limits: { leastWaiting: 5, retryAfterSeconds: 60, low: limits, normal: limits, money: limits },
    clock: { nowMs: () => 0 },
    onAgesUnknown: () => expect.unreachable(),
    onUnread: () => expect.unreachable(),
    ...more,
  });

  test("writes down queues at a level only, and asks for no age that changes nothing", async () => {
    await watchBacklogs(
      deps({ "count-engagements": 0, "run-export-engagements": 2, "run-draft-save": 12 }),
    );
    expect(aged.splice(0)).toEqual([["run-draft-save"]]);
    expect(stored?.queues).toMatchObject({
      "run-draft-save": { level: "soft", waiting: 12, oldestSeconds: 30 },
    });
    expect(Object.keys(stored?.queues ?? {})).toEqual(["run-draft-save"]);
  });

  test("leaves a queue that it cannot see as it was, and judges the others", async () => {
    const { unseen } = await watchBacklogs(
      deps({ "count-engagements": 100, "run-export-engagements": 0 }),
    );
    expect(unseen.map(({ queue }) => queue)).toEqual(["run-draft-save"]);
    const levelsOf = Object.entries(stored?.queues ?? {}).map(([name, one]) => [name, one.level]);
    expect(levelsOf).toEqual([
      ["count-engagements", "hard"],
      ["run-draft-save", "soft"],
    ]);
  });

  test("believes nothing that is too old: neither of queues it cannot see, nor of others", async () => {
    stored = pressureOf({ "count-engagements": seen(100), "run-draft-save": seen(100) });
    const waiting = { "count-engagements": 50, "run-export-engagements": 0 };
    const later = { clock: { nowMs: () => 5 * minuteMs + 1 } };
    const { pressure } = await watchBacklogs(deps(waiting, later));
    expect(pressure.queues).toMatchObject({ "count-engagements": { level: "soft" } });
    expect(Object.keys(pressure.queues)).toEqual(["count-engagements"]);
  });

  test("writes over what cannot be read", async () => {
    const unread: unknown[] = [];
    const broken = new SyntaxError("half an item");
    const store = {
      read: () => Promise.reject(broken),
      async write(next: Pressure) {
        stored = next;
      },
    };
    const onUnread = (error: unknown) => void unread.push(error);
    const waiting = { "count-engagements": 50, "run-export-engagements": 0, "run-draft-save": 0 };
    await watchBacklogs(deps(waiting, { store, onUnread }));
    expect(stored?.queues).toMatchObject({ "count-engagements": { level: "soft" } });
    expect(unread).toEqual([broken]);
  });

  test("decides by the depth alone when nobody knows the age, and says so", async () => {
    const unknown: unknown[] = [];
    const waiting = { "count-engagements": 10, "run-export-engagements": 9, "run-draft-save": 0 };
    const metrics = { read: async () => undefined };
    const onAgesUnknown = (queues: readonly string[]) => unknown.push(queues);
    stored = undefined;
    const { pressure } = await watchBacklogs(deps(waiting, { metrics, onAgesUnknown }));
    expect(Object.keys(pressure.queues)).toEqual(["count-engagements"]);
    expect(unknown).toEqual([["count-engagements", "run-export-engagements"]]);
  });
});

describe("B1: who accepts", () => {
  const full = pressureOf({ "count-engagements": seen(1_000) });
  /** An environment, and a table that may fail or take its time. */
  function environment() {
    const state = { nowMs: 0, reads: 0, unread: 0, stored: full as Pressure | undefined };
    const gate = { open: Promise.resolve() };
    const reader = pressureReader({
      async read() {
        state.reads += 1;
        await gate.open;
        return state.stored ?? Promise.reject(new Error("throttled"));
      },
      clock: { nowMs: () => state.nowMs },
      onUnread: () => (state.unread += 1),
    });
    return { state, gate, reader };
  }

  test("reads once a second, and waits for it when it knows nothing recent", async () => {
    const { state, reader } = environment();
    for (const nowMs of [0, 10, 999]) {
      state.nowMs = nowMs;
      expect((await reader.known()).pressure).toBe(full);
    }
    expect(state.reads).toBe(1);
    state.nowMs = 1_000;
    await reader.known();
    expect(state.reads).toBe(2);
  });

  test("a busy one goes on by what it knows, and has the read to wait for at its end", async () => {
    const { state, gate, reader } = environment();
    await reader.known();
    const { promise, resolve } = Promise.withResolvers<void>();
    gate.open = promise;
    state.nowMs = 1_000;
    state.stored = pressureOf({});
    const { pressure, reading } = await reader.known(5_000);
    expect(pressure).toBe(full);
    resolve();
    await reading;
    expect((await reader.known(5_000)).pressure).toEqual(pressureOf({}));
    expect(state.reads).toBe(2);
  });

  test("takes all when it could never read, and heeds what it knows when it cannot for a while", async () => {
    const { state, reader } = environment();
    state.stored = undefined;
    expect((await reader.known()).pressure.queues).toEqual({});
    state.nowMs = 999;
    await reader.known();
    // Not with each request.
    expect(state).toMatchObject({ reads: 1, unread: 1 });
    state.stored = full;
    state.nowMs = 2_000;
    await reader.known();
    state.stored = undefined;
    state.nowMs = 4_000;
    expect((await reader.known()).pressure).toBe(full);
    state.nowMs = 2_000 + 60_001;
    expect((await reader.known()).pressure.queues).toEqual({});
    expect(state.unread).toBe(3);
  });
});
