import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { engagementsAccepted, jobChanged } from "../../../core/contracts/events.ts";
import type { ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import { emptyAccount, type LedgerEntry } from "../../../core/ledger/entry.ts";
import { problems } from "../../../core/perimeter/problem.ts";
import { findBooking } from "../../../core/tracing/find-booking.ts";
import { alwaysKeptServices, isInSample } from "../../../core/tracing/keep-trace.ts";
import { openIn } from "../../../core/tracing/open-steps.ts";
import { inOrder } from "../../../core/tracing/order-steps.ts";
import { idsIn, stepLog } from "../../../core/tracing/step-log.ts";
import { letterStep, type TraceStep } from "../../../core/tracing/trace-step.ts";
import type { UtcDay } from "../../../core/values/time.ts";
import { continueTrace, spanIdOf } from "../../../core/values/trace-context.ts";

const hexOf = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const nonZero = (length: number) => hexOf(length).filter((text) => !/^0+$/.test(text));
const rates = fc.integer({ min: 0, max: 1_000_000 });

let spans = 0;
const randomHex = (bytes: number) => {
  spans += 1;
  return spans.toString(16).padStart(bytes * 2, "0");
};

describe("whether a trace is kept", () => {
  test("is decided alike at every hop, by its id, whatever the caller's flags say", () => {
    fc.assert(
      fc.property(nonZero(32), nonZero(16), hexOf(2), rates, (traceId, parentId, flags, rate) => {
        const isKept = (id: string) => isInSample(id, rate);
        const caller = `00-${traceId}-${parentId}-${flags}`;
        const edge = continueTrace(caller, randomHex, { isKept });
        const worker = continueTrace(edge.traceparent, randomHex);
        const next = continueTrace(worker.traceparent, randomHex);
        expect([edge.kept, worker.kept, next.kept]).toEqual(Array(3).fill(isKept(traceId)));
        expect([edge.parentId, worker.parentId, next.parentId]).toEqual([
          parentId,
          edge.spanId,
          worker.spanId,
        ]);
      }),
    );
  });

  test("a larger sample holds all of a smaller one; all of it, or nothing", () => {
    fc.assert(
      fc.property(hexOf(32), rates, rates, (traceId, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        if (isInSample(traceId, less)) expect(isInSample(traceId, more)).toBe(true);
        expect([isInSample(traceId, 0), isInSample(traceId, 1_000_000)]).toEqual([false, true]);
      }),
    );
    expect(isInSample("4bf92f3577b34da6a3ce929d00000000", 1)).toBe(true);
  });

  test("what is always kept are functions that there are", () => {
    const functions = readdirSync(join(import.meta.dirname, "../../../lambdas"));
    expect(functions).toEqual(expect.arrayContaining([...alwaysKeptServices]));
  });

  test("a hundredth of random ids is in a sample of 1 %", () => {
    const ids = fc.sample(hexOf(32), { numRuns: 20_000, seed: 7 });
    const share = ids.filter((id) => isInSample(id, 10_000)).length / ids.length;
    expect(share).toBeGreaterThan(0.005);
    expect(share).toBeLessThan(0.02);
  });
});

const traceOf = (kept: boolean) =>
  continueTrace(`00-${"a".repeat(32)}-${"b".repeat(16)}-0${Number(kept)}`, randomHex);

describe("the steps of an invocation", () => {
  let nowMs = 1_000;
  const log = () => stepLog("worker", { nowMs: () => nowMs });

  test("are kept with their trace, when they fail, or were tried before", () => {
    const steps = log();
    const kept = (trace: boolean, attempt: number, outcome: "ok" | "failed") => {
      const context = traceOf(trace);
      steps.begin(context, { step: "took a message", attempt });
      steps.end(context.spanId, { outcome });
      return steps.take().length === 1;
    };
    expect(kept(true, 1, "ok")).toBe(true);
    expect(kept(false, 1, "ok")).toBe(false);
    expect(kept(false, 1, "failed")).toBe(true);
    expect(kept(false, 2, "ok")).toBe(true);
  });

  test("say how long they took and what class of error ended them, never what it said", () => {
    const steps = log();
    const trace = traceOf(true);
    steps.begin(trace, { step: "took a message", ids: { messageId: "m" } });
    steps.note(trace.spanId, { ids: { jobId: "j" } });
    nowMs += 25;
    steps.end(trace.spanId, { outcome: "failed", error: new TypeError("canary@example.com") });
    const [step] = steps.take();
    expect(step).toMatchObject({
      ...{ service: "worker", atMs: 1_000, durationMs: 25, outcome: "failed", error: "TypeError" },
      ids: { messageId: "m", jobId: "j" },
    });
    expect(JSON.stringify(step)).not.toContain("canary");

    const refused = traceOf(true);
    steps.begin(refused, { step: "GET /" });
    steps.end(refused.spanId, { outcome: "refused", error: problems.invalid("canary") });
    expect(steps.take()).toMatchObject([{ outcome: "refused", error: "invalid-request" }]);
  });

  test("what is put on the bus follows from the step that puts it there, if that is certain", () => {
    const steps = log();
    const [earlier, one] = [traceOf(true), traceOf(true)];
    const event = { contract: jobChanged, detail: { traceparent: earlier.traceparent } as never };
    steps.begin(one, { step: "took a message" });
    const following = steps.following(event);
    expect(following.detail).toMatchObject({ traceparent: one.traceparent });
    const changed = { ...(following.detail as object), jobId: "j", state: "succeeded" } as never;
    steps.put([{ contract: jobChanged, detail: changed }]);
    const another = traceOf(true);
    steps.begin(another, { step: "took a message" });
    expect(steps.following(event)).toEqual(event);
    steps.end(one.spanId, { outcome: "ok" });
    expect(steps.take()).toMatchObject([
      { put: { JobChanged: 1 }, result: "job succeeded", ids: { jobId: "j" } },
    ]);
    expect(spanIdOf(one.traceparent)).toBe(one.spanId);
  });

  test("take over ids by name, and nothing else of an event", () => {
    const detail = {
      jobId: "j",
      readerId: "canary",
      engagements: [{ readerId: "canary" }],
      state: 1,
    };
    expect(idsIn(detail)).toEqual({ jobId: "j" });
    expect([idsIn(undefined), idsIn("text"), idsIn([1])]).toEqual([{}, {}, {}]);
    expect(engagementsAccepted.detailType).toBe("EngagementsAccepted");
  });
});

const hourMs = 3_600_000;
const stepAt = (spanId: string, parentId: string | undefined, more: Partial<TraceStep> = {}) => ({
  ...{ traceId: "t", spanId, ...(parentId !== undefined && { parentId }), atMs: 0, durationMs: 0 },
  ...{ service: spanId, step: "ran", outcome: "ok" as const, ...more },
});

describe("the order of steps", () => {
  test("each is there once, below the one it follows from, whatever ids callers make up", () => {
    const name = fc.constantFrom("a", "b", "c", "d", "e", "f");
    const steps = fc.uniqueArray(
      fc.record({ spanId: name, parentId: fc.option(name, { nil: undefined }), atMs: fc.nat(9) }),
      { selector: ({ spanId }) => spanId },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const given = all.map(({ spanId, parentId, atMs }) => stepAt(spanId, parentId, { atMs }));
        const placed = inOrder(given);
        expect(placed.map(({ step }) => step.spanId).sort()).toEqual(
          given.map(({ spanId }) => spanId).sort(),
        );
      }),
    );
  });

  test("a branch is told to its end before the next one begins", () => {
    const steps = [
      stepAt("api", undefined, { atMs: 0 }),
      stepAt("push", "run", { atMs: 3 }),
      stepAt("again", "api", { atMs: 2 }),
      stepAt("run", "api", { atMs: 1 }),
    ];
    expect(inOrder(steps).map(({ step, depth }) => [step.spanId, depth])).toEqual([
      ["api", 0],
      ["run", 1],
      ["push", 2],
      ["again", 1],
    ]);
  });

  const missingIn = (steps: readonly TraceStep[], samplePercent: number) =>
    openIn(steps, [], { samplePercent, nowMs: hourMs }).missing;

  test("what is missing is named: what was sampled out, silent attempts, events nobody took", () => {
    const took = { event: "E", ids: { messageId: "m" } };
    expect(missingIn([stepAt("count", "gone", { ...took, attempt: 1 })], 1)).toEqual([
      expect.stringMatching(/^What came before count \(E\) was not kept.*1 %/),
    ]);
    const api = stepAt("api", "caller", { put: { E: 1, F: 1 } });
    expect(missingIn([api, stepAt("count", "api", { ...took, attempt: 3 })], 1)).toEqual([
      expect.stringMatching(/^Of count, attempts 1, 2 left no record/),
      expect.stringMatching(/^Nobody has told of the F that api put on the bus/),
    ]);
  });
});

