import { randomUUID } from "node:crypto";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { dynamoDbArticleGroups } from "../../adapters/dynamodb/article-group-store.ts";
import { counterKey, holdBucketOf } from "../../adapters/dynamodb/counter-items.ts";
import { impressionKeyItem } from "../../adapters/dynamodb/impression-items.ts";
import { queryItems } from "../../adapters/dynamodb/items.ts";
import { sha256Hex } from "../../adapters/runtime.ts";
import type { ArticleId, CreatorId, ReaderId } from "../../core/contracts/ids.ts";
import { type ImpressionKey, readerDayOf } from "../../core/earnings/impression-key.ts";
import { dayMs, utcDayOf } from "../../core/values/time.ts";
import type { Cloud } from "../../local/cloud.ts";
import { type ApiClient, apiClient, type Call, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud } from "./support/cloud.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";

/** All of a test's engagements are of one moment, so that none falls into another hour or day. */
const nowMs = Date.now();
const occurredAt = new Date(nowMs).toISOString();
const today = utcDayOf(nowMs);

/** Q3: each message of a review comes twice, at once. */
const faults = { queues: { "pennyline-local-apply-review": { duplicate: 1 } } };

let cloud: Cloud;
let api: ApiClient;
let tables: CloudTables;

beforeAll(async () => {
  cloud = await startTestCloud({ faults });
  api = await apiClient(cloud);
  tables = cloudTables(cloud);
});
afterAll(async () => {
  tables?.stop();
  await stopTestCloud(cloud);
});

async function must(status: number, method: string, path: string, options: Call) {
  const answer = await api.call(method, path, options);
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  return answer;
}

const post = (
  status: number,
  path: string,
  token: string,
  body: unknown,
  key: string = randomUUID(),
) => must(status, "POST", path, { token, body, headers: { "idempotency-key": key } });

/** As the publisher reports them: reader, article, kind, and what else there is. */
async function count(
  ...engagements: [reader: string, article: string, kind?: string, more?: object][]
) {
  const body = {
    engagements: engagements.map(([readerId, articleId, kind = "view", more = {}]) => ({
      ...{ readerId, articleId, kind, occurredAt, ...more },
    })),
  };
  const { body: answer } = await must(202, "POST", "/v1/engagements/batch", {
    ...{ token: api.publisher, body },
  });
  expect(answer.rejected).toEqual([]);
  await cloud.waitUntilIdle();
}

async function settle() {
  await cloud.fireSchedule("pennyline-local-settle-earnings");
  await cloud.waitUntilIdle();
}

async function review(wanted: object) {
  const body = { note: "looked at", from: today, to: today, ...wanted };
  const { body: answer, headers } = await post(202, "/v1/admin/reviews", api.admin, body);
  expect(headers.get("location")).toBe(`/v1/admin/reviews/${answer.reviewId}`);
  await cloud.waitUntilIdle();
  return await readReview(answer.reviewId);
}

async function readReview(reviewId: string) {
  const path = `/v1/admin/reviews/${reviewId}`;
  return (await must(200, "GET", path, { token: api.admin })).body;
}

async function entriesOf(creatorId: string) {
  const path = `/v1/creators/${creatorId}/ledger`;
  return (await must(200, "GET", path, { token: api.publisher })).body.items;
}

async function earningsOf(creatorId: string) {
  const path = `/v1/creators/${creatorId}/earnings`;
  return (await must(200, "GET", path, { token: api.publisher })).body.items;
}

async function traffic() {
  return (await must(200, "GET", "/v1/admin/invalid-traffic", { token: api.admin })).body;
}

