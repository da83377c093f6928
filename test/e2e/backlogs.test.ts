import { randomUUID } from "node:crypto";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { apiClient } from "./support/api-client.ts";
import { cloudForTest, temporaryFolder } from "./support/cloud.ts";
import { jobClient } from "./support/job-client.ts";
import { receiverForTest } from "./support/receiver.ts";

const worker = "pennyline-local-run-integration-sync";
const limit = 10;

/** The application with a limit that a test can reach. */
function assemblyWithSmallBacklog(): string {
  const directory = temporaryFolder();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  cpSync(inject("assemblyDir"), directory, { recursive: true });
  const templates = readdirSync(directory).filter((file) => file.endsWith(".template.json"));
  for (const file of templates.map((name) => join(directory, name))) {
    const template = readFileSync(file, "utf8");
    writeFileSync(
      file,
      template.replaceAll(/"BACKLOG_(NORMAL|LOW)": "\d+"/g, `"BACKLOG_$1": "${limit}"`),
    );
  }
  return directory;
}

test("B1: a backlog over its limit is answered 429 before anything is written, and others go on; it recovers by itself", async () => {
  const cloud = await cloudForTest({ assemblyDir: assemblyWithSmallBacklog() });
  const api = await apiClient(cloud);
  const jobs = jobClient(api);
  const crm = await receiverForTest();
  await api.call("PUT", "/v1/integrations/crm", {
    token: api.publisher,
    body: { url: crm.url, ratePerSecond: 100, timeoutMs: 2_000 },
    headers: { "idempotency-key": randomUUID() },
  });
  const body = { type: "integration.sync", payload: { integrationId: "crm", data: {} } };
  const watch = () => cloud.fireSchedule("pennyline-local-watch-backlogs");
  const depth = () => cloud.queues.get(worker).depth().visible;

  // Given: the worker does not run, and more come than it holds in its hands.
  cloud.faults.plan({ functions: { [worker]: { throttle: 1 } } });
  const first = randomUUID();
  const accepted: string[] = [(await jobs.post(body, first)).body.jobId];
  while (depth() < limit) accepted.push(await jobs.request(body.type, body.payload));
  await watch();

  // Then: no more of them is taken, and nothing of it is kept.
  let refused = await jobs.post(body);
  // An edge function may believe for a second what it read last.
  while (refused.status === 202) {
    accepted.push(refused.body.jobId);
    refused = await jobs.post(body);
  }
  expect([refused.status, refused.headers.get("retry-after"), refused.body]).toMatchObject([
    429,
    "60",
    { type: "urn:pennyline:problem:too-many-requests", title: "Too much is waiting" },
  ]);
  const listed = async () =>
    (await jobs.get("/v1/jobs?type=integration.sync&limit=100")).body.items.length;
  expect(await listed()).toBe(accepted.length);

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
  const patiently = { timeout: 50_000, interval: 200 };
  await expect.poll(finish, patiently).toEqual(accepted.map(() => "succeeded"));
  await watch();
  await expect.poll(async () => (await jobs.post(body)).status, patiently).toBe(202);
});
