import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeTrace } from "../../../cli/trace/describe-trace.ts";
import { equalSteps } from "../../../cli/trace/equal-steps.ts";
import type { Step, Trace } from "../../../cli/trace/read-trace.ts";

const step = (depth: number, offsetMs: number, more: Partial<Step> = {}): Step => ({
  ...{ depth, offsetMs, durationMs: 10, service: "work", step: "took E", outcome: "ok" },
  ...more,
});

const pageOf = (trace: Partial<Trace>) =>
  describeTrace(
    {
      ...{ traceId: "t", startedAt: "2026-01-02T03:04:05.000Z", tookMs: 10, outcome: "ok" },
      ...{ steps: [], jobs: [], waiting: [], missing: [], ...trace },
    },
    Date.parse("2026-01-02T03:05:00.000Z"),
  ).join("\n");

const api = step(0, 0, { service: "api", step: "answered" });
const told = { service: "tell", step: "took JobChanged" };

describe("equal steps", () => {
  test("are one line with their number, first and last time, and what they took", () => {
    const messages = Array.from({ length: 28 }, (_, index) =>
      step(1, 100 + 1_000 * index, {
        ...{ durationMs: 10 + index, waitedMs: 5, attempt: (index % 4) + 1 },
        ...{ outcome: "failed", error: "500", ids: { messageId: `m${index}`, deliveryId: "d" } },
      }),
    );
    const lines = pageOf({ steps: [api, ...messages], outcome: "failed" })
      .split("\n")
      .slice(3);
    expect(lines).toEqual(
      [
        "   +0 ms  api     answered, took 10 ms",
        "+100 ms  └ work  took E, 28 times, the last at +27.1 s, attempt 1 to 4, waited 5 ms, " +
          "took 10 ms to 37 ms, FAILED (500)",
        `${" ".repeat(18)}deliveryId d`,
      ].map((line) => expect.stringContaining(line.trim())),
    );
  });

  test("that follow from one another are one, too, and so is what each of them set off", () => {
    const rounds = Array.from({ length: 28 }, (_, index) => [
      step(1 + index, 100 * index, { put: { E: 1 } }),
      step(2 + index, 100 * index + 10, told),
    ]);
    const end = step(29, 5_000, { result: "done" });
    const groups = equalSteps([api, ...rounds.flat(), end]);
    expect(groups.map(({ depth, steps }) => [depth, steps.length])).toEqual([
      [0, 1],
      [1, 28],
      [2, 28],
      [2, 1],
    ]);
  });

  test("are not those that ended otherwise, or are about something else", () => {
    const steps = [
      ...[api, step(1, 1, { ids: { jobId: "a" } }), step(1, 2, { ids: { jobId: "b" } })],
      ...[step(1, 3, { outcome: "failed" }), step(1, 4, { result: "counted" })],
    ];
    expect(equalSteps(steps).map((group) => group.steps)).toEqual(steps.map((one) => [one]));
  });

  test("lose none, whatever the trace", () => {
    const some = fc.record({ deeper: fc.nat(2), service: fc.constantFrom("a", "b") });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 40 }), (all) => {
        let depth = -1;
        const steps = all.map(({ deeper, service }, at) => {
          depth = Math.max(0, depth + 1 - deeper);
          return step(depth, at, { service });
        });
        const groups = equalSteps(steps);
        const shown = groups.flatMap((group) => group.steps.map(({ offsetMs }) => offsetMs));
        expect(shown.toSorted((a, b) => a - b)).toEqual(steps.map(({ offsetMs }) => offsetMs));
        for (const [at, group] of groups.entries()) {
          expect(group.depth).toBeLessThanOrEqual((groups[at - 1]?.depth ?? -1) + 1);
        }
      }),
    );
  });
});

describe("a trace that goes on", () => {
  test("says what is still to come, which attempt, and when; nothing is missing", () => {
    const waiting = [
      {
        what: "deliver-webhook tries WebhookDue again",
        attempt: 3,
        nextAt: "2026-01-02T03:05:40.000Z",
      },
      { what: "work has put E off", attempt: 2, nextAt: "2026-01-02T03:04:00.000Z" },
      { what: 'what was counted for "a" is not settled yet' },
    ];
    const page = pageOf({ steps: [api], outcome: "failed", waiting });
    expect(page).toContain("something failed, and is being retried");
    expect(page).toContain(
      [
        "Still to come:",
        "  - deliver-webhook tries WebhookDue again: attempt 3, in 40 s (03:05:40 UTC)",
        "  - work has put E off: attempt 2, due for 60 s (03:04:00 UTC)",
        '  - what was counted for "a" is not settled yet',
      ].join("\n"),
    );
    expect(page).not.toMatch(/missing/i);
  });
});
