import { createPublicKey, verify } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fanOutChunkDue } from "../../core/contracts/events.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { type JobClient, jobClient } from "./support/job-client.ts";
import {
  addressOf,
  consentedAt,
  email,
  inbox,
  type NotificationClient,
  notificationClient,
} from "./support/notification-client.ts";
import { type PushService, startPushService } from "./support/push-service.ts";
import { queueRecord } from "./support/queue-record.ts";

let cloud: TestCloud;
let api: ApiClient;
let client: NotificationClient;
let jobs: JobClient;
let push: PushService;
let slowPush: PushService;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  client = notificationClient(cloud, api);
  jobs = jobClient(api);
  push = await startPushService();
  slowPush = await startPushService();
});
afterAll(async () => {
  push?.stop();
  slowPush?.stop();
  await stopTestCloud(cloud);
});

const patiently = { timeout: 60_000, interval: 100 };
const webPush = (name: string, service = push) => ({
  subscription: service.subscribe(name),
  consentedAt,
});
const worker = (name: string) => `pennyline-local-${name}`;
const errorsOf = (name: string) => cloud.stats.functions[worker(name)]?.errors ?? 0;
const subjectsTo = async (name: string) =>
  (await client.mailsTo(addressOf(name))).map(({ subject }) => subject);
const inboxOf = async (reader: string) =>
  (await client.inboxOf(reader)).map(({ articleId }: { articleId: string }) => articleId);

/** What was received and not finished comes back, as it would when its time-out is over. */
const comeBack = (name: string) => cloud.queues.get(worker(name)).expireVisibility();
/** Messages of a worker that wait to come back. */
const heldBack = (name: string) => cloud.queues.get(worker(name)).depth().inFlight;