describe("what is still to come in a trace", () => {
  const waitingIn = (steps: readonly TraceStep[], nowMs = 1_000, jobs: Jobs = []) =>
    openIn(steps, jobs, { samplePercent: 1, nowMs });
  type Jobs = Parameters<typeof openIn>[1];
  const api = stepAt("api", "caller", { put: { E: 1 } });
  const took = (attempt: number, more: Partial<TraceStep> = {}) =>
    stepAt("work", "api", { event: "E", ids: { messageId: "m" }, attempt, ...more });
  const failed = { outcome: "failed", returned: true } as const;

  test("is the next attempt, and when, and nothing is missing", () => {
    const steps = [api, took(1, { ...failed, atMs: 100, durationMs: 20, againInMs: 3_000 })];
    const next = { what: "work tries E again", attempt: 2 };
    expect(waitingIn(steps)).toEqual({ waiting: [{ ...next, nextAtMs: 3_120 }], missing: [] });
    expect(waitingIn([api, took(1, failed)])).toEqual({ waiting: [next], missing: [] });
    const before = took(1, { ...failed, spanId: "first" });
    expect(waitingIn([api, before, took(2)])).toEqual({ waiting: [], missing: [] });
  });

  test("is no further attempt for what failed and is done, has no attempt left, or is dead", () => {
    expect(waitingIn([api, took(1, { outcome: "failed" })]).waiting).toEqual([]);
    const all = [1, 2, 3, 4].map((attempt) => took(attempt, { ...failed, spanId: `${attempt}` }));
    const what = "work has no attempt left for E: it becomes a dead letter";
    expect(waitingIn([api, ...all]).waiting).toEqual([{ what }]);
    const letter = stepAt("archive", "api", { step: letterStep, outcome: "failed", atMs: 5 });
    expect(waitingIn([api, ...all, letter]).waiting).toEqual([]);
  });

  test("is what was put off, with how often it was tried, until it has come", () => {
    const [ids, put] = [{ deliveryId: "d" }, { put: { E: 1 }, later: { E: 9_000 } }];
    const first = took(1, { outcome: "failed", ids, spanId: "first" });
    const last = took(2, { outcome: "failed", ids, ...put });
    expect(waitingIn([api, first, last])).toEqual({
      waiting: [{ what: "work has put E off", attempt: 3, nextAtMs: 9_000 }],
      missing: [],
    });
    const came = stepAt("again", "work", { event: "E", attempt: 1 });
    expect(waitingIn([api, first, last, came]).waiting).toEqual([]);
    expect(waitingIn([api, first, last], 9_000 + hourMs).missing).toHaveLength(1);
  });

  test("is an event that waits; after long without a record it is missing", () => {
    expect(waitingIn([api])).toEqual({
      waiting: [{ what: "E from api waits in a queue, or is being worked on" }],
      missing: [],
    });
    expect(waitingIn([api], hourMs)).toEqual({
      waiting: [],
      missing: [expect.stringMatching(/^Nobody has told of the E that api put on the bus/)],
    });
  });

  test("is a job by its record, however long it takes", () => {
    const asked = stepAt("api", "caller", { put: { JobRequested: 1 }, ids: { jobId: "j" } });
    const waitingAs = (state: "accepted" | "running" | "succeeded", attempts: number) =>
      waitingIn([asked], hourMs, [{ jobId: "j", state, attempts }]);
    expect(waitingAs("accepted", 0).waiting).toEqual([
      { what: "job j waits in its queue", attempt: 1 },
    ]);
    expect(waitingAs("running", 2).waiting).toMatchObject([{ attempt: 2 }]);
    expect(waitingAs("succeeded", 1)).toMatchObject({ waiting: [], missing: { length: 1 } });
  });
});

