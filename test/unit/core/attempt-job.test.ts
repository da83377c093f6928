import fc from "fast-check";
import { expect, test } from "vitest";
import { limits } from "../../../core/contracts/limits.ts";
import { jobBuckets } from "../../../core/contracts/storage.ts";
import { type AttemptDeps, attemptJob } from "../../../core/jobs/attempt-job.ts";
import { finishJob } from "../../../core/jobs/change-job.ts";
import { isFinished, type Job, newJob } from "../../../core/jobs/job.ts";
import { workOf } from "../../../core/jobs/request-job.ts";
import type { JobWork } from "../../../core/jobs/run-job.ts";
import { tendJobs } from "../../../core/jobs/tend-jobs.ts";
import type { Delivery } from "../../../core/messaging/delivery.ts";
import type { OutgoingEvent } from "../../../core/messaging/event-publisher.ts";
import { problems } from "../../../core/perimeter/problem.ts";
import { continueTrace } from "../../../core/values/trace-context.ts";

const jobId = "0".repeat(32);
const trace = continueTrace(undefined, (bytes) => "a".repeat(2 * bytes));
const minuteMs = 60_000;

class Killed extends Error {}

/** One job, its store and its queue; `dies` says whether the process ends before a call. */
function world(dies: () => boolean = () => false) {
  let nowMs = 0;
  let job = newJob(
    {
      ...{ jobId, type: "draft.save", owner: "creator:ada", payload: {}, fingerprint: "f" },
      traceparent: trace.traceparent,
    },
    nowMs,
    30 * 24 * 60 * minuteMs,
  );
  const queue: { body: string; receives: number }[] = [];
  let announced = 0;
  const call = () => {
    if (dies()) throw new Killed();
  };
  const publish = async (events: readonly OutgoingEvent[]) => {
    call();
    for (const { contract, detail } of events) {
      const { source, detailType } = contract;
      const body = JSON.stringify({ source, "detail-type": detailType, detail });
      if (detailType === "JobRequested") queue.push({ body, receives: 0 });
      else if (isFinished(job)) announced += 1;
    }
  };
  const deps: AttemptDeps = {
    store: {
      async read() {
        call();
        return job;
      },
      async replace(next) {
        call();
        if (next.version !== job.version + 1) return "raced";
        job = next;
        return "replaced";
      },
      async settle(at) {
        call();
        if (at.version !== job.version) return;
        const { attendAtMs: _, ...settled } = job;
        job = settled;
      },
    },
    bus: { publish },
    deferral: { publishAt: (event) => publish([event]) },
    clock: { nowMs: () => nowMs },
    random: () => 0.5,
    onFailed() {},
    onUnannounced(_, error) {
      // A kill is nothing that code could catch.
      if (error instanceof Killed) throw error;
    },
  };
  const due = async (bucket: number, byMs: number) =>
    bucket === Number.parseInt(jobId.slice(0, 2), 16) % jobBuckets &&
    (job.attendAtMs ?? byMs + 1) <= byMs
      ? [job]
      : [];
  return {
    ...{ deps, queue, publish },
    job: () => job,
    announced: () => announced,
    pass(ms: number) {
      nowMs += ms;
    },
    attempt: (work: JobWork<never>, delivery: Delivery) =>
      attemptJob(deps, "draft.save", work, delivery, nowMs + minuteMs, trace),
    tend: () => tendJobs({ ...deps, lists: { due } }, Number.POSITIVE_INFINITY),
  };
}

const deliveryOf = (job: Job, receives = 1): Delivery => {
  const { contract, detail } = workOf(job);
  const { source, detailType } = contract;
  return { id: "m", receives, body: JSON.stringify({ source, "detail-type": detailType, detail }) };
};

test.each([
  ["for good", problems.notFound("upload"), 1],
  ["for the last time", new Error("again"), limits.maxReceives],
])(
  "J1: a job that is cancelled just as it fails %s is cancelled, and nothing is left",
  async (_, error, receives) => {
    const { attempt, deps, job } = world();
    const failed = await attempt(
      async () => {
        await finishJob(deps, jobId, "cancelled", {});
        throw error;
      },
      deliveryOf(job(), receives),
    );
    expect([failed, job().state]).toEqual([undefined, "cancelled"]);
  },
);

test("a running job whose message is lost is sent again, and goes on", async () => {
  const { attempt, deps, job, queue, pass, tend } = world();
  await expect(
    attempt(() => Promise.reject(new Error("again")), deliveryOf(job())),
  ).resolves.toMatchObject({ id: "m" });
  expect([job().state, queue.length]).toEqual(["running", 0]);
  pass(60 * minuteMs);
  await tend();
  expect(queue).toEqual([]);
  pass(120 * minuteMs);
  await tend();
  await tend();
  expect(queue).toHaveLength(1);
  await attempt(async () => ({ kind: "succeeded", result: {} }), deliveryOf(job()));
  expect(job().state).toBe("succeeded");
  expect(deps.clock.nowMs()).toBeLessThan(job().expiresAtMs);
});

/** Two parts, each with a report that is durable. */
const work: JobWork<never> = async ({ checkpoint, report }) => {
  if (checkpoint) return { kind: "succeeded", result: {} };
  await report({ percent: 50, message: "half" }, { half: 1 });
  return { kind: "unfinished" };
};

test("J1, Q7: killed before any call, by workers and by tend-jobs, with messages lost: it ends, and says so", async () => {
  const kills = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(kills, fc.array(fc.boolean(), { maxLength: 8 }), async (chances, losses) => {
      let calls = 0;
      let lost = 0;
      const one = world(() => chances[calls++] === 0);
      const { job, queue, pass } = one;
      for (let round = 0; round < 60 && job().attendAtMs !== undefined; round += 1) {
        await one.tend().catch(onlyKilled);
        for (const message of queue.splice(0)) {
          message.receives += 1;
          if (losses[lost++] || message.receives > limits.maxReceives) continue;
          const back = await one.attempt(work, { id: "m", ...message }).catch(onlyKilled);
          if (back !== undefined) queue.push(message);
        }
        pass(30 * minuteMs);
      }
      expect(job().attendAtMs).toBeUndefined();
      expect(isFinished(job())).toBe(true);
      expect(one.announced()).toBeGreaterThan(0);
    }),
  );
});

function onlyKilled(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Killed)) throw error;
  return "killed";
}
