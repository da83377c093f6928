import { hkdfSync, randomUUID } from "node:crypto";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { QueryCommand } from "@aws-sdk/lib-dynamodb";
import { decodeJwt, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jwsTickets } from "../../adapters/connections/jws-tickets.ts";
import { dynamoDbConnections } from "../../adapters/dynamodb/connection-store.ts";
import { dynamoDbJobs } from "../../adapters/dynamodb/job-store.ts";
import { eventBridgePublisher } from "../../adapters/eventbridge/event-publisher.ts";
import { randomHex, sha256Hex, systemClock, systemPacing } from "../../adapters/runtime.ts";
import { jobChanged } from "../../core/contracts/events.ts";
import { limits } from "../../core/contracts/limits.ts";
import { begun, finished, type Job, newJob, progressed } from "../../core/jobs/job.ts";
import { continueTrace } from "../../core/values/trace-context.ts";
import { type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";
import { sdk } from "./support/fixture-assembly.ts";
import { jobClient } from "./support/job-client.ts";
import { queueRecord } from "./support/queue-record.ts";
import { connectTo, refusalOf } from "./support/socket-client.ts";

const worker = "pennyline-local-push-updates";
const patiently = { timeout: 30_000, interval: 50 };

let cloud: TestCloud;
let api: ApiClient;
let tables: CloudTables;
let store: ReturnType<typeof dynamoDbJobs>;
let bus: ReturnType<typeof eventBridgePublisher>;
let eventBridge: EventBridgeClient;

beforeAll(async () => {
  // Q1: each message comes twice.
  cloud = await startTestCloud({ faults: { queues: { [worker]: { duplicate: 1 } } } });
  api = await apiClient(cloud);
  tables = cloudTables(cloud);
  store = dynamoDbJobs(tables.client, tables.tableOf("Jobs"), systemClock);
  eventBridge = new EventBridgeClient(sdk(cloud.servicesUrl));
  const busName = cloud.resources.find(({ type }) => type === "AWS::Events::EventBus")?.ref ?? "";
  bus = eventBridgePublisher({ client: eventBridge, busName, pacing: systemPacing });
});
afterAll(async () => {
  eventBridge?.destroy();
  tables?.stop();
  await stopTestCloud(cloud);
});

const creator = (id: string) => cloud.mintToken({ role: "creator", id });

async function ticketOf(token: string) {
  const answer = await api.call("POST", "/v1/connection-tickets", { token });
  expect(answer.status).toBe(200);
  return answer.body as { ticket: string; url: string; expiresAt: string };
}

const connect = async (token: string) => connectTo((await ticketOf(token)).url);

async function addJob(owner: string): Promise<Job> {
  const nowMs = Date.now();
  const { traceparent } = continueTrace(undefined, randomHex);
  const job = newJob(
    {
      ...{ jobId: sha256Hex(randomUUID()).slice(0, 32), type: "draft.save", owner, payload: {} },
      ...{ fingerprint: "f", traceparent },
    },
    nowMs,
    3_600_000,
  );
  expect(await store.add(job)).toBe("added");
  return job;
}

const taken = (job: Job) => begun(job, 1, Date.now() + 60_000, Date.now());

/** Writes the next version down, as a worker does, and announces it if told to. */
async function step(next: Job, { announced = true } = {}): Promise<Job> {
  expect(await store.replace(next)).toBe("replaced");
  if (announced) await announce(next);
  return next;
}

async function announce({ jobId, type, owner, state, version, changedAtMs, traceparent }: Job) {
  const detail = { jobId, type, owner, state, version, changedAtMs, traceparent };
  await bus.publish([{ contract: jobChanged, detail: { schemaVersion: 1, ...detail } }]);
}

function linkSecret(): string {
  const secret = cloud.resources.find(
    ({ type, logicalId }) =>
      type === "AWS::SecretsManager::Secret" && logicalId.startsWith("LinkSecret"),
  );
  return cloud.secret(secret?.ref ?? "");
}

const connections = () => dynamoDbConnections(tables.client, tables.tableOf("Connections"));
const followersOf = (id: string, topic: "job" | "balance" = "job") =>
  connections().followers({ topic, id });

describe("a ticket", () => {
  test("opens one connection", async () => {
    const { ticket, url, expiresAt } = await ticketOf(await creator("ada"));
    expect(url).toBe(`${cloud.webSocketUrl}?ticket=${ticket}`);
    const leftMs = Date.parse(expiresAt) - Date.now();
    expect(leftMs).toBeGreaterThan(limits.connectionTicketTtlMs - 10_000);
    expect(leftMs).toBeLessThanOrEqual(limits.connectionTicketTtlMs);
    await connectTo(url);
    expect(await refusalOf(connectTo(url))).toBe(403);
  });

  test("that is missing, forged, expired or for another purpose opens none", async () => {
    const refused = (ticket: string) =>
      refusalOf(connectTo(`${cloud.webSocketUrl}?ticket=${ticket}`));
    expect(await refusalOf(connectTo(cloud.webSocketUrl))).toBe(401);
    const { ticket } = await ticketOf(await creator("ada"));
    const claims = decodeJwt(ticket);
    const [header, payload, signature = ""] = ticket.split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    const sign = (key: Uint8Array, audience: string) =>
      new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setAudience(audience).sign(key);
    const secret = linkSecret();
    const utf8 = new TextEncoder();
    const keyFor = async (purpose: string) =>
      new Uint8Array(hkdfSync("sha256", secret, "", purpose, 32));
    const minter = jwsTickets({ key: keyFor }, systemClock);
    const exp = Math.floor(Date.now() / 1_000) - 60;
    const minted = { sub: "ada", roles: ["creator" as const], jti: randomUUID() };
    const right = await minter.sign({ ...minted, exp: exp + 600 });
    await connectTo(`${cloud.webSocketUrl}?ticket=${right}`);
    const cases = {
      nothing: "x",
      "a caller's JWT": await creator("ada"),
      "alg none": `${none}.${payload}.`,
      "another signature": `${header}.${payload}.${signature.split("").reverse().join("")}`,
      "another role": `${header}.${Buffer.from(
        JSON.stringify({ ...claims, roles: ["admin"] }),
      ).toString("base64url")}.${signature}`,
      "another secret": await sign(utf8.encode("x".repeat(64)), "connection"),
      "the secret itself": await sign(utf8.encode(secret), "connection"),
      "another key of the secret": await sign(await keyFor("unsubscribe"), "connection"),
      "another purpose": await sign(await keyFor("connection ticket v1"), "unsubscribe"),
      "no owner": await minter.sign({ ...minted, roles: [], exp: exp + 600 }),
      "a blank subject": await minter.sign({ ...minted, sub: " ", exp: exp + 600 }),
      "a subject of two lines": await minter.sign({ ...minted, sub: "ada\nben", exp: exp + 600 }),
      expired: await minter.sign({ ...minted, exp }),
    };
    for (const [name, one] of Object.entries(cases)) {
      expect([name, await refused(one)]).toEqual([name, 403]);
    }
  });

  test("is for those who have a JWT", async () => {
    expect((await api.call("POST", "/v1/connection-tickets")).status).toBe(401);
    for (const token of [api.publisher, api.admin]) await connect(token);
  });
});

describe("a job", () => {
  test("J1, Q1: is told of from what was seen last, again after each change", async () => {
    const client = await connect(await creator("ada"));
    const job = await addJob("creator:ada");
    const { jobId: id } = job;
    expect(await client.ask({ action: "subscribe", topic: "job", id })).toMatchObject({
      ...{ type: "subscribed", topic: "job", id, version: 1 },
      job: { jobId: id, state: "accepted", links: { self: `/v1/jobs/${id}` } },
    });
    const running = await step(taken(job));
    expect(await client.hear(({ version }) => version === 2)).toMatchObject({
      ...{ type: "changed", topic: "job", id },
      changes: [{ version: 2, state: "running", at: expect.any(String) }],
      job: { state: "running", attempts: 1 },
    });
    const done = finished(running, "succeeded", { result: { words: 3 } }, Date.now());
    await step(done);
    const last = await client.hear(({ version }) => version === 3);
    expect(last).toMatchObject({ job: { state: "succeeded", result: { words: 3 } } });
    await cloud.waitUntilIdle();
    // Delivered twice it is told twice, and says which version it is.
    const versions = client.received.slice(1).map(({ version }) => version);
    expect(new Set(versions)).toEqual(new Set([2, 3]));
  });

  test("that a worker runs is told of to its end, as HTTPS tells of it", async () => {
    const token = await creator("ada");
    const jobs = jobClient(api, token);
    const client = await connect(token);
    const payload = { creatorId: "ada", draftId: "d", baseRevision: 0, text: "Once upon a time." };
    const id = await jobs.request("draft.save", payload);
    client.say({ action: "subscribe", topic: "job", id, after: 0 });
    const last = await client.hear(({ job }) => job?.state === "succeeded");
    expect(last.job).toEqual((await jobs.read(id)).body);
    // Pushes may overtake each other.
    const told = () =>
      new Set(client.received.flatMap(({ changes }) => changes.map(({ version }: Job) => version)));
    const all = Array.from({ length: last.version }, (_, at) => at + 1);
    await expect.poll(told, patiently).toEqual(new Set(all));
  });

  test("a client that comes back with its cursor misses nothing", async () => {
    const token = await creator("ada");
    const first = await connect(token);
    let job = await addJob("creator:ada");
    const { jobId: id } = job;
    await first.ask({ action: "subscribe", topic: "job", id });
    job = await step(taken(job));
    await first.hear(({ version }) => version === 2);
    first.socket.terminate();
    for (const percent of [20, 40, 60]) {
      const message = `${percent} of 100`;
      job = await step(progressed(job, { percent, message }, undefined, Date.now()));
    }
    const second = await connect(token);
    const caught = await second.ask({ action: "subscribe", topic: "job", id, after: 2 });
    expect(caught).toMatchObject({ version: 5, job: { progress: { percent: 60 } } });
    expect(caught.changes.map(({ version }: Job) => version)).toEqual([3, 4, 5]);
    expect(caught).not.toHaveProperty("gap");
    await step(finished(job, "succeeded", {}, Date.now()));
    expect(await second.hear(({ version }) => version === 6)).toMatchObject({ type: "changed" });
    const same = await second.ask({ action: "subscribe", topic: "job", id, after: 6 });
    expect(same).toMatchObject({ version: 6, changes: [] });
  });

  test("a cursor from further back than the record gets what there is, and is told so", async () => {
    const client = await connect(api.publisher);
    let job = await addJob("publisher");
    const { jobId: id } = job;
    for (let at = 0; at < limits.maxJobChanges + 5; at += 1) {
      const progress = { percent: 1, message: "é".repeat(limits.maxJobMessageBytes / 2) };
      job = progressed(job, progress, undefined, Date.now());
    }
    // In one go: what is tested is how it is told.
    await store.replace({ ...job, version: 2 });
    const told = await client.ask({ action: "subscribe", topic: "job", id, after: 0 });
    expect(told.gap).toBe(true);
    expect(told.changes.length).toBeGreaterThan(0);
    expect(told.changes.at(-1).version).toBe(job.version);
    expect(Buffer.byteLength(JSON.stringify(told))).toBeLessThanOrEqual(limits.maxPushBytes);
  });

  test("of others looks as if it did not exist, and is never told of", async () => {
    const mallory = await connect(await creator("mallory"));
    const job = await addJob("creator:ada");
    const { jobId: id } = job;
    const ask = (topic: string, of: string) => mallory.ask({ action: "subscribe", topic, id: of });
    const refused = await ask("job", id);
    expect(refused).toMatchObject({
      ...{ type: "problem", topic: "job", id },
      problem: {
        type: "urn:pennyline:problem:not-found",
        status: 404,
        traceId: expect.any(String),
      },
    });
    expect((await ask("job", "f".repeat(32))).problem.title).toBe(refused.problem.title);
    expect((await ask("balance", "ada")).problem.status).toBe(404);
    for (const token of [api.publisher, api.admin]) {
      const other = await connect(token);
      const answer = await other.ask({ action: "subscribe", topic: "job", id });
      expect(answer.problem.status).toBe(404);
    }
    expect(await followersOf(id)).toEqual([]);
    await step(taken(job));
    await cloud.waitUntilIdle();
    expect(mallory.received.every(({ type }) => type === "problem")).toBe(true);
  });

  test("a batch of events of one job is one push, with all that was announced", async () => {
    const client = await connect(await creator("ada"));
    let job = await addJob("creator:ada");
    const { jobId: id } = job;
    await client.ask({ action: "subscribe", topic: "job", id });
    const message = "on its way";
    for (const percent of [10, 20, 30]) {
      const next = progressed(job, { percent, message }, undefined, Date.now());
      job = await step(next, { announced: false });
    }
    const { type, owner, state, changedAtMs, traceparent } = job;
    const bodyOf = (version: number) =>
      JSON.stringify({
        ...{ source: jobChanged.source, "detail-type": jobChanged.detailType },
        detail: {
          ...{ schemaVersion: 1, jobId: id, type, owner, state, version },
          ...{ changedAtMs, traceparent },
        },
      });
    const before = client.received.length;
    const Records = [4, 2, 3].map((version) => queueRecord(bodyOf(version), `m${version}`));
    expect(await cloud.invoke(worker, { Records })).toEqual({ batchItemFailures: [] });
    await client.hear(({ version }) => version === 4);
    const pushed = client.received.slice(before);
    expect(pushed).toHaveLength(1);
    expect(pushed[0].changes.map(({ version }: Job) => version)).toEqual([2, 3, 4]);
  });

  test("J3: a connection that is gone is forgotten, and the others are told", async () => {
    const [gone, here] = [await connect(api.publisher), await connect(api.publisher)];
    const job = await addJob("publisher");
    const { jobId: id } = job;
    for (const client of [gone, here]) await client.ask({ action: "subscribe", topic: "job", id });
    // As after a crash of API Gateway's: nobody is there, and nobody said so.
    const dead = "dead-connection=";
    const expiresAtMs = Date.now() + 60_000;
    await connections().follow({ connectionId: dead, expiresAtMs }, { topic: "job", id });
    gone.socket.terminate();
    const running = await step(taken(job));
    await here.hear(({ version }) => version === 2);
    await cloud.waitUntilIdle();
    await expect.poll(() => followersOf(id), patiently).toHaveLength(1);
    expect(await connections().followed(dead)).toEqual([]);
    await step(finished(running, "succeeded", {}, Date.now()));
    await here.hear(({ version }) => version === 3);
    expect(await store.read(id)).toMatchObject({ state: "succeeded" });
    await cloud.waitUntilIdle();
    expect(cloud.queueDepths()[`${worker}-dead-letters`]).toMatchObject({ visible: 0 });
  });

  test("a connection that takes nothing is ended, and holds up no other", async () => {
    const [slow, here] = [await connect(api.publisher), await connect(api.publisher)];
    let job = await addJob("publisher");
    const { jobId: id } = job;
    for (const client of [slow, here]) await client.ask({ action: "subscribe", topic: "job", id });
    slow.socket.pause();
    const result = { text: "x".repeat(30_000) };
    const told: number[] = [];
    here.socket.on("message", () => told.push(Date.now()));
    // Until what lies between the two ends is full.
    for (let round = 0; round < 400 && (await followersOf(id)).length > 1; round += 1) {
      const progress = { percent: 1, message: "m" };
      job = await step({ ...progressed(job, progress, undefined, Date.now()), result });
      await here.hear(({ version }) => version >= job.version);
    }
    expect(await followersOf(id)).toHaveLength(1);
    expect(here.socket.readyState).toBe(here.socket.OPEN);
  });
});

describe("a balance", () => {
  test("is told of when it was settled", async () => {
    await api.putArticle("letters", "eve");
    const client = await connect(await creator("eve"));
    const subscribed = await client.ask({ action: "subscribe", topic: "balance", id: "eve" });
    expect(subscribed).toMatchObject({
      ...{ type: "subscribed", topic: "balance", id: "eve" },
      balance: { creatorId: "eve", settledMicros: "0", pendingMicros: "0" },
    });
    await api.postViews("letters", readerIds(10));
    await cloud.waitUntilIdle();
    // Nobody is told of what is pending: it changes with every view.
    expect(client.received).toHaveLength(1);
    await cloud.fireSchedule("pennyline-local-settle-earnings");
    const told = await client.hear(({ type }) => type === "changed");
    expect(told).toMatchObject({ topic: "balance", id: "eve", balance: { pendingMicros: "0" } });
    expect(told.balance.settledMicros).toBe((await api.balance("eve")).settledMicros);
    expect(BigInt(told.balance.settledMicros)).toBeGreaterThan(0n);
  });

  test("P2, S2: a bus that does not take the news neither fails nor repeats a settlement", async () => {
    await api.putArticle("notes", "fay");
    await api.postViews("notes", readerIds(3));
    await cloud.waitUntilIdle();
    await cloud.fireSchedule("pennyline-local-settle-earnings");
    await cloud.waitUntilIdle();
    await api.postViews("notes", readerIds(3, "other"));
    await cloud.waitUntilIdle();
    cloud.faults.plan({ putEvents: { failEntry: 1 } });
    const detail = {
      ...{ schemaVersion: 1, creatorIds: ["fay"] },
      traceparent: continueTrace(undefined, randomHex).traceparent,
    };
    const body = JSON.stringify({
      ...{ source: "pennyline.earnings", "detail-type": "SettlementDue", detail },
    });
    const settle = () =>
      cloud.invoke("pennyline-local-settle-creator", { Records: [queueRecord(body)] });
    expect(await settle()).toEqual({ batchItemFailures: [] });
    cloud.faults.plan({ queues: { [worker]: { duplicate: 1 } } });
    expect(await api.balance("fay")).toMatchObject({ pendingMicros: "0" });
    expect(await api.proof()).toMatchObject({ ok: true });
  });
});

describe("messages", () => {
  test("that are not understood get a problem, and the connection stays", async () => {
    const client = await connect(await creator("ada"));
    const detailOf = async (message: object | string) => {
      const { type, problem } = await client.ask(message);
      expect(type).toBe("problem");
      return `${problem.status} ${problem.detail}`;
    };
    const id = "a";
    expect(await detailOf("hello")).toMatch(/^400 .*not valid JSON/);
    expect(await detailOf({ action: "dance" })).toMatch(/^400 action: must be subscribe or/);
    expect(await detailOf('{"action":"subscribe","__proto__":1}')).toMatch(/^400 .*__proto__/);
    expect(await detailOf({ action: "subscribe", id })).toMatch(/^400 topic: .*job or balance/);
    expect(await detailOf({ action: "subscribe", topic: "job" })).toMatch(/^400 id: is required/);
    expect(await detailOf({ action: "subscribe", topic: "job", id, after: -1 })).toMatch(
      /^400 after: /,
    );
    expect(await detailOf({ action: "subscribe", topic: "job", id, aftr: 1 })).toMatch(
      /^400 aftr: is not known/,
    );
    const long = { action: "subscribe", topic: "job", id: "x".repeat(5_000) };
    expect(await detailOf(long)).toMatch(/^413 /);
    const job = await addJob("creator:ada");
    const subscribed = await client.ask({ action: "subscribe", topic: "job", id: job.jobId });
    expect(subscribed.type).toBe("subscribed");
  });

  test("unsubscribe ends the news of one topic", async () => {
    const client = await connect(await creator("ada"));
    const job = await addJob("creator:ada");
    const about = { topic: "job", id: job.jobId };
    await client.ask({ action: "subscribe", ...about });
    const left = { type: "unsubscribed", ...about };
    expect(await client.ask({ action: "unsubscribe", ...about })).toEqual(left);
    expect(await client.ask({ action: "unsubscribe", ...about })).toEqual(left);
    await step(taken(job));
    await cloud.waitUntilIdle();
    expect(client.received.filter(({ type }) => type === "changed")).toEqual([]);
  });

  test("a connection follows so much and no more, and leaves nothing behind", async () => {
    const client = await connect(api.publisher);
    const follow = (id: string) => client.ask({ action: "subscribe", topic: "balance", id });
    for (const id of readerIds(limits.maxSubscriptions, "creator")) await follow(id);
    const refused = await follow("one-more");
    expect(refused.problem).toMatchObject({
      ...{ type: "urn:pennyline:problem:too-many-subscriptions", status: 409 },
    });
    expect((await follow("creator-1")).type).toBe("subscribed");
    const [connectionId = ""] = await followersOf("creator-1", "balance");
    client.socket.close();
    await expect.poll(() => followersOf("creator-1", "balance"), patiently).toEqual([]);
    const left = async () => {
      const { Items } = await tables.client.send(
        new QueryCommand({
          TableName: tables.tableOf("Connections"),
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": `connection#${connectionId}` },
        }),
      );
      return Items;
    };
    await expect.poll(left, patiently).toEqual([]);
  });
});
