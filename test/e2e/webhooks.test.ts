import { randomUUID } from "node:crypto";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { getItem, scanItems } from "../../adapters/dynamodb/items.ts";
import { eventBridgePublisher } from "../../adapters/eventbridge/event-publisher.ts";
import { systemPacing } from "../../adapters/runtime.ts";
import { payoutRequested } from "../../core/contracts/events.ts";
import { dayMs, hourMs } from "../../core/values/time.ts";
import { maxFailingMs } from "../../core/webhooks/endpoint-health.ts";
import type { Cloud } from "../../local/cloud.ts";
import type { InvocationFault } from "../../local/faults.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud } from "./support/cloud.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";
import { sdk } from "./support/fixture-assembly.ts";
import {
  type Received,
  type Receiver,
  startReceiver,
  verifies,
} from "./support/webhook-receiver.ts";

const endpointsPath = "/v1/webhook-endpoints";
const deliveriesPath = "/v1/webhook-deliveries";
const worker = "pennyline-local-deliver-webhook";
/** Q1: each message comes twice, at once. */
const twice = {
  queues: {
    "pennyline-local-create-deliveries": { duplicate: 1 },
    [worker]: { duplicate: 1 },
  },
};
const minuteMs = 60_000;

let cloud: Cloud;
let api: ApiClient;
let tables: CloudTables;
let events: EventBridgeClient;

beforeAll(async () => {
  cloud = await startTestCloud({ faults: twice });
  api = await apiClient(cloud);
  tables = cloudTables(cloud);
  events = new EventBridgeClient(sdk(cloud.servicesUrl));
});
afterAll(async () => {
  events?.destroy();
  tables?.stop();
  await stopTestCloud(cloud);
});

async function must(status: number, method: string, path: string, body?: unknown) {
  const headers = { "idempotency-key": randomUUID() };
  const options = { token: api.publisher, headers, ...(body !== undefined && { body }) };
  const answer = await api.call(method, path, options);
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  return answer.body;
}

async function receiver(): Promise<Receiver> {
  const one = await startReceiver();
  onTestFinished(() => one.stop());
  return one;
}

/** An endpoint of the publisher's, gone when the test is over: tests must not hear of each other. */
async function endpointAt({ url }: Pick<Receiver, "url">, more: object = {}) {
  const endpoint = await must(201, "POST", endpointsPath, { url, ...more });
  onTestFinished(async () => {
    await api.call("DELETE", `${endpointsPath}/${endpoint.endpointId}`, { token: api.publisher });
  });
  return endpoint;
}

/** Has an endpoint sent a ping, and reads the delivery once nothing is left to be done at once. */
async function ping(endpointId: string) {
  const { deliveryId } = await must(202, "POST", `${endpointsPath}/${endpointId}/test`, {});
  await cloud.waitUntilIdle();
  return await delivery(deliveryId);
}

const delivery = (deliveryId: string) => must(200, "GET", `${deliveriesPath}/${deliveryId}`);
const readEndpoint = (endpointId: string) => must(200, "GET", `${endpointsPath}/${endpointId}`);

