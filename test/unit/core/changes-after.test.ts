import fc from "fast-check";
import { expect, test } from "vitest";
import { limits } from "../../../core/contracts/limits.ts";
import { changesAfter } from "../../../core/jobs/changes-after.ts";
import { type Job, newJob, progressed } from "../../../core/jobs/job.ts";

function jobAt(version: number): Job {
  const traceparent = `00-${"1".repeat(32)}-${"1".repeat(16)}-01`;
  const request = { jobId: "j", type: "draft.save", owner: "publisher", payload: {} } as const;
  let job = newJob({ ...request, fingerprint: "f", traceparent }, 0, 1);
  while (job.version < version) {
    job = progressed(job, { percent: 1, message: "" }, undefined, job.version);
  }
  return job;
}

test("whoever knows a version is told every later one, or that some are missing", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 * limits.maxJobChanges }),
      fc.integer({ min: 0, max: 2 * limits.maxJobChanges + 5 }),
      (version, known) => {
        const { changes, gap } = changesAfter(jobAt(version), known);
        const told = changes.map((change) => change.version);
        const missed = Math.max(0, version - known);
        expect(told).toEqual(
          Array.from({ length: told.length }, (_, at) => version - told.length + 1 + at),
        );
        expect(told.length).toBe(Math.min(missed, limits.maxJobChanges));
        expect(gap).toBe(missed > limits.maxJobChanges);
      },
    ),
  );
});