describe("an article is published", () => {
  test("each follower is told by the channels they agreed to, and no other", async () => {
    await client.change("PUT", "/v1/creators/ada", { name: "Ada Lovelace" });
    await api.putArticle("novel/chapter-1", "ada");
    await client.follow("ada", "r1", { email: email("r1"), inbox });
    await client.follow("ada", "r2", { webPush: webPush("r2"), inbox });
    await client.follow("ada", "r3", {});
    const excerpt = 'It was "dark"';
    const jobId = await client.publish("novel/chapter-1", { title: "One <b>", excerpt });
    const job = await jobs.finished(jobId);
    expect(job).toMatchObject({
      ...{ state: "succeeded", progress: { percent: 100, message: "4 sent, 0 skipped, 0 failed" } },
      result: { "email.sent": 1, "webPush.sent": 1, "inbox.sent": 2, "inbox.failed": 0 },
    });
    const url = "https://pages.example.com/novel%2Fchapter-1";
    const [mail] = await client.mailsTo(addressOf("r1"));
    expect(mail).toMatchObject({ subject: "One <b>" });
    expect(mail?.text).toContain(`Ada Lovelace published something new\n\nOne <b>\n\n${excerpt}`);
    expect(mail?.html).toContain(`<a href="${url}"`);
    expect(push.pushedTo("r2")).toMatchObject([
      { message: { title: "One <b>", body: excerpt, by: "Ada Lovelace", url } },
    ]);
    expect(await client.inboxOf("r1")).toMatchObject([
      { articleId: "novel/chapter-1", creatorId: "ada", title: "One <b>", excerpt, url },
    ]);
    expect(await inboxOf("r3")).toEqual([]);
  });

  test("a follower of two who share in it is told once, and nobody twice by a second job", async () => {
    const shares = ["bea", "cid"].map((creatorId) => ({ creatorId, basisPoints: 5_000 }));
    await client.change("PUT", "/v1/articles/duo", { title: "Duo", shares });
    for (const creator of ["bea", "cid"]) {
      await client.follow(creator, "both", { email: email("both"), inbox });
    }
    const { result } = await jobs.finished(await client.publish("duo"));
    expect(result).toMatchObject({
      ...{ "email.sent": 1, "email.skipped": 1, "inbox.sent": 1, "inbox.skipped": 1 },
      reasons: { "email.skipped.told-before": 1, "inbox.skipped.told-before": 1 },
    });
    await client.follow("bea", "late", { email: email("late"), inbox });
    const again = await jobs.finished(await client.publish("duo"));
    expect(again.result).toMatchObject({ "email.sent": 1, "email.skipped": 2 });
    expect(await subjectsTo("both")).toEqual(["Duo"]);
    expect(await inboxOf("both")).toEqual(["duo"]);
    expect(await subjectsTo("late")).toEqual(["Duo"]);
  });

  test("inboxes are read page by page, the newest first", async () => {
    await client.follow("pat", "pages", { inbox });
    for (const article of ["p1", "p2", "p3"]) {
      await api.putArticle(article, "pat");
      await jobs.finished(await client.publish(article));
    }
    const read = async (query: string) =>
      (await api.call("GET", `/v1/readers/pages/inbox${query}`, { token: api.publisher })).body;
    const first = await read("?limit=2");
    const second = await read(`?limit=2&cursor=${encodeURIComponent(first.nextCursor)}`);
    const ids = [...first.items, ...second.items].map(({ articleId }) => articleId);
    expect([ids, second.nextCursor]).toEqual([["p3", "p2", "p1"], undefined]);
    expect(
      (await api.call("GET", "/v1/readers/pages/inbox?cursor=x", { token: api.publisher })).status,
    ).toBe(400);
  });

  test("I6: the same request is one job; another path, article or address is refused", async () => {
    await api.putArticle("once", "ada");
    const post = (path: string, body: object, key: string) =>
      client.change("POST", `/v1/articles/${path}`, body, key);
    const body = { url: "https://example.com/once" };
    const [one, other] = [
      await post("once/publish", body, "publish-once"),
      await post("once/publish", body, "publish-once"),
    ];
    expect([one.status, other.body.jobId]).toEqual([202, one.body.jobId]);
    expect(one.headers.get("location")).toBe(`/v1/jobs/${one.body.jobId}`);
    const changed = { url: "https://example.com/twice" };
    expect((await post("once/publish", changed, "publish-once")).status).toBe(409);
    expect((await post("unknown/publish", body, "k1")).status).toBe(404);
    expect((await post("once", body, "k2")).status).toBe(404);
    for (const url of ["ftp://example.com/x", "not a url", "https://a:b@example.com/"]) {
      const refused = await post("once/publish", { url }, "k3");
      expect([refused.status, refused.body.errors[0].field]).toEqual([400, "url"]);
    }
  });
});