async function payout(creatorId: string, requestedAtMs = Date.now()): Promise<string> {
  const payoutId = `${creatorId}.${randomUUID()}`;
  const bus = eventBridgePublisher({
    ...{ client: events, busName: "pennyline-local", pacing: systemPacing },
  });
  const detail = {
    ...{ schemaVersion: 1, traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01` },
    ...{ payoutId, creatorId, currency: "USD", amountMicros: "10000000", requestedAtMs },
  };
  await bus.publish([{ contract: payoutRequested, detail }]);
  return payoutId;
}

/** Time goes by for what waits in schedules, as far as there is something due. */
async function later(ms: number) {
  await cloud.fireDueSchedules(new Date(Date.now() + ms));
  await cloud.waitUntilIdle();
}

/** As if time had gone by for a record of the table. */
async function change(key: { pk: string; sk: string }, values: object) {
  const TableName = tables.tableOf("Webhooks");
  const item = await getItem(tables.client, TableName, key);
  const record = JSON.stringify({ ...JSON.parse(String(item?.record)), ...values });
  await tables.client.send(
    new UpdateCommand({
      ...{ TableName, Key: key },
      UpdateExpression: "SET #record = :record",
      ConditionExpression: "#record = :before",
      ExpressionAttributeNames: { "#record": "record" },
      ExpressionAttributeValues: { ":before": item?.record, ":record": record },
    }),
  );
}

const once = (received: readonly Received[]) => new Set(received.map(({ id }) => id)).size;

describe("a message", () => {
  test("Q1: reaches its endpoint once, signed so that the official library verifies it", async () => {
    const there = await receiver();
    const { endpointId, secret } = await endpointAt(there, { events: ["payout.requested"] });
    const payoutId = await payout("ada");
    await cloud.waitUntilIdle();
    expect(there.received).toHaveLength(1);
    const [message] = there.received as [Received];
    expect(message.body).toEqual({
      type: "payout.requested",
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      data: {
        ...{ payoutId, creatorId: "ada", currency: "USD", amountMicros: "10000000" },
        requestedAt: message.body.timestamp,
      },
    });
    expect(message.headers).toMatchObject({
      "content-type": "application/json",
      "user-agent": "Pennyline-Webhooks",
    });
    expect(verifies(secret, message)).toBe(true);
    expect(verifies(`whsec_${Buffer.alloc(32).toString("base64")}`, message)).toBe(false);
    const { items } = await must(200, "GET", `${deliveriesPath}?endpointId=${endpointId}`);
    expect(items).toMatchObject([
      { deliveryId: message.id, state: "delivered", lastAttempt: { status: 204 } },
    ]);
    expect(await delivery(message.id)).toMatchObject({
      ...{ message: message.body, attempts: [{ status: 204, durationMs: expect.any(Number) }] },
    });
  });

  test("goes to those who asked for it, and a ping to just one", async () => {
    const [all, some, none] = [await receiver(), await receiver(), await receiver()];
    const { endpointId } = await endpointAt(all);
    await endpointAt(some, { events: ["payout.requested", "job.failed"] });
    await endpointAt(none, { events: ["job.failed"] });
    await payout("bert");
    await cloud.waitUntilIdle();
    expect([all, some, none].map(({ received }) => received.length)).toEqual([1, 1, 0]);
    await ping(endpointId);
    expect(all.received.map(({ body }) => body.type)).toEqual(["payout.requested", "ping"]);
    expect(some.received).toHaveLength(1);
  });

  test("of a job goes to its owner's endpoints, and to its callback", async () => {
    const [there, callback] = [await receiver(), await receiver()];
    const { secret } = await endpointAt(there, { events: ["job.succeeded"] });
    const own = await must(201, "POST", `${endpointsPath}/callbacks/secret`, {});
    const payload = { creatorId: "cleo", draftId: "one", baseRevision: 0, text: "Once." };
    const callbackUrl = `${callback.url}/jobs`;
    const job = { type: "draft.save", payload, callbackUrl };
    const { jobId } = await must(202, "POST", "/v1/jobs", job);
    await cloud.waitUntilIdle();
    const shown = await must(200, "GET", `/v1/jobs/${jobId}`);
    for (const [{ received }, signedBy] of [
      [there, secret],
      [callback, own.secret],
    ] as const) {
      expect(received).toHaveLength(1);
      const [message] = received as [Received];
      expect(verifies(signedBy, message)).toBe(true);
      const { links: _, files: __, ...data } = shown;
      expect(message.body).toMatchObject({ type: "job.succeeded", data });
      expect(message.body.data).not.toHaveProperty("files");
    }
    expect(callback.received[0]?.path).toBe("/jobs");
    const { items } = await must(200, "GET", `${deliveriesPath}?endpointId=callbacks`);
    expect(items).toMatchObject([{ callbackUrl, state: "delivered" }]);
    // Objects of others are not there.
    const token = await cloud.mintToken({ role: "creator", id: "mallory" });
    const stolen = await api.call("GET", items[0].links.self, { token });
    expect(stolen.status).toBe(404);
  });
});

describe("W1: a receiver that does not take it", () => {
  test("500: is tried again in seconds, then minutes, under the same id", async () => {
    const there = await receiver();
    const { endpointId, secret } = await endpointAt(there);
    there.reply((_, response) => response.writeHead(500).end("out of paper"));
    const { deliveryId } = await must(202, "POST", `${endpointsPath}/${endpointId}/test`, {});
    await expect.poll(() => there.received.length, { timeout: 20_000 }).toBe(2);
    await cloud.waitUntilIdle();
    const failing = await delivery(deliveryId);
    expect(failing).toMatchObject({
      ...{ state: "pending", attempts: [{ status: 500, responseBody: "out of paper" }, {}] },
    });
    const waitMs = Date.parse(failing.attempts[1].at) - Date.parse(failing.attempts[0].at);
    expect(waitMs).toBeGreaterThanOrEqual(5_000);
    expect(Date.parse(failing.nextAttemptAt) - Date.now()).toBeGreaterThan(4.5 * minuteMs);
    expect((await readEndpoint(endpointId)).failingSince).toBeDefined();
    await later(4 * minuteMs);
    expect(there.received).toHaveLength(2);
    there.reply(200);
    await later(6 * minuteMs);
    expect(there.received).toHaveLength(3);
    expect(once(there.received)).toBe(1);
    expect(there.received.every((one) => verifies(secret, one))).toBe(true);
    expect(await delivery(deliveryId)).toMatchObject({ state: "delivered" });
    expect(await readEndpoint(endpointId)).not.toHaveProperty("failingSince");
  });

  test("hangs: is given up after 15 s; 10 GB: no more is read than is of use", async () => {
    const [hanging, talking] = [await receiver(), await receiver()];
    const [{ endpointId: hangs }, { endpointId: talks }] = [
      await endpointAt(hanging),
      await endpointAt(talking),
    ];
    hanging.reply(() => {});
    talking.reply((_, response) => {
      response.writeHead(200, { "content-length": String(10 * 2 ** 30) });
      const block = Buffer.alloc(65_536, "x");
      const more = () => {
        while (!response.destroyed && response.write(block));
      };
      response.on("drain", more);
      more();
    });
    const started = Date.now();
    const one = await must(202, "POST", `${endpointsPath}/${hangs}/test`, {});
    const other = await must(202, "POST", `${endpointsPath}/${talks}/test`, {});
    const attempts = async (deliveryId: string) => (await delivery(deliveryId)).attempts;
    await expect.poll(() => attempts(other.deliveryId), { timeout: 10_000 }).toHaveLength(1);
    // A receiver that hangs keeps nobody else waiting.
    expect(Date.now() - started).toBeLessThan(14_000);
    const [long] = await attempts(other.deliveryId);
    expect(long).toMatchObject({ status: 200, responseBody: "x".repeat(1_024) });
    await expect.poll(() => attempts(one.deliveryId), { timeout: 30_000 }).toHaveLength(1);
    const [late] = await attempts(one.deliveryId);
    expect(late).toMatchObject({ error: "timeout: no answer within 15 s" });
    expect(late.durationMs).toBeLessThan(17_000);
  });

  test("hangs on many: others are told at once, and it is called a few at a time", async () => {
    cloud.faults.plan({});
    onTestFinished(() => cloud.faults.plan(twice));
    const [hanging, quick] = [await receiver(), await receiver()];
    const { endpointId } = await endpointAt(hanging, { events: ["payout.requested"] });
    await endpointAt(quick, { events: ["payout.requested"] });
    hanging.reply(() => {});
    const wave = async (size: number, sofar: number) => {
      await Promise.all(Array.from({ length: size }, () => payout("fay")));
      await expect.poll(() => quick.received.length, { timeout: 40_000 }).toBe(sofar + size);
    };
    await wave(20, 0);
    const slow = `${deliveriesPath}?endpointId=${endpointId}&limit=100`;
    // Until the first of its calls was given up nobody knows.
    const isKnown = async () => (await readEndpoint(endpointId)).failingSince !== undefined;
    await expect.poll(isKnown, { timeout: 40_000, interval: 500 }).toBe(true);
    const before = hanging.received.length;
    const started = Date.now();
    await wave(40, 20);
    // Faster than a single call of the one that hangs.
    expect(Date.now() - started).toBeLessThan(14_000);
    // First tries again after 5 s, and the few of the new ones that have a turn.
    expect(hanging.received.length - before).toBeLessThanOrEqual(5 + 3);
    const { items } = await must(200, "GET", slow);
    const waiting = items.filter((one: { state: string }) => one.state === "pending");
    expect(waiting).toHaveLength(60);
  });

  test("is tried ten times in four days, then given up, and can be sent again", async () => {
    const there = await receiver();
    there.reply(503);
    const { endpointId } = await endpointAt(there);
    const { deliveryId } = await must(202, "POST", `${endpointsPath}/${endpointId}/test`, {});
    await expect.poll(() => there.received.length, { timeout: 20_000 }).toBe(2);
    await cloud.waitUntilIdle();
    const waits: number[] = [];
    for (let next = await delivery(deliveryId); next.state === "pending"; ) {
      const { at, durationMs } = next.lastAttempt;
      waits.push((Date.parse(next.nextAttemptAt) - Date.parse(at) - durationMs) / hourMs);
      await later(2 * dayMs);
      next = await delivery(deliveryId);
    }
    for (const [index, hours] of [1 / 12, 0.5, 2, 5, 10, 14, 20, 24].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(hours);
      // A tenth later, and what a busy machine takes to record an attempt.
      expect(waits[index]).toBeLessThan(hours * 1.1 + 1 / 60);
    }
    expect(await delivery(deliveryId)).toMatchObject({
      ...{ state: "failed", failure: "no-tries-left", attempts: Array(10).fill({ status: 503 }) },
    });
    expect(once(there.received)).toBe(1);
    there.reply(200);
    await must(202, "POST", `${deliveriesPath}/${deliveryId}/resend`, {});
    await cloud.waitUntilIdle();
    expect(await delivery(deliveryId)).toMatchObject({ state: "delivered" });
    expect(there.received).toHaveLength(11);
  });

  test("429 with Retry-After: is left alone for as long as it asks", async () => {
    const there = await receiver();
    there.reply((_, response) => response.writeHead(429, { "retry-after": "3600" }).end());
    const { endpointId } = await endpointAt(there);
    const { nextAttemptAt } = await ping(endpointId);
    const waitMs = Date.parse(nextAttemptAt) - Date.now();
    expect(waitMs).toBeGreaterThan(hourMs - minuteMs);
    expect(waitMs).toBeLessThan(1.1 * hourMs);
  });
});

test("W2: a redirect to a metadata address is a failure, and is not followed", async () => {
  const there = await receiver();
  const location = "http://169.254.169.254/latest/meta-data/iam/security-credentials/";
  there.reply((_, response) => response.writeHead(302, { location }).end());
  const { endpointId } = await endpointAt(there);
  const { deliveryId } = await must(202, "POST", `${endpointsPath}/${endpointId}/test`, {});
  await expect.poll(async () => (await delivery(deliveryId)).attempts.length).toBe(1);
  const { state, attempts } = await delivery(deliveryId);
  expect({ state, attempts }).toMatchObject({ state: "pending", attempts: [{ status: 302 }] });
});

describe("W3: an endpoint is disabled, and its owner told,", () => {
  test("when it answers 410; enabled again, it is sent what it missed", async () => {
    const [gone, other] = [await receiver(), await receiver()];
    const { endpointId, secret: _ } = await endpointAt(gone, { events: ["payout.requested"] });
    await endpointAt(other, { events: ["webhook_endpoint.disabled"] });
    gone.reply(410);
    const since = new Date(Date.now() - 1_000).toISOString();
    await payout("dora");
    await cloud.waitUntilIdle();
    expect(await readEndpoint(endpointId)).toMatchObject({
      ...{ state: "disabled", disabledReason: "gone", disabledAt: expect.any(String) },
    });
    expect(other.received.map(({ body }) => body)).toMatchObject([
      { type: "webhook_endpoint.disabled", data: { endpointId, reason: "gone" } },
    ]);
    await payout("dora");
    await cloud.waitUntilIdle();
    expect(gone.received).toHaveLength(1);
    const failed = `${deliveriesPath}?endpointId=${endpointId}&state=failed`;
    const { items } = await must(200, "GET", failed);
    expect(items.map(({ failure }: { failure: string }) => failure)).toEqual([
      "endpoint-disabled",
      "gone",
    ]);
    const resend = `${endpointsPath}/${endpointId}/resend`;
    expect(await must(409, "POST", resend, { since })).toMatchObject({
      type: "urn:pennyline:problem:webhook-endpoint-disabled",
    });
    gone.reply(200);
    const body = { url: gone.url, events: ["payout.requested"] };
    await must(200, "PUT", `${endpointsPath}/${endpointId}`, body);
    await must(202, "POST", resend, { since });
    await cloud.waitUntilIdle();
    expect((await must(200, "GET", failed)).items).toEqual([]);
    expect(gone.received).toHaveLength(3);
    expect(once(gone.received)).toBe(2);
  });

  test("and stays so when a PATCH names something else; what a PATCH leaves out stays", async () => {
    const gone = await receiver();
    const { endpointId } = await endpointAt(gone, { events: ["payout.requested"], ordered: true });
    const path = `${endpointsPath}/${endpointId}`;
    const kept = {
      url: `${gone.url}/`,
      events: ["payout.requested"],
      ordered: true,
      state: "enabled",
    };
    expect(await must(200, "PATCH", path, { description: "Mine" })).toMatchObject({
      ...{ ...kept, description: "Mine" },
    });
    gone.reply(410);
    await must(202, "POST", `${path}/test`, {});
    await cloud.waitUntilIdle();
    const disabled = await must(200, "PATCH", path, { description: null, events: null });
    expect(disabled).toMatchObject({ state: "disabled", disabledReason: "gone", ordered: true });
    expect(disabled).not.toHaveProperty("description");
    expect(disabled).not.toHaveProperty("events");
    expect(await must(200, "PATCH", path, { enabled: true })).toMatchObject({ state: "enabled" });
    await must(400, "PATCH", path, { enable: true });
    await must(404, "PATCH", `${endpointsPath}/ep_${"0".repeat(24)}`, { enabled: true });
  });

  test("after five days of nothing but failure", async () => {
    const [dead, other] = [await receiver(), await receiver()];
    const { endpointId } = await endpointAt(dead, { events: ["job.failed"] });
    await endpointAt(other, { events: ["webhook_endpoint.disabled"] });
    dead.reply(500);
    const { deliveryId } = await must(202, "POST", `${endpointsPath}/${endpointId}/test`, {});
    await expect.poll(() => dead.received.length, { timeout: 20_000 }).toBe(2);
    await cloud.waitUntilIdle();
    expect((await readEndpoint(endpointId)).state).toBe("enabled");
    const longAgo = Date.now() - maxFailingMs;
    await change({ pk: "health#publisher", sk: endpointId }, { failingSinceMs: longAgo });
    await change({ pk: "endpoints#publisher", sk: endpointId }, { changedAtMs: longAgo });
    await later(6 * minuteMs);
    const disabled = await readEndpoint(endpointId);
    expect(disabled).toMatchObject({ state: "disabled", disabledReason: "failing" });
    expect(await delivery(deliveryId)).toMatchObject({ state: "failed" });
    expect(other.received.map(({ body }) => body)).toMatchObject([
      { type: "webhook_endpoint.disabled", data: { endpointId, reason: "failing" } },
    ]);
  });
});

test("rotation: both secrets verify until the overlap is over, then the new one only", async () => {
  const there = await receiver();
  const { endpointId, secret: first } = await endpointAt(there);
  await ping(endpointId);
  const rotated = await must(201, "POST", `${endpointsPath}/${endpointId}/secret`, {});
  expect(rotated.secrets).toMatchObject([{ generation: 2 }, { generation: 1 }]);
  await ping(endpointId);
  const alone = { overlapHours: 0 };
  const third = await must(201, "POST", `${endpointsPath}/${endpointId}/secret`, alone);
  await ping(endpointId);
  const secrets = [first, rotated.secret, third.secret];
  const verdicts = there.received.map((one) => secrets.map((secret) => verifies(secret, one)));
  expect(verdicts).toEqual([
    [true, false, false],
    [true, true, false],
    [false, false, true],
  ]);
  expect(there.received[1]?.headers["webhook-signature"]).toMatch(/^v1,\S+ v1,\S+$/);
});

describe("Q7: a worker killed", () => {
  /** As if the claim of a worker that is dead were over. */
  const endClaim = async (deliveryId: string) => {
    const [endpointId, time, hash] = deliveryId.split("-");
    const key = { pk: `deliveries#publisher#${endpointId}`, sk: `${time}-${hash}` };
    await change(key, { diallingUntilMs: undefined });
  };
  /** How often its receiver was called, until the delivery had arrived. */
  const callsAfterKill = async (fault: InvocationFault) => {
    // Its message comes again only because it was killed.
    cloud.faults.plan({});
    onTestFinished(() => cloud.faults.plan(twice));
    const there = await receiver();
    const { endpointId, secret } = await endpointAt(there);
    cloud.faults.once({ on: "invocation", function: worker, fault });
    const { deliveryId } = await must(202, "POST", `${endpointsPath}/${endpointId}/test`, {});
    const killed = () => cloud.queueDepths()[worker]?.inFlight === 1 && !isBusy();
    await expect.poll(killed, { timeout: 20_000 }).toBe(true);
    await endClaim(deliveryId);
    cloud.queues.get(worker).expireVisibility();
    await cloud.waitUntilIdle();
    expect((await delivery(deliveryId)).state).toBe("delivered");
    expect(once(there.received)).toBe(1);
    expect(there.received.every((one) => verifies(secret, one))).toBe(true);
    return there.received.length;
  };
  const isBusy = () => cloud.functions.get(worker).busy() > 0;

  test("before it called: the call is made, once", async () => {
    expect(await callsAfterKill({ kind: "kill-before" })).toBe(1);
  });

  // It reads delivery, endpoint and health, claims, reads body and (once) secret, calls, records.
  test.each([
    [1, "before", 1],
    [4, "before", 1],
    [4, "after", 1],
    [5, "after", 1],
    [6, "before", 2],
    [6, "after", 2],
  ] as const)("at its request %i, %s it was carried out: %i calls at most", async (...fault) => {
    const [call, when, most] = fault;
    const calls = await callsAfterKill({ kind: "kill-at-call", call, when });
    expect(calls).toBeGreaterThanOrEqual(1);
    expect(calls).toBeLessThanOrEqual(most);
  });
});

