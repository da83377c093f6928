import { describe, expect, test } from "vitest";
import { complaints, describeStatus } from "../../../cli/status/describe-status.ts";
import type { Queue, Status } from "../../../cli/status/read-status.ts";

const nowMs = Date.parse("2026-01-02T03:04:05.000Z");
const quiet: Queue = {
  ...{ queue: "quiet", waiting: 0, delayed: 0, inFlight: 0, deadLettersOpen: 0 },
  ...{ level: "none", refused: [] },
};
const calm: Status = {
  alarms: { items: [], counts: { ok: 340 } },
  queues: { items: [quiet], schedules: [{ name: "tend-jobs", deadLettersOpen: 0 }], missing: [] },
  proof: undefined,
};
const pageOf = (status: Partial<Status>, all = false) =>
  describeStatus({ ...calm, ...status }, { baseUrl: "https://x.example", all, nowMs });

const alarm = (name: string, kind: string, runbook: string) => ({
  ...{ name, kind, state: "alarm", since: "2026-01-02T02:54:05.000Z", reason: "3 > 1" },
  ...{ description: `${name} is amiss.`, runbook: `docs/runbook.md#${runbook}` },
});

describe("describeStatus", () => {
  test("says first that all is well, and what was looked at", () => {
    expect(pageOf({})).toEqual([
      "All is well: of 340 alarms none rings, and no dead letter is open.",
      "https://x.example, 03:04:05 UTC",
      "",
      "In 1 queue nothing stands out.",
    ]);
  });

  test("says what rings, for how long, and which queues stand out", () => {
    const counting = {
      ...quiet,
      queue: "count",
      waiting: 5,
      delayed: 2,
      deadLettersOpen: 2,
      oldestSeconds: 90,
    };
    const page = pageOf({
      alarms: {
        items: [
          alarm("money-at-risk", "composite", "money-at-risk"),
          alarm("money-at-risk-workers", "composite", "money-at-risk"),
          alarm("count-dead-letters", "metric", "count-dead-letters"),
        ],
        counts: { alarm: 3 },
      },
      queues: {
        items: [{ ...counting, arrivedPerMinute: 1_200.4 }, quiet],
        schedules: [{ name: "tend-jobs", deadLettersOpen: 1 }],
        missing: ["ages"],
      },
    });
    expect(page).toEqual([
      "Not well: an alarm rings, 3 dead letters are open, not all could be seen.",
      "https://x.example, 03:04:05 UTC",
      "",
      "money-at-risk: money-at-risk is amiss.",
      "count-dead-letters: rings, for 10 min",
      "  count-dead-letters is amiss.",
      "  3 > 1",
      "  docs/runbook.md#count-dead-letters",
      "",
      "queue                 waiting  in flight  oldest  in/min  done/min  dead letters",
      "count                       5          0    90 s   1,200                       2",
      "tend-jobs (schedule)                                                           1",
      "In 1 other queue nothing stands out.",
      "",
      "Why letters died: npx pennyline dead-letters",
      "Not known: ages.",
    ]);
  });

  test("says what is refused, since when and why", () => {
    const since = "2026-01-02T03:01:05.000Z";
    const refused = [
      { work: "export.engagements", since },
      { work: "statement.render", since },
    ];
    const counting = { ...quiet, queue: "count", waiting: 12_000, level: "soft", refused };
    const page = pageOf({ queues: { ...calm.queues, items: [counting] } });
    expect(page[0]).toBe("Not well: work is refused.");
    expect(page[3]).toBe(
      "Refused for 3 min: export.engagements, statement.render; count is at soft.",
    );
    expect(page[6]).toMatch(/^count +12,000 /);
  });

  test("shows every queue when it is asked to", () => {
    expect(pageOf({}, true)).toContainEqual(expect.stringMatching(/^quiet +0 +0/));
  });
});

test("that nothing is known of alarms is no peace", () => {
  const none = { ...calm, alarms: { items: [], counts: {} } };
  expect(complaints(none)).toEqual(["no alarm is known"]);
});