describe("Web Push", () => {
  test("proves who sends, and has messages of one article replace each other", async () => {
    await api.putArticle("signed", "vic");
    await client.follow("vic", "v1", { webPush: webPush("v1") });
    await jobs.finished(await client.publish("signed"));
    const [{ headers } = expect.unreachable("nothing was pushed")] = push.pushedTo("v1");
    expect(headers).toMatchObject({
      ttl: "259200",
      urgency: "normal",
      topic: expect.stringMatching(/^[\w-]{32}$/),
    });
    const { publicKey } = (await api.call("GET", "/v1/web-push-key")).body;
    const [, token = "", key] = /^vapid t=(\S+), k=(\S+)$/.exec(headers.authorization ?? "") ?? [];
    expect(key).toBe(publicKey);
    const [head, claims, signature = ""] = token.split(".");
    const point = Buffer.from(publicKey, "base64url");
    const [x = "", y = ""] = [point.subarray(1, 33), point.subarray(33)].map((half) =>
      half.toString("base64url"),
    );
    const jwk = { kty: "EC", crv: "P-256", x, y } as const;
    const isValid = verify(
      "sha256",
      Buffer.from(`${head}.${claims}`),
      { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" },
      Buffer.from(signature, "base64url"),
    );
    const { aud, sub } = JSON.parse(Buffer.from(claims ?? "", "base64url").toString());
    expect([isValid, aud, sub]).toEqual([true, push.origin, "https://issuer.pennyline.local"]);
  });

  test("a subscription that is gone is dropped", async () => {
    await api.putArticle("gone", "gil");
    await client.follow("gil", "g1", { webPush: webPush("g1"), inbox });
    push.answer("g1", 410);
    const { result } = await jobs.finished(await client.publish("gone"));
    expect(result).toMatchObject({ "webPush.skipped": 1, reasons: { "webPush.skipped.gone": 1 } });
    const { channels, items } = await client.followersOf("gil");
    expect([channels, items[0].channels.webPush.state]).toEqual([
      { email: 0, webPush: 0, inbox: 1 },
      "gone",
    ]);
  });

  test("a service that asks for time gets it, and is tried again", async () => {
    await api.putArticle("busy", "hal");
    await client.follow("hal", "h1", { webPush: webPush("h1", slowPush) });
    slowPush.answer("h1", 429, "1");
    const jobId = await client.publish("busy");
    await expect.poll(() => slowPush.refusals(), patiently).toBeGreaterThan(0);
    slowPush.answer("h1", 201);
    // By itself: brought back too early it would be held back again, which uses up a receive.
    await expect.poll(() => slowPush.pushedTo("h1").length, patiently).toBe(1);
    expect((await jobs.finished(jobId)).result).toMatchObject({ "webPush.sent": 1 });
  });

  test("W1: a service that hangs delays nobody but itself, and a cancelled job goes on no more", async () => {
    await api.putArticle("hung", "ida");
    await client.follow("ida", "i1", { webPush: webPush("i1", slowPush) });
    await client.follow("ida", "i2", { email: email("i2"), inbox });
    slowPush.hang(true);
    const jobId = await client.publish("hung");
    await expect.poll(() => subjectsTo("i2"), patiently).toEqual(["hung"]);
    await expect.poll(() => inboxOf("i2"), patiently).toEqual(["hung"]);
    const running = (await jobs.read(jobId)).body;
    expect([running.state, slowPush.pushedTo("i1")]).toEqual(["running", []]);
    expect((await jobs.cancel(jobId)).body.state).toBe("cancelled");
    slowPush.hang(false);
    // It comes back once more, finds the job cancelled, and is done.
    await expect.poll(() => heldBack("notify-by-push"), patiently).toBe(1);
    await expect
      .poll(() => {
        comeBack("notify-by-push");
        return heldBack("notify-by-push");
      }, patiently)
      .toBe(0);
    expect((await jobs.read(jobId)).body.state).toBe("cancelled");
    expect(slowPush.pushedTo("i1")).toEqual([]);
  });
});

test("an address is in no log, no message and no answer", async () => {
  const canary = "canary-7d1f";
  await api.putArticle("private", "sue");
  await client.follow("sue", "s1", { email: email(canary), inbox });
  await client.change("PUT", "/v1/creators/sue/followers/s2", {
    channels: { email: { address: `${canary}@x`, consentedAt } },
  });
  await jobs.finished(await client.publish("private"));
  await cloud.waitUntilIdle();
  expect(await subjectsTo(canary)).toEqual(["private"]);
  for (const folder of [cloud.dataDir.logs, cloud.dataDir.queues]) {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    );
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const text = readFileSync(join(file.parentPath, file.name)).toString("latin1");
      expect([file.name, text.includes(canary)]).toEqual([file.name, false]);
    }
  }
});