describe("an endpoint that wants order", () => {
  test("gets what is about one creator one after the other, and others meanwhile", async () => {
    const there = await receiver();
    await endpointAt(there, { events: ["payout.requested"], ordered: true });
    there.reply((one, response) => {
      response.writeHead(one.body.data.creatorId === "slow" ? 500 : 200).end();
    });
    const nowMs = Date.now();
    const first = await payout("slow", nowMs);
    await expect.poll(() => there.received.length).toBe(1);
    const second = await payout("slow", nowMs + 1);
    const third = await payout("slow", nowMs + 2);
    await payout("quick", nowMs + 3);
    await expect.poll(() => there.received.length, { timeout: 20_000 }).toBe(3);
    await cloud.waitUntilIdle();
    const told = () => there.received.map(({ body }) => body.data.payoutId);
    expect(told().filter((id) => id === first)).toHaveLength(2);
    there.reply(200);
    await later(6 * minuteMs);
    expect(told().slice(3)).toEqual([first, second, third]);
  });
});

describe("lists", () => {
  test("go page by page, by endpoint, state and time", async () => {
    const [one, two] = [await receiver(), await receiver()];
    const first = await endpointAt(one, { events: ["payout.requested"] });
    await endpointAt(two, { events: ["payout.requested"] });
    const nowMs = Date.now();
    for (let at = 0; at < 3; at += 1) await payout("ezra", nowMs + at);
    await cloud.waitUntilIdle();
    const since = new Date(nowMs).toISOString();
    const ids: string[] = [];
    let cursor = "";
    do {
      const path = `${deliveriesPath}?limit=2&since=${since}${cursor}`;
      const page = await must(200, "GET", path);
      ids.push(...page.items.map(({ deliveryId }: { deliveryId: string }) => deliveryId));
      cursor = page.nextCursor === undefined ? "" : `&cursor=${page.nextCursor}`;
    } while (cursor !== "");
    expect(ids).toHaveLength(6);
    expect(new Set(ids).size).toBe(6);
    const times = ids.map((id) => id.split("-")[1]);
    expect(times).toEqual([...times].sort().reverse());
    const ofOne = await must(200, "GET", `${deliveriesPath}?endpointId=${first.endpointId}`);
    expect(ofOne.items).toHaveLength(3);
    const failed = await must(200, "GET", `${deliveriesPath}?state=failed&since=${since}`);
    expect(failed.items).toEqual([]);
  });
});

