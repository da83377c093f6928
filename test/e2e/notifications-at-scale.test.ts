import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scanItems } from "../../adapters/dynamodb/items.ts";
import { type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";
import { jobClient } from "./support/job-client.ts";
import { putManyFollowers } from "./support/many-followers.ts";

const followers = 20_000;
const coAuthors = 2_000;

let cloud: TestCloud;
let api: ApiClient;
let tables: CloudTables;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  tables = cloudTables(cloud);
});
afterAll(async () => {
  tables?.stop();
  await stopTestCloud(cloud);
});

const worker = (name: string) => `pennyline-local-${name}`;
const errorsOf = (name: string) => cloud.stats.functions[worker(name)]?.errors ?? 0;

/** Everyone an e-mail was kept for: the mailbox itself lists the latest only. */
function mailedTo(): string[] {
  const database = new DatabaseSync(join(cloud.dataDir.services, "services.sqlite"), {
    readOnly: true,
  });
  try {
    const rows = database.prepare("SELECT mail FROM mails").all() as { mail: string }[];
    return rows.flatMap(({ mail }) => JSON.parse(mail).to as string[]);
  } finally {
    database.close();
  }
}

async function inboxes(): Promise<string[]> {
  const found: string[] = [];
  const items = scanItems(tables.client, {
    TableName: tables.tableOf("Followers"),
    FilterExpression: "begins_with(pk, :inbox)",
    ExpressionAttributeValues: { ":inbox": "inbox#" },
  });
  for await (const { pk } of items) found.push(String(pk).slice("inbox#".length));
  return found;
}

const consentedAtMs = 1;
const channels = (reader: string) => ({
  email: { address: `${reader}@example.com`, consentedAtMs },
  inbox: { consentedAtMs },
});

test("Q1: each is told once, and counted once, when every message is delivered twice at once", async () => {
  const readers = readerIds(600, "twice");
  await api.putArticle("twice", "tia");
  await putManyFollowers(tables, "tia", readers, channels);
  const names = [
    "run-notification-fanout",
    "fan-out-chunk",
    "notify-by-email",
    "record-mail-reports",
  ];
  const queues = Object.fromEntries(names.map((name) => [worker(name), { duplicate: 1 }]));
  cloud.faults.plan({ queues });
  const answer = await api.call("POST", "/v1/articles/twice/publish", {
    ...{ token: api.publisher, body: { url: "https://example.com/twice" } },
    headers: { "idempotency-key": randomUUID() },
  });
  const job = await jobClient(api).finished(answer.body.jobId);
  cloud.faults.plan({});
  expect(job).toMatchObject({
    state: "succeeded",
    progress: { message: "1200 sent, 0 skipped, 0 failed" },
  });
  const [mailed, filled] = [mailedTo(), await inboxes()].map((all) =>
    all.filter((one) => one.startsWith("twice")),
  );
  expect([mailed?.length, new Set(mailed).size]).toEqual([600, 600]);
  expect([filled?.length, new Set(filled).size]).toEqual([600, 600]);
});

test("Q7: 20,000 followers are told once each, whatever is killed", {
  timeout: 1_200_000,
}, async () => {
  const publisher = api.publisher;
  const put = (path: string, body: object) =>
    api.call("PUT", path, { token: publisher, body, headers: { "idempotency-key": randomUUID() } });
  const shares = ["ada", "bea"].map((creatorId) => ({ creatorId, basisPoints: 5_000 }));
  expect((await put("/v1/articles/saga", { title: "Saga", shares })).status).toBe(200);
  const readers = readerIds(followers);
  const isReader = (name: string) => name.startsWith("reader-");
  await putManyFollowers(tables, "ada", readers, channels);
  // They follow both who share in it.
  await putManyFollowers(tables, "bea", readers.slice(0, coAuthors), channels);

  const kill = (name: string, call: number, when: "before" | "after") =>
    cloud.faults.once({
      ...{ on: "invocation", function: worker(name) },
      fault: { kind: "kill-at-call", call, when },
    });
  // Call 25 is one of ten e-mails under way.
  kill("notify-by-email", 25, "before");
  kill("notify-by-email", 25, "after");
  kill("fan-out-chunk", 9, "before");
  kill("fan-out-chunk", 14, "after");
  const answer = await api.call("POST", "/v1/articles/saga/publish", {
    ...{ token: publisher, body: { url: "https://example.com/saga" } },
    headers: { "idempotency-key": randomUUID() },
  });
  const { jobId } = answer.body;
  const jobs = jobClient(api);
  await expect
    .poll(() => [errorsOf("notify-by-email"), errorsOf("fan-out-chunk")], { timeout: 180_000 })
    .toEqual([2, 2]);
  // What the killed ones held comes back, as it would when its time-out is over.
  const queues = [worker("notify-by-email"), worker("fan-out-chunk")];
  await expect
    .poll(() => queues.map((name) => cloud.queues.get(name).depth().visible), {
      timeout: 900_000,
      interval: 1_000,
    })
    .toEqual([0, 0]);
  for (const name of queues) cloud.queues.get(name).expireVisibility();
  await cloud.waitUntilIdle({ timeoutMs: 300_000 });
  // Five minutes later it is known what was not sent.
  await cloud.fireDueSchedules(new Date(Date.now() + 6 * 60_000));
  await cloud.waitUntilIdle({ timeoutMs: 300_000 });

  const job = await jobs.finished(jobId);
  expect(job).toMatchObject({ state: "succeeded", progress: { percent: 100 } });
  const mailed = mailedTo().filter(isReader);
  expect([mailed.length, new Set(mailed).size]).toEqual([followers, followers]);
  const filled = (await inboxes()).filter(isReader);
  expect([filled.length, new Set(filled).size]).toEqual([followers, followers]);
  expect(job.result).toMatchObject({
    ...{ "email.sent": followers, "email.skipped": coAuthors, "email.failed": 0 },
    ...{ "inbox.sent": followers, "inbox.skipped": coAuthors, "inbox.failed": 0 },
  });
});