describe("Q7: a worker is killed", () => {
  const kill = (name: string, call: number, when: "before" | "after") =>
    cloud.faults.once({
      ...{ on: "invocation", function: worker(name) },
      fault: { kind: "kill-at-call", call, when },
    });

  /** In the middle of its one e-mail: its 10th call, once it has its secrets. */
  test.each(["before", "after"] as const)(
    "%s SES had the e-mail: it is sent once",
    async (when) => {
      const [article, reader] = [`killed-${when}`, `k-${when}`];
      await client.follow(reader, reader, { email: email(reader) });
      await api.putArticle(`first-${when}`, reader);
      await jobs.finished(await client.publish(`first-${when}`, { title: "first" }));
      await api.putArticle(article, reader);
      const errors = errorsOf("notify-by-email");
      kill("notify-by-email", 10, when);
      const jobId = await client.publish(article);
      await expect.poll(() => errorsOf("notify-by-email"), patiently).toBe(errors + 1);
      const sentAlready = when === "after" ? [article, "first"] : ["first"];
      expect(await subjectsTo(reader)).toEqual(sentAlready);
      // SES' own word of it is recorded.
      await expect.poll(() => heldBack("record-mail-reports"), patiently).toBe(0);
      await expect.poll(() => heldBack("notify-by-email"), patiently).toBe(1);
      comeBack("notify-by-email");
      if (when === "before") {
        // Nobody knows what became of it until five minutes later.
        await cloud.waitUntilIdle();
        expect([(await jobs.read(jobId)).body.state, await subjectsTo(reader)]).toEqual([
          "running",
          ["first"],
        ]);
        await cloud.fireDueSchedules(new Date(Date.now() + 6 * 60_000));
      }
      expect((await jobs.finished(jobId)).result).toMatchObject({
        "email.sent": 1,
        "email.failed": 0,
      });
      expect(await subjectsTo(reader)).toEqual([article, "first"]);
    },
  );

  test("every time: what is left is given up, and the job ends", async () => {
    await api.putArticle("poison", "pam");
    await client.follow("pam", "pam-1", { email: email("pam-1"), inbox });
    const name = worker("notify-by-email");
    // Its last attempt has just time to say that it is the last.
    cloud.faults.plan({
      functions: { [name]: { killAtCall: { chance: 1, call: 6, when: "before" } } },
    });
    const errors = errorsOf("notify-by-email");
    const jobId = await client.publish("poison");
    for (let receive = 1; receive <= 4; receive += 1) {
      await expect.poll(() => errorsOf("notify-by-email"), patiently).toBe(errors + receive);
      comeBack("notify-by-email");
    }
    const deadLetters = cloud.queues.get(`${name}-dead-letters`);
    await expect.poll(() => deadLetters.depth().visible, patiently).toBe(1);
    cloud.faults.plan({});
    expect((await jobs.read(jobId)).body.state).toBe("running");
    await cloud.fireDueSchedules(new Date(Date.now() + 16 * 60_000));
    expect(await jobs.finished(jobId)).toMatchObject({
      state: "succeeded",
      result: { "inbox.sent": 1, "email.failed": 1, reasons: { "email.failed.gave-up": 1 } },
    });
    // Told after all, once the cause is mended.
    const { result } = await jobs.finished(await client.publish("poison"));
    expect(result).toMatchObject({ "email.sent": 1, "inbox.sent": 0, "inbox.skipped": 1 });
  });

  test("before it has begun: a chain that is given up leaves nobody uncounted", async () => {
    await api.putArticle("broken", "quo");
    await client.follow("quo", "quo-1", { email: email("quo-1"), inbox });
    const name = worker("fan-out-chunk");
    cloud.faults.plan({ queues: { [name]: { delay: 1, delayMs: 30_000 } } });
    const jobId = await client.publish("broken");
    await expect.poll(async () => (await jobs.read(jobId)).body.state, patiently).toBe("running");
    await expect.poll(() => heldBack("fan-out-chunk"), patiently).toBe(16);
    const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
    for (let shard = 0; shard < 16; shard += 1) {
      const due = { schemaVersion: 1, traceparent, jobId, creatorId: "quo", shard, chunk: 0 };
      const { source, detailType } = fanOutChunkDue;
      const detail = { ...due, giveUp: true };
      const body = JSON.stringify({ source, "detail-type": detailType, detail });
      const answer = await cloud.invoke(name, { Records: [queueRecord(body)] });
      expect(answer).toEqual({ batchItemFailures: [] });
    }
    cloud.faults.plan({});
    expect((await jobs.read(jobId)).body).toMatchObject({
      ...{ state: "failed", error: { title: "Nobody could be told" } },
      result: { "email.failed": 1, "inbox.failed": 1, "email.sent": 0 },
    });
  });
});