describe("bad input is refused, and says what to change:", () => {
  test.each([
    [{ url: "https://127.0.0.1.nip.example:22/" }, "url"],
    [{ url: "https://169.254.169.254/latest/meta-data" }, "url"],
    [{ url: "https://[::ffff:10.0.0.1]/" }, "url"],
    [{ url: "https://[64:ff9b::a00:1]/" }, "url"],
    [{ url: "https://2130706433.0.0.0.1/" }, "url"],
    [{ url: "http://hooks.example.com/" }, "url"],
    [{ url: "https://user@hooks.example.com/" }, "url"],
    [{ url: "" }, "url"],
    [{}, "url"],
    [{ url: "https://hooks.example.com/", events: [] }, "events"],
    [{ url: "https://hooks.example.com/", events: ["job.done"] }, "events.0"],
    [{ url: "https://hooks.example.com/", secret: "whsec_mine" }, "secret"],
  ])("%j", async (body, field) => {
    const answer = await must(400, "POST", endpointsPath, body);
    expect(answer.errors).toMatchObject([{ field }]);
  });

  test("an endpoint or a delivery that is not there is 404, whatever its id looks like", async () => {
    const nobody = `ep_${"0".repeat(24)}`;
    await must(404, "GET", `${endpointsPath}/${nobody}`);
    await must(404, "DELETE", `${endpointsPath}/${nobody}`);
    await must(404, "POST", `${endpointsPath}/${nobody}/test`, {});
    await must(404, "POST", `${endpointsPath}/${nobody}/secret`, {});
    await must(404, "POST", `${endpointsPath}/${nobody}/resend`, { since: "2026-01-01T00:00:00Z" });
    await must(400, "GET", `${endpointsPath}/other`);
    for (const id of ["x", `${nobody}-20260101T000000000Z-000000000000`]) {
      await must(404, "GET", `${deliveriesPath}/${id}`);
      await must(404, "POST", `${deliveriesPath}/${id}/resend`, {});
    }
    await must(400, "GET", `${deliveriesPath}?cursor=x`);
    await must(400, "GET", `${deliveriesPath}?state=done`);
  });

  test("no more than 20 endpoints", async () => {
    const there = { url: "https://hooks.example.com/" };
    for (let at = 0; at < 20; at += 1) await endpointAt(there, { events: ["job.failed"] });
    expect(await must(409, "POST", endpointsPath, there)).toMatchObject({
      type: "urn:pennyline:problem:too-many-webhook-endpoints",
    });
    expect((await must(200, "GET", endpointsPath)).items).toHaveLength(20);
  });
});

