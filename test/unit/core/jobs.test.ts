import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { finishedJobStates } from "../../../core/contracts/job-types.ts";
import { limits } from "../../../core/contracts/limits.ts";
import {
  begun,
  finished,
  handedOn,
  isFinished,
  type Job,
  newJob,
  progressed,
} from "../../../core/jobs/job.ts";
import { presentAccepted, presentJob, seenVersion } from "../../../core/jobs/present-job.ts";
import { canonicalJson } from "../../../core/values/canonical-json.ts";

const accepted = newJob(
  {
    jobId: "0".repeat(32),
    type: "draft.save",
    owner: "creator:ada",
    payload: {},
    fingerprint: "f",
    traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  },
  1_000,
  86_400_000,
);

type Step = (job: Job, nowMs: number) => Job;
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.integer({ min: 1, max: 4 }).map(
    (receives): Step =>
      (job, nowMs) =>
        begun(job, receives, nowMs + 60_000, nowMs),
  ),
  fc.record({ percent: fc.double({ min: -10, max: 200, noNaN: true }), message: fc.string() }).map(
    (progress): Step =>
      (job, nowMs) =>
        progressed(job, progress, undefined, nowMs),
  ),
  fc.constant<Step>((job, nowMs) => handedOn(job, "later", nowMs, nowMs)),
);

test("each change is the next version, and the latest hundred are remembered in order", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      let job = accepted;
      for (const [index, change] of steps.entries()) job = change(job, 2_000 + index);
      const { changes, version, progress } = job;
      expect(version).toBe(1 + steps.length);
      expect(changes).toHaveLength(Math.min(limits.maxJobChanges, version));
      expect(changes.map((one) => one.version)).toEqual(
        changes.map((_, index) => version - changes.length + 1 + index),
      );
      expect(progress.percent).toBeGreaterThanOrEqual(0);
      expect(progress.percent).toBeLessThanOrEqual(100);
      expect(Number.isInteger(progress.percent)).toBe(true);
    }),
  );
});

test.each(finishedJobStates)("J1: a job that is %s never changes its state", (state) => {
  const end = finished(accepted, state, {}, 5_000);
  expect(isFinished(end)).toBe(true);
  for (const other of finishedJobStates) {
    expect(() => finished(end, other, {}, 6_000)).toThrow(/already/);
  }
});

describe("what clients see", () => {
  test("an accepted job is shown the same whatever became of it since", () => {
    const done = finished(begun(accepted, 1, 9_000, 2_000), "succeeded", { result: {} }, 3_000);
    expect(presentAccepted(done)).toEqual(presentAccepted(accepted));
  });

  test("never what is the job's own: payload, checkpoint, fingerprint, owner, keys of files", () => {
    const file = { name: "pdf", key: "statements/x", contentType: "a/b", bytes: 1, fileName: "x" };
    const job = { ...accepted, payload: { a: "private" }, checkpoint: { b: "private" } };
    const done = finished(job, "succeeded", { result: {}, files: [file] }, 3_000);
    const linked = [{ ...file, url: "https://link", expiresAtMs: 9_000 }];
    const shown = JSON.stringify(presentJob(done, linked));
    expect(shown).not.toMatch(/private|fingerprint|creator:ada|statements\/x/);
    expect(shown).toContain("https://link");
  });

  test.each([
    ['"7"', 7],
    ['W/"7"', 7],
    ["7", undefined],
    ['"seven"', undefined],
    [undefined, undefined],
  ])("the ETag %s is version %s", (header, version) => {
    expect(seenVersion(header)).toBe(version);
  });
});

test("I9: canonical JSON does not depend on the order of keys, and on nothing else", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const reversed = JSON.parse(JSON.stringify(value), (_, inner) =>
        typeof inner === "object" && inner !== null && !Array.isArray(inner)
          ? Object.fromEntries(Object.entries(inner).reverse())
          : inner,
      );
      expect(canonicalJson(reversed)).toBe(canonicalJson(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
