import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { type JobClient, jobClient } from "./support/job-client.ts";
import { type PushService, startPushService } from "./support/push-service.ts";

let cloud: TestCloud;
let api: ApiClient;
let jobs: JobClient;
let push: PushService;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  jobs = jobClient(api);
  push = await startPushService();
});
afterAll(async () => {
  push.stop();
  await stopTestCloud(cloud);
});

const consentedAt = "2026-01-01T00:00:00Z";
const inbox = { consentedAt };
const email = (name: string) => ({ address: `${name}@example.com`, consentedAt });
const webPush = (name: string) => ({ subscription: push.subscribe(name), consentedAt });

const change = (method: string, path: string, body?: unknown, key: string = randomUUID()) =>
  api.call(method, path, { token: api.publisher, body, headers: { "idempotency-key": key } });
const get = async (path: string, token = api.publisher) =>
  (await api.call("GET", path, { token })).body;

async function follow(creatorId: string, readerId: string, channels: object) {
  const answer = await change("PUT", `/v1/creators/${creatorId}/followers/${readerId}`, {
    channels,
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

async function publish(articleId: string, more: object = {}) {
  const url = `https://pages.example.com/${encodeURIComponent(articleId)}`;
  const path = `/v1/articles/${encodeURIComponent(articleId)}/publish`;
  const answer = await change("POST", path, { url, ...more });
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  return answer.body.jobId as string;
}

async function mails() {
  const response = await fetch(`${cloud.url}/_local/mailbox`, {
    headers: { accept: "application/json" },
  });
  return (
    (await response.json()) as {
      mails: { to: string[]; subject: string; id: string; text: string }[];
    }
  ).mails;
}
const mailsTo = async (name: string) =>
  (await mails()).filter(({ to }) => to.includes(`${name}@example.com`));
const inboxOf = async (readerId: string) => (await get(`/v1/readers/${readerId}/inbox`)).items;

describe("an article is published", () => {
  test("each follower is told by the channels they agreed to, and no other", async () => {
    await api.putArticle("novel/chapter-1", "ada");
    await follow("ada", "r1", { email: email("r1"), inbox });
    await follow("ada", "r2", { webPush: webPush("r2"), inbox });
    await follow("ada", "r3", {});
    const jobId = await publish("novel/chapter-1", { title: "One <b>", excerpt: 'It was "dark"' });
    const job = await jobs.finished(jobId);
    expect(job).toMatchObject({ state: "succeeded", progress: { percent: 100 } });
    expect(job.result).toMatchObject({
      ...{ "email.sent": 1, "webPush.sent": 1, "inbox.sent": 2 },
      ...{ "email.failed": 0, "webPush.failed": 0, "inbox.failed": 0 },
    });
    expect(await mailsTo("r1")).toMatchObject([{ subject: "One <b>" }]);
    expect(push.pushedTo("r2")).toMatchObject([{ message: { title: "One <b>" } }]);
    expect(await inboxOf("r1")).toMatchObject([{ articleId: "novel/chapter-1" }]);
    expect(await inboxOf("r3")).toEqual([]);
  });
});