/** As if what a creator's counters hold had been counted `days` earlier. */
async function age(creatorId: string, articleId: string, readers: readonly string[], days: number) {
  const id = { creatorId: creatorId as CreatorId, articleId: articleId as ArticleId, day: today };
  const earlierMs = nowMs - days * dayMs;
  const set = (TableName: string, Key: object, values: Record<string, bigint>) => {
    const names = Object.keys(values);
    return tables.client.send(
      new UpdateCommand({
        ...{ TableName, Key: { ...Key } },
        UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(", ")}`,
        ConditionExpression: "attribute_exists(pk)",
        ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: Object.fromEntries(
          names.map((name) => [`:${name}`, values[name]]),
        ),
      }),
    );
  };
  await set(tables.tableOf("EarningsCounters"), counterKey({ ...id, shard: 0 }), {
    held: BigInt(earlierMs),
    due: holdBucketOf(nowMs),
  });
  for (const reader of readers) {
    const day = readerDayOf(sha256Hex, "pennyline", reader as ReaderId, today);
    const items = queryItems(tables.client, {
      TableName: tables.tableOf("ImpressionKeys"),
      KeyConditionExpression: "pk = :day",
      ExpressionAttributeValues: { ":day": day },
    });
    for await (const { pk, sk } of items) {
      const key = impressionKeyItem(`${pk}/${sk}` as ImpressionKey);
      await set(tables.tableOf("ImpressionKeys"), key, { counted: BigInt(earlierMs) });
    }
  }
}

/** A group that is paid as a pool, as if since long ago, and an article in it. */
async function putPool(group: string, article: string, creatorId: string) {
  const put = (path: string, body: unknown) =>
    must(200, "PUT", path, {
      ...{ token: api.publisher, body, headers: { "idempotency-key": randomUUID() } },
    });
  const pool = { model: "pool", dailyMicros: 900_000, readerCap: 5_000 };
  await put(`/v1/article-groups/${group}`, pool);
  await put(`/v1/articles/${article}`, { title: "Pool", creatorId, group });
  const groups = dynamoDbArticleGroups(tables.client, tables.tableOf("Registry"));
  const stored = (await groups.list()).find(({ groupId }) => groupId === group);
  if (!stored) throw new Error(`there is no group ${group}`);
  const versions = stored.versions.map((version) => ({ ...version, effectiveFromMs: 0 }));
  expect(await groups.put({ ...stored, versions, revision: stored.revision + 1 })).toBe("put");
}

async function expectProof() {
  expect(await api.proof()).toMatchObject({ ok: true, differences: [] });
}

describe("invalid traffic is recorded with a reason, and unpaid", () => {
  test("a bot's view and a creator's own are void", async () => {
    await api.putArticle("own", "ada");
    const headers = { "idempotency-key": randomUUID() };
    const body = { readerIds: ["ada-reads"] };
    await must(200, "PUT", "/v1/creators/ada", { token: api.publisher, body, headers });
    await count(
      ["r1", "own"],
      ["r2", "own", "view", { userAgent: "Googlebot/2.1 (+http://www.google.com/bot.html)" }],
      ["ada-reads", "own"],
      ["ada", "own"],
    );
    expect(await api.balance("ada")).toMatchObject({ pendingMicros: "1000", heldMicros: "0" });
    expect(await earningsOf("ada")).toMatchObject([{ views: 1, void: { bot: 1, self_view: 2 } }]);
    expect(await traffic()).toMatchObject({
      ...{ engagements: "4", paid: "1", rejected: "0", shareOfVoid: "0.7500" },
      held: { total: "0" },
      void: { total: "3", byReason: { bot: "1", self_view: "2", manual: "0" } },
    });
  });

  test("a reader over the rate is held, and so is a view token that many present", async () => {
    const articles = Array.from({ length: 42 }, (_, index) => `rate/${index}`);
    for (const article of articles) await api.putArticle(article, "bea");
    const kinds = ["view", "read", "reaction"];
    await count(
      ...articles.flatMap((article) =>
        kinds.map((kind): [string, string, string] => ["fast", article, kind]),
      ),
    );
    const token = await api.viewToken("rate/0", "shared");
    const present = (kind: string) =>
      api.call("POST", "/v1/engagements", { body: { token, kind } });
    await present("view");
    await cloud.waitUntilIdle();
    for (let time = 0; time < 21; time += 1) await present("view");
    await cloud.waitUntilIdle();
    await present("reaction");
    await cloud.waitUntilIdle();
    const { held } = await traffic();
    expect(held.byReason).toMatchObject({ over_rate: "6", token_reuse: "1" });
    await settle();
    const { heldMicros } = await api.balance("bea");
    expect(BigInt(heldMicros)).toBeGreaterThan(0n);
    await expectProof();
  });
});

describe("a person decides", () => {
  test("S2: a reader's engagements are voided, whether pending or settled, to the micro", async () => {
    for (const article of ["v1", "v2"]) await api.putArticle(article, "cleo");
    await count(["farm", "v1"], ["farm", "v2"], ["farm", "v1", "read"], ["good", "v1"]);
    await settle();
    await count(["farm", "v2", "read"]);
    const before = await api.balance("cleo");
    expect(before).toMatchObject({ settledMicros: "6000", pendingMicros: "3000" });
    const voided = await review({ decision: "void", readerId: "farm" });
    expect(voided).toMatchObject({
      ...{ state: "done", decision: "void", note: "looked at", requestedBy: "admin:admin" },
      filter: { readerId: "farm", from: today, to: today },
      progress: { segments: { done: 1, total: 1 }, matched: 4, changed: 4, skipped: 0 },
      byCreator: [{ creatorId: "cleo", payableMicros: "-8000", heldMicros: "0" }],
    });
    await settle();
    expect(await api.balance("cleo")).toMatchObject({ settledMicros: "1000", pendingMicros: "0" });
    const [reversal] = await entriesOf("cleo");
    expect(reversal.type).toBe("reversal");
    expect(await earningsOf("cleo")).toMatchObject([
      { articleId: "v1", views: 1, reads: 0, micros: "1000", void: { manual: 2 } },
      { articleId: "v2", views: 0, reads: 0, micros: "0", void: { manual: 2 } },
    ]);
    await expectProof();
    // The same again finds nothing: what is void stays void.
    const again = await review({ decision: "void", readerId: "farm" });
    expect(again.progress).toMatchObject({ matched: 0, changed: 0 });
    await settle();
    expect((await entriesOf("cleo"))[0].entryId).toBe(reversal.entryId);
    // Whoever engages again on that day is known already, and not paid after all.
    await count(["farm", "v1"]);
    expect(await api.balance("cleo")).toMatchObject({ settledMicros: "1000", pendingMicros: "0" });
  });

  test("Q3: an article's held engagements are released, however often the work is delivered", async () => {
    await api.putArticle("held", "dora");
    const comment = { comment: { characters: 100, moderation: "pending" } };
    const readers = readerIds(300, "fan");
    await count(
      ...readers.map((reader): [string, string, string, object] => [
        reader,
        "held",
        "comment",
        comment,
      ]),
    );
    const { heldMicros } = await api.balance("dora");
    expect(BigInt(heldMicros)).toBeGreaterThan(0n);
    await settle();
    const worked = () => cloud.stats.functions["pennyline-local-apply-review"]?.invocations ?? 0;
    const before = worked();
    const released = await review({
      decision: "release",
      articleId: "held",
      reason: "unmoderated",
    });
    expect(released).toMatchObject({
      state: "done",
      progress: { segments: { done: 8, total: 8 }, matched: 300, changed: 300, skipped: 0 },
      byCreator: [{ creatorId: "dora", payableMicros: heldMicros, heldMicros: `-${heldMicros}` }],
    });
    const settled = { settledMicros: "0", pendingMicros: heldMicros, heldMicros: "0" };
    expect(await api.balance("dora")).toMatchObject(settled);
    await settle();
    expect((await entriesOf("dora"))[0].type).toBe("release");
    expect(cloud.stats.functions["pennyline-local-apply-review"]).toMatchObject({ errors: 0 });
    expect(worked() - before).toBe(16);
    await expectProof();
    const { items } = (await must(200, "GET", "/v1/admin/reviews?limit=1", { token: api.admin }))
      .body;
    expect(items).toMatchObject([{ reviewId: released.reviewId, state: "done" }]);
  });

  test("S5: what nobody decided on is free when its time is over; a void takes it back", async () => {
    await api.putArticle("waits", "eve");
    const comment = { comment: { characters: 100, moderation: "pending" } };
    const readers = ["w1", "w2", "w3"];
    await count(
      ...readers.map((reader): [string, string, string, object] => [
        reader,
        "waits",
        "comment",
        comment,
      ]),
    );
    await settle();
    const { heldMicros } = await api.balance("eve");
    const one = BigInt(heldMicros) / 3n;
    await review({ decision: "void", readerId: "w1" });
    await settle();
    expect(await api.balance("eve")).toMatchObject({ heldMicros: String(2n * one) });
    await cloud.fireSchedule("pennyline-local-release-holds");
    expect(await api.balance("eve")).toMatchObject({ heldMicros: String(2n * one) });

    await age("eve", "waits", readers, 15);
    await cloud.fireSchedule("pennyline-local-release-holds");
    await cloud.fireSchedule("pennyline-local-release-holds");
    const freed = { settledMicros: "0", pendingMicros: String(2n * one), heldMicros: "0" };
    expect(await api.balance("eve")).toMatchObject(freed);
    await settle();
    await expectProof();

    const late = await review({ decision: "release", readerId: "w2" });
    expect(late.progress).toMatchObject({ matched: 1, changed: 0, skipped: 1 });
    const taken = await review({ decision: "void", readerId: "w2" });
    expect(taken.byCreator).toEqual([
      { creatorId: "eve", payableMicros: String(-one), heldMicros: "0" },
    ]);
    await settle();
    const left = { settledMicros: String(one), pendingMicros: "0", heldMicros: "0" };
    expect(await api.balance("eve")).toMatchObject(left);
    await expectProof();
  });

  test("an engagement leaves a pool whose day is open", async () => {
    await putPool("swim", "pool", "gil");
    await count(["p1", "pool"], ["p2", "pool"]);
    expect(await api.balance("gil")).toMatchObject({ pendingMicros: "0" });
    const voided = await review({ decision: "void", readerId: "p1" });
    expect(voided.progress).toMatchObject({ changed: 1 });
    expect(await earningsOf("gil")).toMatchObject([{ views: 1, void: { manual: 1 } }]);
    await expectProof();
  });
});

describe("a review while accepted engagements are not recorded yet", () => {
  const counting = "pennyline-local-count-engagements";
  afterEach(() => cloud.faults.plan(faults));

  async function untilDone(reviewId: string) {
    return await vi.waitFor(
      async () => {
        const read = await readReview(reviewId);
        expect(read.state).toBe("done");
        return read;
      },
      { timeout: 60_000, interval: 100 },
    );
  }

  async function report(readers: readonly string[], articleId: string) {
    const engagements = readers.map((readerId) => ({
      ...{ readerId, articleId, kind: "view", occurredAt },
    }));
    await must(202, "POST", "/v1/engagements/batch", {
      ...{ token: api.publisher, body: { engagements } },
    });
  }

  test("S9: it says so, and decides on them when they are recorded", async () => {
    await api.putArticle("ring-1", "nia");
    await api.putArticle("ring-2", "nia");
    await count(["ring", "ring-1"]);
    // Nothing is recorded as long as the worker does not run.
    cloud.faults.plan({ ...faults, functions: { [counting]: { throttle: 1 } } });
    await report(["ring", "passer-by"], "ring-2");
    const body = { decision: "void", note: "bots", readerId: "ring", from: today, to: today };
    const { body: asked } = await post(202, "/v1/admin/reviews", api.admin, body);
    expect(asked.acceptedUntil).toBe(asked.requestedAt);
    const done = await untilDone(asked.reviewId);
    expect(done).toMatchObject({
      acceptedUntil: asked.requestedAt,
      unrecorded: { messages: 1, deadLetters: 0, measuredAt: expect.stringMatching(/Z$/) },
      progress: { matched: 1, changed: 1, recordedLater: 0 },
    });
    expect(Date.parse(done.unrecorded.measuredAt)).toBeLessThanOrEqual(
      Date.parse(done.acceptedUntil),
    );

    cloud.faults.plan(faults);
    await cloud.waitUntilIdle();
    expect(await readReview(asked.reviewId)).toMatchObject({
      state: "done",
      progress: { matched: 2, changed: 2, skipped: 0, recordedLater: 1 },
      byCreator: [{ creatorId: "nia", payableMicros: "-2000", heldMicros: "0" }],
    });
    expect(await api.balance("nia")).toMatchObject({ pendingMicros: "1000" });
    await settle();
    await expectProof();
    // What is accepted after it is another review's to decide on.
    await api.putArticle("ring-3", "nia");
    await count(["ring", "ring-3"]);
    expect(await api.balance("nia")).toMatchObject({ pendingMicros: "1000" });
  });

  test("S9: the last word has the review that was requested last", async () => {
    await api.putArticle("back-1", "ola");
    cloud.faults.plan({ ...faults, functions: { [counting]: { throttle: 1 } } });
    await report(["late", "later"], "back-1");
    const body = { note: "n", articleId: "back-1", from: today, to: today };
    const ask = async (wanted: object) =>
      (await post(202, "/v1/admin/reviews", api.admin, { ...body, ...wanted })).body;
    const all = await ask({ decision: "void" });
    const back = await ask({ decision: "release", reason: "manual", readerId: "late" });
    await Promise.all([untilDone(all.reviewId), untilDone(back.reviewId)]);
    cloud.faults.plan(faults);
    await cloud.waitUntilIdle();
    expect((await readReview(all.reviewId)).progress.recordedLater).toBe(2);
    expect((await readReview(back.reviewId)).progress.recordedLater).toBe(1);
    expect(await api.balance("ola")).toMatchObject({ pendingMicros: "1000" });
    await settle();
    await expectProof();
  });
});

describe("a publisher moderates a comment after it was counted", () => {
  const say =
    (moderation: string, article: string) =>
    (reader: string): [string, string, string, object] => [
      reader,
      article,
      "comment",
      { comment: { characters: 100, moderation } },
    ];

  test("Q3: approved it is payable at once, rejected it never is, and the first word counts", async () => {
    await api.putArticle("talk", "hal");
    const [pending, approved, rejected] = ["pending", "approved", "rejected"].map((moderation) =>
      say(moderation, "talk"),
    ) as [ReturnType<typeof say>, ReturnType<typeof say>, ReturnType<typeof say>];
    await count(...["m1", "m2", "m3"].map(pending));
    await settle();
    const one = BigInt((await api.balance("hal")).heldMicros) / 3n;
    expect(one).toBeGreaterThan(0n);
    const before = await traffic();
    await count(approved("m1"), rejected("m2"));
    expect(await api.balance("hal")).toMatchObject({
      ...{ pendingMicros: String(one), heldMicros: String(one) },
    });
    // Told again, or told otherwise: what is decided is decided.
    await count(approved("m1"), rejected("m2"));
    await count(rejected("m1"), approved("m2"), pending("m1"));
    await settle();
    expect(await api.balance("hal")).toMatchObject({
      ...{ settledMicros: String(one), pendingMicros: "0", heldMicros: String(one) },
    });
    const types = (await entriesOf("hal")).map(({ type }: { type: string }) => type);
    expect(types).toEqual(["reversal", "release", "settlement"]);
    expect(await earningsOf("hal")).toMatchObject([
      { comments: 2, held: { unmoderated: 1 }, void: { unmoderated: 1 } },
    ]);
    const after = await traffic();
    const grown = (of: (sums: typeof after) => string) => Number(of(after)) - Number(of(before));
    expect(grown(({ engagements }) => engagements)).toBe(0);
    expect(grown(({ paid }) => paid)).toBe(1);
    expect(grown(({ held }) => held.byReason.unmoderated)).toBe(-2);
    expect(grown((sums) => sums.void.byReason.comment_rejected)).toBe(1);
    await expectProof();

    await age("hal", "talk", ["m1", "m2", "m3"], 15);
    await cloud.fireSchedule("pennyline-local-release-holds");
    expect(await api.balance("hal")).toMatchObject({ pendingMicros: String(one) });
    await count(rejected("m3"));
    expect(await api.balance("hal")).toMatchObject({ pendingMicros: "0", heldMicros: "0" });
    await settle();
    expect(await api.balance("hal")).toMatchObject({ settledMicros: String(one) });
    await expectProof();
  });

  test("within one report a decision wins over pending; a browser's comment waits for it", async () => {
    await api.putArticle("chat", "ida");
    const [pending, approved, rejected] = ["pending", "approved", "rejected"].map((moderation) =>
      say(moderation, "chat"),
    ) as [ReturnType<typeof say>, ReturnType<typeof say>, ReturnType<typeof say>];
    await count(pending("c1"), rejected("c1"), approved("c1"), pending("c2"), approved("c2"));
    expect(await earningsOf("ida")).toMatchObject([
      { comments: 1, held: {}, heldMicros: "0", void: { comment_rejected: 1 } },
    ]);
    const token = await api.viewToken("chat", "c3");
    await api.call("POST", "/v1/engagements", { body: { token, kind: "comment" } });
    await cloud.waitUntilIdle();
    expect(await earningsOf("ida")).toMatchObject([{ comments: 2, held: { unmoderated: 1 } }]);
    await count(rejected("c3"));
    expect(await earningsOf("ida")).toMatchObject([
      { comments: 1, held: {}, heldMicros: "0", void: { comment_rejected: 1, unmoderated: 1 } },
    ]);
    await settle();
    await expectProof();
  });

  test("a review and a moderator do not both decide", async () => {
    await api.putArticle("both", "jo");
    await count(say("pending", "both")("b1"), say("pending", "both")("b2"));
    await review({ decision: "void", readerId: "b1" });
    await count(say("approved", "both")("b1"), say("rejected", "both")("b2"));
    const released = await review({ decision: "release", articleId: "both" });
    expect(released.progress).toMatchObject({ matched: 0, changed: 0 });
    expect(await earningsOf("jo")).toMatchObject([
      { comments: 0, micros: "0", void: { unmoderated: 2 } },
    ]);
    await settle();
    await expectProof();
  });
});

describe("a void is taken back", () => {
  test("S2: what was paid or held is earned anew; again and again, to the micro", async () => {
    await api.putArticle("back", "kim");
    const comment = { comment: { characters: 100, moderation: "pending" } };
    await count(["human", "back"], ["human", "back", "comment", comment], ["other", "back"]);
    await settle();
    const { settledMicros, heldMicros } = await api.balance("kim");
    const all = BigInt(settledMicros) + BigInt(heldMicros);
    const human = { readerId: "human" };
    await review({ decision: "void", ...human });
    await settle();
    const plain = await review({ decision: "release", ...human });
    expect(plain.progress).toMatchObject({ matched: 0 });
    const back = await review({ decision: "release", reason: "manual", ...human });
    expect(back).toMatchObject({
      filter: { readerId: "human", reason: "manual" },
      progress: { matched: 2, changed: 2, skipped: 0 },
      byCreator: [{ creatorId: "kim", payableMicros: String(all - 1_000n), heldMicros: "0" }],
    });
    expect(await api.balance("kim")).toMatchObject({ heldMicros: "0" });
    await settle();
    expect(await api.balance("kim")).toMatchObject({
      ...{ settledMicros: String(all), pendingMicros: "0", heldMicros: "0" },
    });
    expect((await entriesOf("kim"))[0].type).toBe("settlement");
    await expectProof();
    const again = await review({ decision: "void", ...human });
    expect(again.progress).toMatchObject({ changed: 2 });
    await settle();
    expect(await api.balance("kim")).toMatchObject({ settledMicros: "1000", heldMicros: "0" });
    await expectProof();
  });

  test("a bot's view stays void, and so does what left a pool", async () => {
    await api.putArticle("bots", "lea");
    await count(["crawler", "bots", "view", { userAgent: "Googlebot/2.1" }]);
    await putPool("lake", "lake", "lea");
    await count(["crawler", "lake"]);
    await review({ decision: "void", readerId: "crawler" });
    const back = await review({ decision: "release", reason: "manual", readerId: "crawler" });
    expect(back.progress).toMatchObject({ matched: 1, changed: 0, skipped: 1 });
    expect(await api.balance("lea")).toMatchObject({ pendingMicros: "0", heldMicros: "0" });
    await expectProof();
  });
});

describe("requests", () => {
  test("a review must say what it is about", async () => {
    const refused = async (wanted: object) => {
      const body = { note: "n", from: today, to: today, ...wanted };
      return (await post(400, "/v1/admin/reviews", api.admin, body)).body.detail;
    };
    expect(await refused({ decision: "void" })).toMatch(/readerId.*articleId.*everything: true/);
    expect(await refused({ decision: "release" })).toMatch(/everything: true/);
    expect(await refused({ decision: "void", everything: false })).toMatch(/^everything:/);
    expect(await refused({ decision: "void", everything: true, readerId: "r" })).toMatch(
      /^everything: leave it out/,
    );
    expect(await refused({ decision: "void", reason: "manual" })).toMatch(/^reason: .*release/);
    expect(await refused({ decision: "release", reason: "bot" })).toMatch(/^reason:/);
    expect(await refused({ decision: "void", readerId: "r", note: " \u00a0" })).toMatch(
      /^note: must not be blank/,
    );
    const yesterday = utcDayOf(nowMs - dayMs);
    const wanted = { decision: "void", everything: true, from: yesterday, to: yesterday };
    expect(await review(wanted)).toMatchObject({ state: "done", progress: { changed: 0 } });
  });

  test("I6, I7: a review is requested once for each key", async () => {
    const key = randomUUID();
    const body = { decision: "void", note: "n", readerId: "nobody", from: today, to: today };
    const first = await post(202, "/v1/admin/reviews", api.admin, body, key);
    const second = await post(202, "/v1/admin/reviews", api.admin, body, key);
    expect(second.body.reviewId).toBe(first.body.reviewId);
    await post(409, "/v1/admin/reviews", api.admin, { ...body, note: "other" }, key);
    await post(400, "/v1/admin/reviews", api.admin, body, "");
  });

  test("days that cannot be reviewed are refused, with what to do instead", async () => {
    const day = (ago: number) => utcDayOf(nowMs - ago * dayMs);
    const refused = async (from: string, to: string) => {
      const body = { decision: "void", note: "n", everything: true, from, to };
      return (await post(400, "/v1/admin/reviews", api.admin, body)).body.detail;
    };
    expect(await refused(day(1), day(2))).toMatch(/^from: .* is after/);
    expect(await refused(day(40), day(1))).toMatch(/^to: 40 days are too many/);
    expect(await refused(day(95), day(94))).toMatch(/adjustments/);
    expect(await refused(day(-2), day(-2))).toMatch(/^from: .* is yet to come; today is/);
  });

  test("an appeal is answered by the review that names it", async () => {
    const fay = await cloud.mintToken({ role: "creator", id: "fay" });
    const path = "/v1/creators/fay/appeals";
    const posted = await post(201, path, fay, { note: "It was me, and I am human." });
    expect(posted.body).toMatchObject({ creatorId: "fay", state: "open", answers: [] });
    expect(posted.body).not.toHaveProperty("postedBy");
    await post(404, "/v1/creators/ada/appeals", fay, { note: "not mine" });
    await post(400, path, fay, { note: "n", entryId: "ada.0000000001" });
    await post(400, path, fay, { note: "  " });
    const { appealId } = posted.body;
    const body = { decision: "release", note: "n", readerId: "x", from: today, to: today };
    const wrong = { creatorId: "ada", appealId };
    await post(404, "/v1/admin/reviews", api.admin, { ...body, appeal: wrong });
    const answer = await review({
      decision: "release",
      readerId: "x",
      appeal: { creatorId: "fay", appealId },
    });
    for (const token of [fay, api.publisher, api.admin]) {
      const { items } = (await must(200, "GET", path, { token })).body;
      expect(items[0].postedBy).toBe(token === fay ? undefined : "creator:fay");
      expect(items).toMatchObject([
        {
          appealId,
          state: "answered",
          answers: [{ reviewId: answer.reviewId, decision: "release" }],
        },
      ]);
    }
    await must(404, "GET", "/v1/admin/reviews/request%23x", { token: api.admin });
    await must(400, "GET", "/v1/admin/reviews?cursor=x", { token: api.admin });
    await must(400, "GET", `${path}?cursor=request%23x`, { token: fay });
  });
});
