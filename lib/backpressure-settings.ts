import { z } from "zod";
import type { RaisedLevel } from "../core/contracts/queued-work.ts";

const limit = z.strictObject({
  /** Messages that wait. */
  waiting: z.int().positive(),
  oldestSeconds: z.int().positive(),
});

type Limits = Readonly<Record<RaisedLevel, z.infer<typeof limit>>>;

/** Each level begins at more messages, and at older ones, than the one below. */
const levelLimits = (defaults: Limits) =>
  z
    .strictObject({
      soft: limit.default(defaults.soft),
      hard: limit.default(defaults.hard),
      full: limit.default(defaults.full),
    })
    .refine(
      ({ soft, hard, full }) =>
        (["waiting", "oldestSeconds"] as const).every(
          (what) => soft[what] < hard[what] && hard[what] < full[what],
        ),
      "must rise from soft to hard to full, both waiting and oldestSeconds",
    )
    .prefault({});

/** What can wait is refused while a queue is at soft, all but money at hard, and money at full. */
export const backpressure = z.strictObject({
  /** In smaller numbers messages do not wait, they fail: their age has nothing refused. */
  leastWaiting: z.int().positive().default(100),
  /** Nobody looks again sooner. */
  retryAfterSeconds: z.int().positive().default(60),
  /** Queues of what can wait, such as exports: ten workers do 2,000 in the time of a coffee. */
  low: levelLimits({
    soft: { waiting: 2_000, oldestSeconds: 3_600 },
    hard: { waiting: 10_000, oldestSeconds: 21_600 },
    full: { waiting: 100_000, oldestSeconds: 86_400 },
  }),
  /** Of the rest: hard is where the backlog alarm rings, so that somebody knows by then. */
  normal: levelLimits({
    soft: { waiting: 2_000, oldestSeconds: 1_200 },
    hard: { waiting: 10_000, oldestSeconds: 3_600 },
    full: { waiting: 100_000, oldestSeconds: 21_600 },
  }),
  /**
   * Of money: soft is where the alarm rings, and hard what takes minutes to count. A refused view is
   * lost to a writer, and a queue keeps one for ten days: so full is a day late, or hours of work.
   */
  money: levelLimits({
    soft: { waiting: 10_000, oldestSeconds: 300 },
    hard: { waiting: 100_000, oldestSeconds: 1_800 },
    full: { waiting: 10_000_000, oldestSeconds: 86_400 },
  }),
});
