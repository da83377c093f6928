import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";

/** A minute of alarms and metrics lasts so long. */
const minuteMs = 500;
const local = (name: string) => `pennyline-local-${name}`;
const patiently = { timeout: 40_000, interval: 50 };

let cloud: TestCloud;
let api: ApiClient;

beforeAll(async () => {
  cloud = await startTestCloud({ seed: 1, minuteMs });
  api = await apiClient(cloud);
  await runAll();
});
afterAll(() => stopTestCloud(cloud));

const runAll = () => Promise.all(cloud.scheduleNames.map((name) => cloud.fireSchedule(name)));

/** All that an operator has: what the API tells an admin. */
async function ask(path: string) {
  const answer = await api.call("GET", `/v1/admin/${path}`, { token: api.admin });
  expect([path, answer.status]).toEqual([path, 200]);
  return answer.body;
}
async function queueOf(name: string) {
  const { items } = await ask("queues");
  return items.find(({ queue }: { queue: string }) => queue === name);
}
const ringing = async (): Promise<string[]> =>
  (await ask("alarms")).items.map(({ name }: { name: string }) => name);

describe("queues and alarms", () => {
  const worker = "count-engagements";

  test("a queue says what waits, since when, and what comes and goes", async () => {
    await api.putArticle("waits", "waits");
    cloud.faults.plan({ functions: { [local(worker)]: { throttle: 1 } } });
    await api.postViews("waits", readerIds(3));
    // Two minutes and more, of those that last half a second.
    const arriving = async () => {
      await api.postViews("waits", readerIds(1));
      return (await queueOf(worker)).arrivedPerMinute;
    };
    await expect.poll(arriving, patiently).toBeGreaterThan(0);
    const oldest = async () => (await queueOf(worker)).oldestSeconds;
    await expect.poll(oldest, patiently).toBeGreaterThan(120);
    const { waiting, inFlight, measuredAt } = await queueOf(worker);
    expect(waiting + inFlight).toBeGreaterThan(1);
    expect(Date.now() - Date.parse(measuredAt)).toBeLessThan(5 * 60_000);

    cloud.faults.plan({});
    const done = async () => (await queueOf(worker)).donePerMinute;
    await expect.poll(done, patiently).toBeGreaterThan(0);
    await cloud.waitUntilIdle();
    const quiet = async () => {
      const { waiting, delayed, inFlight, oldestSeconds, ...rest } = await queueOf(worker);
      return [waiting, delayed, inFlight, oldestSeconds, rest.arrivedPerMinute, rest.donePerMinute];
    };
    await expect.poll(quiet, patiently).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("what rings is told by name, with since when, why, and where to read on", async () => {
    await expect.poll(ringing, patiently).toContain("users-waiting");
    const { items, counts } = await ask("alarms?state=alarm");
    const kinds = items.map(({ kind }: { kind: string }) => kind);
    expect(kinds).toEqual(kinds.toSorted());
    expect(items[0]).toMatchObject({
      ...{ name: "money-at-risk", kind: "composite", state: "alarm" },
      description: "Money is late, stuck or wrong.",
      runbook: "docs/runbook.md#money-at-risk",
    });
    expect(items[0].reason).toContain("-not-running");
    expect(Date.now() - Date.parse(items[0].since)).toBeLessThan(60_000);
    expect(counts.alarm).toBe(items.length);

    const all = (await ask("alarms?state=any")).items;
    expect(all).toHaveLength(cloud.alarms.list().length);
    const odd = await api.call("GET", "/v1/admin/alarms?state=red", { token: api.admin });
    expect([odd.status, odd.body.detail]).toEqual([
      400,
      "state: must be alarm, ok, insufficient-data or any",
    ]);
  });

  test("without CloudWatch the rest is answered, and says so", async () => {
    cloud.faults.plan({ cloudWatch: { fail: 1 } });
    const { items, missing } = await ask("queues");
    const alarms = await api.call("GET", "/v1/admin/alarms", { token: api.admin });
    cloud.faults.plan({});
    expect(missing).toEqual(["ages and rates: CloudWatch could not be read"]);
    expect(items[0]).toMatchObject({ waiting: 0, inFlight: 0, deadLettersOpen: 0 });
    expect(items[0]).not.toHaveProperty("oldestSeconds");
    expect(alarms.status).toBe(503);
    expect((await ask("queues")).missing).toEqual([]);
  });
});