describe("the entry in which something was booked", () => {
  const place = {
    creatorId: "ada" as CreatorId,
    articleId: "a" as ArticleId,
    day: "2026-01-01" as UtcDay,
  };
  const ledgerOf = (entries: readonly (readonly [bookedAtMs: number, articleId: string])[]) => {
    let reads = 0;
    return {
      reads: () => reads,
      readAccount: async () => ({ ...emptyAccount, sequence: entries.length }),
      async entry(_: CreatorId, sequence: number) {
        reads += 1;
        const [bookedAtMs, articleId] =
          entries[sequence - 1] ?? expect.unreachable("no such entry");
        const lines = [{ articleId, day: place.day }];
        return { type: "settlement", sequence, bookedAtMs, lines } as unknown as LedgerEntry;
      },
    };
  };

  test("is the first settlement of the article's day since, found in few reads among many", async () => {
    const entries = Array.from(
      { length: 20_000 },
      (_, index) => [index * 60_000, index % 2 === 0 ? "a" : "b"] as const,
    );
    const ledger = ledgerOf(entries);
    const entry = await findBooking(ledger, place, 10_000 * 60_000 + 1);
    expect(entry?.sequence).toBe(10_003);
    expect(ledger.reads()).toBeLessThan(20);
  });

  test("is none before it is settled, or without a ledger", async () => {
    expect(await findBooking(ledgerOf([[1, "a"]]), place, 2)).toBeUndefined();
    expect(await findBooking(ledgerOf([]), place, 0)).toBeUndefined();
  });
});
