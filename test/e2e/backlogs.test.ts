import { randomUUID } from "node:crypto";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kindsOfWork, type WorkKind, workAskedFor } from "../../core/contracts/queued-work.ts";
import { type Role, type Route, routes } from "../../core/contracts/routes.ts";
import { pressureItem } from "../../core/contracts/storage.ts";
import { type Answer, type ApiClient, apiClient } from "./support/api-client.ts";
import { assemblyWithLimits, rising } from "./support/assembly.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { cloudTables } from "./support/cloud-tables.ts";
import { type JobClient, jobClient } from "./support/job-client.ts";
import { receiverForTest } from "./support/receiver.ts";

const local = (name: string) => `pennyline-local-${name}`;
/** Numbers that a test can reach. */
const assembly = () =>
  assemblyWithLimits({
    ...{ leastWaiting: 1, retryAfterSeconds: 60 },
    // A minute of ages lasts a second here, as one of alarms does.
    low: rising(100, 200, 1_000, 120),
    normal: rising(5, 10, 1_000),
    money: rising(10, 20, 30),
  });

let cloud: TestCloud;
let api: ApiClient;
let jobs: JobClient;
let removeAssembly: () => void;

beforeAll(async () => {
  const { directory, remove } = assembly();
  removeAssembly = remove;
  cloud = await startTestCloud({ assemblyDir: directory, minuteMs: 1_000 });
  api = await apiClient(cloud);
  jobs = jobClient(api);
});
afterAll(async () => {
  await stopTestCloud(cloud);
  removeAssembly?.();
});

const watch = () => cloud.fireSchedule(local("watch-backlogs"));
const depthOf = (queue: string) => cloud.queues.get(local(queue)).depth().visible;
const patiently = { timeout: 50_000, interval: 200 };

/** An environment may believe for a second what it read last. */
const becomes = (status: number, ask: () => Promise<Answer>) =>
  expect.poll(async () => (await ask()).status, patiently).toBe(status);

/** What an operator sees of a queue. */
async function seen(queue: string) {
  const { body } = await api.call("GET", "/v1/admin/queues", { token: api.admin });
  return body.items.find((one: { queue: string }) => one.queue === queue);
}
const refusedOf = async (queue: string) =>
  (await seen(queue)).refused.map(({ work }: { work: WorkKind }) => work);

test("B1: a backlog over its limit is answered 429 before anything is written, and others go on; it recovers by itself", async () => {
  const worker = "run-integration-sync";
  const crm = await receiverForTest();
  await api.call("PUT", "/v1/integrations/crm", {
    token: api.publisher,
    body: { url: crm.url, ratePerSecond: 100, timeoutMs: 2_000 },
    headers: { "idempotency-key": randomUUID() },
  });
  const body = { type: "integration.sync", payload: { integrationId: "crm", data: {} } };

  // Given: the worker does not run, and more come than it holds in its hands.
  cloud.faults.plan({ functions: { [local(worker)]: { throttle: 1 } } });
  const first = randomUUID();
  const accepted: string[] = [(await jobs.post(body, first)).body.jobId];
  while (depthOf(worker) < 10) accepted.push(await jobs.request(body.type, body.payload));
  await watch();

  // Then: no more of them is taken, and nothing of it is kept.
  let refused = await jobs.post(body);
  while (refused.status === 202) {
    accepted.push(refused.body.jobId);
    refused = await jobs.post(body);
  }
  const waiting = depthOf(worker);
  expect([refused.status, refused.body]).toMatchObject([
    429,
    {
      type: "urn:pennyline:problem:too-much-waiting",
      title: "Too much is waiting",
      backlog: { work: "integration.sync", queue: worker, level: "hard" },
    },
  ]);
  expect(refused.body.backlog.waiting).toBeLessThanOrEqual(waiting);
  const retryAfter = refused.headers.get("retry-after") ?? "";
  expect(retryAfter).toMatch(/^\d+$/);
  expect(Number(retryAfter)).toBeGreaterThanOrEqual(60);
  expect(Number(retryAfter)).toBeLessThan(120);
  const listed = async () =>
    (await jobs.get("/v1/jobs?type=integration.sync&limit=100")).body.items.length;
  expect(await listed()).toBe(accepted.length);
  expect(await seen(worker)).toMatchObject({
    level: "hard",
    refused: [{ work: "integration.sync", since: refused.body.backlog.since }],
  });

  // And: a retry of one that was accepted is answered as before, and other types go on.
  const retried = await jobs.post(body, first);
  expect([retried.status, retried.body.jobId]).toEqual([202, accepted[0]]);
  const draft = { creatorId: "ada", draftId: "d", baseRevision: 0, text: "Go on." };
  const saved = await jobs.request("draft.save", draft);
  expect((await jobs.finished(saved)).state).toBe("succeeded");

  // When it is worked off, it is taken again.
  cloud.faults.plan({});
  const finish = async () => {
    await cloud.fireDueSchedules(new Date(Date.now() + 86_400_000));
    return Promise.all(accepted.map(async (id) => (await jobs.read(id)).body.state));
  };
  await expect.poll(finish, patiently).toEqual(accepted.map(() => "succeeded"));
  await watch();
  await becomes(202, () => jobs.post(body));
  expect(await seen(worker)).toMatchObject({ level: "none", refused: [] });
});

