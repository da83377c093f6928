import { expect, test } from "vitest";
import type { AlarmState } from "../../../core/contracts/queries.ts";
import { type Alarm, readAlarms } from "../../../core/monitoring/read-alarms.ts";

const alarm = (name: string, kind: Alarm["kind"], state: AlarmState, sinceMs: number): Alarm => ({
  ...{ name, kind, state, sinceMs },
  reason: "1 of 1 periods [3] >= 1",
  description: `${name}: it rings. See docs/runbook.md#${name}`,
});
const all = [
  alarm("settle-earnings-errors", "metric", "alarm", 1_000),
  alarm("users-waiting", "composite", "alarm", 1_000),
  alarm("api-latency", "metric", "ok", 3_000),
  alarm("settle-earnings-not-running", "metric", "alarm", 2_000),
  alarm("money-at-risk", "composite", "alarm", 3_000),
];
const read = (state: AlarmState | "any") =>
  readAlarms({ alarms: { all: async () => all } }, { state });

test("what sums up others comes first, then what rang last; peace is told from silence", async () => {
  const { items, counts } = await read("alarm");
  expect(items.map(({ name }) => name)).toEqual([
    "money-at-risk",
    "users-waiting",
    "settle-earnings-not-running",
    "settle-earnings-errors",
  ]);
  expect(counts).toEqual({ alarm: 4, ok: 1 });
  expect((await read("any")).items).toHaveLength(5);
});

test("the link to the runbook is told by itself", async () => {
  expect((await read("ok")).items).toEqual([
    {
      ...{ name: "api-latency", kind: "metric", state: "ok", since: "1970-01-01T00:00:03.000Z" },
      ...{ reason: "1 of 1 periods [3] >= 1", description: "api-latency: it rings." },
      runbook: "docs/runbook.md#api-latency",
    },
  ]);
});