test("an endpoint's secret stands in no table, and a retry of its request shows it again", async () => {
  const body = { url: "https://hooks.example.com/", events: ["job.failed"] };
  const headers = { "idempotency-key": randomUUID() };
  const options = { token: api.publisher, headers, body };
  const [first, again] = [
    await api.call("POST", endpointsPath, options),
    await api.call("POST", endpointsPath, options),
  ];
  expect(again.body).toEqual(first.body);
  expect(first.headers.get("location")).toBe(`${endpointsPath}/${first.body.endpointId}`);
  const self = `${endpointsPath}/${first.body.endpointId}`;
  const rotated = await must(201, "POST", `${self}/secret`, {});
  expect(await must(200, "GET", self)).not.toHaveProperty("secret");
  const secrets = [first.body.secret, rotated.secret].map((one) => one.slice("whsec_".length));
  for (const TableName of cloud.tables) {
    for await (const item of scanItems(tables.client, { TableName })) {
      const text = JSON.stringify(item, (_, one) => (typeof one === "bigint" ? `${one}` : one));
      for (const secret of secrets) expect(text).not.toContain(secret);
    }
  }
  const deleted = await api.call("DELETE", self, { token: api.publisher });
  expect(deleted.status).toBe(204);
  await must(404, "GET", self);
});