test("B1: a few that have waited for too long are too much as well", async () => {
  const worker = "run-statement-render";
  const rendering = () =>
    jobs.post({ type: "statement.render", payload: { creatorId: "ada", month: "2026-10" } });
  cloud.faults.plan({ functions: { [local(worker)]: { throttle: 1 } } });
  while (depthOf(worker) < 1) expect((await rendering()).status).toBe(202);
  expect(await seen(worker)).toMatchObject({ level: "none", refused: [] });
  const level = async () => {
    await watch();
    return (await seen(worker)).level;
  };
  await expect.poll(level, patiently).toBe("soft");
  await becomes(429, rendering);
  const { backlog } = (await rendering()).body;
  expect(backlog).toMatchObject({ work: "statement.render", queue: worker, level: "soft" });
  expect(backlog.waiting).toBeLessThan(100);
  expect(backlog.oldestSeconds).toBeGreaterThanOrEqual(120);

  cloud.faults.plan({});
  await cloud.waitUntilIdle();
  await watch();
  await becomes(202, rendering);
  await cloud.waitUntilIdle();
});

describe("B1: what can wait makes room for money, and views are refused last", () => {
  const queue = "count-engagements";
  const today = new Date().toISOString().slice(0, 10);
  const exporting = () =>
    jobs.post({ type: "export.engagements", payload: { from: today, to: today } });
  const saving = () =>
    jobs.post({
      type: "draft.save",
      payload: { creatorId: "ada", draftId: randomUUID(), baseRevision: 0, text: "More." },
    });
  const viewing = (token: string) =>
    api.call("POST", "/v1/engagements", { body: { token, kind: "view" } });
  const batch = (readers: readonly string[]) =>
    api.call("POST", "/v1/engagements/batch", {
      token: api.publisher,
      body: {
        engagements: readers.map((readerId) => ({ articleId: "viral", readerId, kind: "view" })),
      },
    });
  /** Accepted, each once. */
  const views = new Set<string>();
  async function viewedUntil(waiting: number) {
    while (depthOf(queue) < waiting) {
      const reader = `reader-${views.size}`;
      expect((await batch([reader])).status).toBe(202);
      views.add(reader);
    }
    await watch();
  }
  let tokens: string[];
  const late = ["late-1", "late-2", "late-3"];
  const reviewKey = randomUUID();
  const reviewing = (readerId: string) =>
    api.call("POST", "/v1/admin/reviews", {
      token: api.admin,
      body: { decision: "release", note: "fine", from: today, to: today, readerId },
      headers: { "idempotency-key": reviewKey },
    });

  beforeAll(async () => {
    await api.putArticle("viral", "ada");
    tokens = await Promise.all(late.map((reader) => api.viewToken("viral", reader)));
    cloud.faults.plan({ functions: { [local(queue)]: { throttle: 1 } } });
  });

  test("soft: exports and statements wait, all else goes on", async () => {
    await viewedUntil(10);
    await becomes(429, exporting);
    const { body } = await exporting();
    expect(body.detail).toMatch(/Money comes first: \d+ messages wait in count-engagements/);
    expect((await saving()).status).toBe(202);
    expect(await refusedOf(queue)).toEqual(["statement.render", "export.engagements"]);
    expect(await seen(queue)).toMatchObject({ level: "soft" });
  });

  test("hard: so does all but engagements", async () => {
    await viewedUntil(20);
    await becomes(429, saving);
    expect(await seen(queue)).toMatchObject({ level: "hard" });
    const all = Object.keys(kindsOfWork);
    expect(await refusedOf(queue)).toEqual(all.filter((kind) => kind !== "engagements"));
    const publishing = await api.call("POST", "/v1/articles/viral/publish", {
      token: api.publisher,
      body: { url: "https://pennyline.example/viral" },
      headers: { "idempotency-key": randomUUID() },
    });
    expect([publishing.status, publishing.body.backlog.work]).toEqual([429, "notification.fanout"]);
    expect((await batch(["hard-1"])).status).toBe(202);
    views.add("hard-1");
  });

  test("full: engagements too, a batch whole, before the bus has any of it", async () => {
    await viewedUntil(30);
    await becomes(429, () => batch(late));
    await becomes(429, () => viewing(tokens[0] ?? ""));
    // What got through in the second in which environments believe what they read last.
    const through = depthOf(queue);
    const accepted = cloud.stats.eventsAccepted;
    for (const token of tokens) expect((await viewing(token)).status).toBe(429);
    const whole = await batch([...late, "late-4"]);
    expect([whole.status, whole.body.backlog]).toMatchObject([
      429,
      { work: "engagements", queue, level: "full" },
    ]);
    expect(cloud.stats.eventsAccepted).toBe(accepted);
    expect(depthOf(queue)).toBe(through);
    expect(await refusedOf(queue)).toEqual(Object.keys(kindsOfWork));
  });

  test("every other route that asks for queued work refuses it, and nothing else does", async () => {
    const askingForJobs = ["request-job", "publish-article"];
    const asked: Partial<Record<string, readonly WorkKind[]>> = workAskedFor;
    const tokenOf: Record<Role, string> = {
      ...{ publisher: api.publisher, admin: api.admin },
      creator: await cloud.mintToken({ role: "creator", id: "ada" }),
    };
    const ask = ({ method, path, allow }: Route) =>
      api.call(method, path.replaceAll(/\{[^}]+\}/g, "some"), {
        token: allow[0] && tokenOf[allow[0]],
        ...(method === "GET" ? {} : { body: {}, headers: { "idempotency-key": randomUUID() } }),
      });
    // Jobs are looked up first: see above for those.
    for (const route of routes.filter(({ operation }) => !askingForJobs.includes(operation))) {
      if (asked[route.operation]?.length) await becomes(429, () => ask(route));
      else if (route.method !== "GET") expect((await ask(route)).status, route.path).not.toBe(429);
    }
  });

  test("somebody is told, and the canary is refused without a failure", async () => {
    const state = async () => {
      await watch();
      return cloud.alarms.get(local("engagements-shed")).state;
    };
    await expect.poll(state, patiently).toBe("ALARM");
    const failures = cloud.stats.metrics.CanaryFailures;
    expect(await cloud.fireSchedule(local("run-canary"))).toMatchObject({ ok: true });
    expect(cloud.stats.metrics.CanaryFailures).toBe(failures);
    expect((await reviewing("some")).status).toBe(429);
    expect(cloud.stats.metrics.WorkShed).toBeGreaterThan(5);
  });

  test("it is over by itself, and views that were sent again count once", async () => {
    cloud.faults.plan({});
    await cloud.waitUntilIdle();
    await watch();
    expect(await seen(queue)).toMatchObject({ level: "none", refused: [] });
    await becomes(202, () => viewing(tokens[0] ?? ""));
    for (const token of [...tokens, ...tokens]) expect((await viewing(token)).status).toBe(202);
    for (const reader of late) views.add(reader);
    await Promise.all([becomes(202, exporting), becomes(202, saving)]);
    // Nothing remembers the request that was refused: its key is free for another.
    await becomes(202, () => reviewing("another"));

    await cloud.waitUntilIdle();
    await cloud.fireSchedule(local("settle-earnings"));
    await cloud.waitUntilIdle();
    const path = "/v1/creators/ada/earnings?groupBy=article";
    const { body } = await api.call("GET", path, { token: api.publisher });
    expect(body.items).toMatchObject([{ views: views.size }]);
    expect((await api.proof()).differences).toEqual([]);
    expect(cloud.alarms.get(local("engagements-shed")).state).toBe("OK");
  });

  test("while nobody can read how full queues are, all is accepted, and that is told", async () => {
    await becomes(202, () => batch(["read"]));
    const tables = cloudTables(cloud);
    // Of another version, say.
    const unreadable = { pk: pressureItem, sk: pressureItem, state: "{}" };
    await tables.client.send(
      new PutCommand({ TableName: tables.tableOf("Pacing"), Item: unreadable }),
    );
    const told = () => cloud.stats.metrics.PressureUnread ?? 0;
    const answers: number[] = [];
    const ask = async () => {
      answers.push((await batch(["unread"])).status);
      return told();
    };
    await expect.poll(ask, patiently).toBeGreaterThan(0);
    expect(new Set(answers)).toEqual(new Set([202]));
    const { body } = await api.call("GET", "/v1/admin/queues", { token: api.admin });
    expect(body.missing).toEqual(["levels and what is refused: the last look could not be read"]);
    expect(await watch()).toMatchObject({ ok: true });
    expect(await seen(queue)).toMatchObject({ level: "none" });
    tables.stop();
  });
});
