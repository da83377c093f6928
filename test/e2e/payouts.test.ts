import { randomUUID } from "node:crypto";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scanItems } from "../../adapters/dynamodb/items.ts";
import { type Answer, type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { cloudTables } from "./support/cloud-tables.ts";

let cloud: TestCloud;
let api: ApiClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
});
afterAll(() => stopTestCloud(cloud));

const iban = "DE89370400440532013000";

const get = (path: string, token = api.publisher) => api.call("GET", path, { token });
const send = (path: string, body: object, key: string = randomUUID(), method = "POST") =>
  api.call(method, path, { token: api.publisher, body, headers: { "idempotency-key": key } });

async function owe(creatorId: string, amountMicros: string) {
  const body = { creatorId, amountMicros, note: "owed" };
  expect((await send("/v1/ledger/adjustments", body)).status).toBe(201);
}
const request = (creatorId: string, body: object = {}, key?: string) =>
  send(`/v1/creators/${creatorId}/payouts`, body, key);
const result = (payoutId: string, body: object) =>
  send(`/v1/payouts/${encodeURIComponent(payoutId)}/result`, body);
const payable = async (creatorId: string) =>
  (await statement(creatorId)).closing as { payableMicros: string; inPayoutMicros: string };

async function statement(creatorId: string) {
  const month = new Date().toISOString().slice(0, 7);
  return (await get(`/v1/creators/${creatorId}/statements/${month}`)).body;
}

const run = new Date().toISOString().slice(0, 7);

function payoutsDue(creatorIds: readonly string[]): string {
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const detail = { schemaVersion: 1, run, creatorIds, traceparent };
  return JSON.stringify({ source: "pennyline.payouts", "detail-type": "PayoutsDue", detail });
}

function expectProblem(answer: Answer, status: number, code: string, ...words: string[]) {
  expect(answer.body).toMatchObject({ status, type: `urn:pennyline:problem:${code}` });
  for (const word of words) expect(answer.body.detail).toContain(word);
}

describe("a payout", () => {
  test("is reserved in whole cents, shown, confirmed once, and explained by the ledger", async () => {
    await owe("ada", "12345678");
    const before = cloud.stats.eventsAccepted;
    const answer = await request("ada");
    expect(answer.status).toBe(202);
    const { payoutId } = answer.body;
    expect(answer.body).toMatchObject({
      ...{ creatorId: "ada", state: "reserved", currency: "USD", amountMicros: "12340000" },
      requestedBy: "publisher:publisher",
    });
    expect(cloud.stats.eventsAccepted).toBe(before + 1);
    expect(await payable("ada")).toMatchObject({
      ...{ payableMicros: "5678", inPayoutMicros: "12340000" },
    });
    const location = answer.headers.get("location") ?? "";
    expect((await get(location)).body).toMatchObject({ entryId: payoutId, type: "payout" });

    const paid = await result(payoutId, { status: "paid", providerReference: "bank 1" });
    expect([paid.status, paid.body.state]).toEqual([200, "paid"]);
    expect((await result(payoutId, { status: "paid" })).body).toEqual(paid.body);
    expectProblem(
      await result(payoutId, { status: "failed", reason: "no" }),
      ...([409, "payout-already-paid", payoutId] as const),
    );
    expect(await payable("ada")).toMatchObject({ payableMicros: "5678", inPayoutMicros: "0" });
    const ada = await cloud.mintToken({ role: "creator", id: "ada" });
    const list = await get("/v1/creators/ada/payouts", ada);
    // Who at the publisher's did it is not the creator's business.
    const { requestedBy: _, ...shown } = paid.body;
    expect(list.body.items).toEqual([shown]);
    expect((await get(location, ada)).body.correctedBy).toEqual([paid.body.resultEntryId]);
  });

  test("that failed is payable again", async () => {
    await owe("bea", "20000000");
    const { payoutId } = (await request("bea")).body;
    const failed = await result(payoutId, { status: "failed", reason: "account closed" });
    expect(failed.body).toMatchObject({ state: "failed", reason: "account closed" });
    expect(await payable("bea")).toMatchObject({
      ...{ payableMicros: "20000000", inPayoutMicros: "0" },
    });
    expectProblem(await result(payoutId, { status: "paid" }), 409, "payout-already-failed");
    expect((await request("bea")).body).toMatchObject({ amountMicros: "20000000" });
  });

  test("of a whole balance, asked for ten times at once, is reserved exactly once", async () => {
    await owe("cleo", "30000000");
    const asked = Array.from({ length: 10 }, () => request("cleo", { amountMicros: "30000000" }));
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([202, ...Array.from({ length: 9 }, () => 409)]);
    expect(await payable("cleo")).toMatchObject({
      ...{ payableMicros: "0", inPayoutMicros: "30000000" },
    });
  });

  test("I6, I7: a retry gets its first answer, another body under its key is a 409", async () => {
    await owe("dora", "30000000");
    const key = randomUUID();
    const first = await request("dora", { amountMicros: "10000000" }, key);
    const again = await request("dora", { amountMicros: "10000000" }, key);
    expect([again.status, again.body]).toEqual([202, first.body]);
    expectProblem(
      await request("dora", { amountMicros: "20000000" }, key),
      ...([409, "idempotency-key-reused"] as const),
    );
    expect(await payable("dora")).toMatchObject({ inPayoutMicros: "10000000" });
  });

  test("S7: too little, too much, a negative balance and parts of a cent are refused by name", async () => {
    await owe("eve", "9999999");
    expectProblem(await request("eve"), 409, "payout-below-minimum", "9990000", "10000000");
    expectProblem(
      await request("eve", { amountMicros: "10000000" }),
      ...([409, "payout-exceeds-payable", "10000000", "9999999"] as const),
    );
    await owe("eve", "-10000000");
    expectProblem(await request("eve"), 409, "payout-below-minimum", "-1 ");
    expectProblem(await request("eve", { amountMicros: "10000001" }), 400, "invalid-request");
    for (const amountMicros of ["0", "-1", "1.5", 5, "1e3"]) {
      const answer = await request("eve", { amountMicros });
      expectProblem(answer, 400, "invalid-request", "amountMicros");
    }
    expectProblem(await result("eve.0000000001", { status: "paid" }), 404, "not-found");
    expectProblem(await result("eve.0000000001", { status: "lost" }), 400, "invalid-request");
  });

  test("of more than the limit pays the limit, says so, and leaves the rest payable", async () => {
    const limit = "1000000000000000";
    for (const amount of [limit, limit, "25000000"]) await owe("max", amount);
    const answer = await request("max", {}, "max-1");
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ amountMicros: limit, limitMicros: limit });
    expect(await payable("max")).toEqual({
      ...{ payableMicros: "1000000025000000", heldMicros: "0", inPayoutMicros: limit },
    });
    expect((await request("max", {}, "max-1")).body).toEqual(answer.body);
    const more = { amountMicros: "1000000000010000" };
    expectProblem(await request("max", more), 400, "invalid-request", "amountMicros", limit);
    // The monthly run likewise: a creator's money does not wait for a person to ask for it in parts.
    const queue = cloud.queues.get("pennyline-local-pay-creators");
    for (let time = 0; time < 2; time += 1) queue.send(payoutsDue(["max"]));
    await cloud.waitUntilIdle();
    const { items } = (await get("/v1/creators/max/payouts")).body;
    expect(items).toMatchObject([
      { amountMicros: limit, limitMicros: limit, requestedBy: `run:${run}` },
      { amountMicros: limit, limitMicros: limit, requestedBy: "publisher:publisher" },
    ]);
    const rest = await request("max");
    expect(rest.body.amountMicros).toBe("25000000");
    expect(rest.body).not.toHaveProperty("limitMicros");
    expect(await payable("max")).toMatchObject({ payableMicros: "0" });
  });

  test("that was cut off before its announcement is announced by the next run", async () => {
    await owe("fay", "20000000");
    cloud.faults.plan({ putEvents: { failEntry: 1 } });
    expect((await request("fay")).status).toBe(202);
    cloud.faults.plan({});
    const before = cloud.stats.eventsAccepted;
    const schedule = "pennyline-local-run-payouts";
    expect(await cloud.fireSchedule(schedule)).toMatchObject({ ok: true });
    await cloud.waitUntilIdle();
    const announced = cloud.stats.eventsAccepted - before;
    expect(announced).toBeGreaterThanOrEqual(1);
    expect(await cloud.fireSchedule(schedule)).toMatchObject({ ok: true });
    expect(cloud.stats.eventsAccepted - before).toBe(announced);
  });
});

describe("the monthly run", () => {
  test("S5: pays each creator all that is payable, once, however often it is delivered", async () => {
    await owe("gil", "40005000");
    await owe("hal", "500");
    const queue = cloud.queues.get("pennyline-local-pay-creators");
    for (let time = 0; time < 3; time += 1) queue.send(payoutsDue(["gil", "hal"]));
    await cloud.waitUntilIdle();
    const { items } = (await get("/v1/creators/gil/payouts")).body;
    expect(items).toMatchObject([{ amountMicros: "40000000", requestedBy: `run:${run}` }]);
    expect((await get("/v1/creators/hal/payouts")).body.items).toEqual([]);
    expect(await payable("hal")).toMatchObject({ payableMicros: "500" });
  });
});

/** As if every request had begun longer ago than a function may run. */
async function letFunctionsTimeOut() {
  const { client, tableOf, stop } = cloudTables(cloud);
  const TableName = tableOf("Idempotency");
  for await (const { id, status } of scanItems(client, { TableName })) {
    if (status !== "INPROGRESS") continue;
    const update = new UpdateCommand({
      ...{ TableName, Key: { id } },
      UpdateExpression: "SET in_progress_expiration = :past",
      ExpressionAttributeValues: { ":past": 0n },
    });
    await client.send(update);
  }
  stop();
}

describe("cut off anywhere", () => {
  test("a request that is sent again reserves one payout, and announces it", async () => {
    const before = cloud.stats.eventsAccepted;
    const points = [2, 3, 4, 5, 6, 7].flatMap((call) =>
      (["before", "after"] as const).map((when) => ({ call, when })),
    );
    const killed: { creatorId: string; key: string }[] = [];
    for (const { call, when } of points) {
      const creatorId = `killed-${call}-${when}`;
      await owe(creatorId, "20000000");
      const fault = { kind: "kill-at-call", call, when } as const;
      cloud.faults.once({ on: "invocation", function: "pennyline-local-request-payout", fault });
      const key = randomUUID();
      expect((await request(creatorId, {}, key)).status, creatorId).toBeGreaterThanOrEqual(500);
      killed.push({ creatorId, key });
    }
    // A key stays "in progress" until the function that took it would have timed out.
    const [first] = killed;
    expect((await request(first?.creatorId ?? "", {}, first?.key)).status).toBe(409);
    await letFunctionsTimeOut();
    for (const { creatorId, key } of killed) {
      expect((await request(creatorId, {}, key)).status, creatorId).toBe(202);
      const { items } = (await get(`/v1/creators/${creatorId}/payouts`)).body;
      expect(items).toMatchObject([{ state: "reserved", amountMicros: "20000000" }]);
      expect(await payable(creatorId)).toMatchObject({
        ...{ payableMicros: "0", inPayoutMicros: "20000000" },
      });
    }
    expect(cloud.stats.eventsAccepted - before).toBeGreaterThanOrEqual(killed.length);
  });

  test.each([
    { call: 2, when: "before" },
    { call: 3, when: "before" },
    { call: 3, when: "after" },
    { call: 5, when: "before" },
    { call: 5, when: "after" },
    { call: 6, when: "after" },
  ] as const)(
    "Q7: pay-creators, killed $when its call $call, pays once",
    async ({ call, when }) => {
      const creatorId = `q7-${call}-${when}`;
      await owe(creatorId, "20000000");
      const name = "pennyline-local-pay-creators";
      const errors = () => cloud.stats.functions[name]?.errors ?? 0;
      const [before, accepted] = [errors(), cloud.stats.eventsAccepted];
      const fault = { kind: "kill-at-call", call, when } as const;
      cloud.faults.once({ on: "invocation", function: name, fault });
      const queue = cloud.queues.get(name);
      queue.send(payoutsDue([creatorId]));
      await expect.poll(errors, { timeout: 20_000 }).toBe(before + 1);
      await expect.poll(() => queue.depth().inFlight, { timeout: 20_000 }).toBe(1);
      queue.expireVisibility();
      await cloud.waitUntilIdle();
      const { items } = (await get(`/v1/creators/${creatorId}/payouts`)).body;
      expect(items).toMatchObject([{ state: "reserved", amountMicros: "20000000" }]);
      expect(cloud.stats.eventsAccepted).toBeGreaterThan(accepted);
      const open = (await get("/v1/payouts/file")).body;
      expect(open).toContain(items[0].payoutId);
    },
  );
});

describe("the payout file", () => {
  test("lists every open payout with its payee, those without one too", async () => {
    await send("/v1/creators/ida", { payee: { name: '=Ida, "I"', iban } }, undefined, "PUT");
    await owe("ida", "20000000");
    await owe("jon", "20000000");
    const ida = (await request("ida")).body.payoutId;
    const jon = (await request("jon")).body.payoutId;
    const csv = await get("/v1/payouts/file");
    expect(csv.headers.get("content-type")).toMatch(/^text\/csv/);
    expect(csv.body).toMatch(
      new RegExp(`^${ida},ida,20\\.00,USD,[^,]+,${ida},"'=Ida, ""I""",${iban},,\\r$`, "m"),
    );
    expect(csv.body).toMatch(new RegExp(`^${jon},jon,20\\.00,.*,no payee is registered\\r$`, "m"));

    const xml = await get("/v1/payouts/file?format=pain.001");
    expect(xml.headers.get("content-type")).toMatch(/^application\/xml/);
    expect(xml.body).toContain(`<EndToEndId>${ida}</EndToEndId>`);
    expect(xml.body).not.toContain(jon);
    expect(Number(xml.headers.get("pennyline-payouts-left-out"))).toBeGreaterThan(0);

    await result(ida, { status: "paid" });
    expect((await get("/v1/payouts/file?format=csv")).body).not.toContain(ida);
    expectProblem(await get("/v1/payouts/file?format=xls"), 400, "invalid-request", "format");
  });
});

test("a payee stays while a payout waits for it, and can be replaced; after that it may go", async () => {
  const path = "/v1/creators/kim";
  const payee = { name: "Kim", iban };
  await send(path, { name: "Kim", payee }, undefined, "PUT");
  await owe("kim", "20000000");
  const { payoutId } = (await request("kim")).body;
  const row = async () =>
    (await get("/v1/payouts/file")).body
      .split("\r\n")
      .find((one: string) => one.includes(payoutId));
  await send(path, { name: "Kim B." }, undefined, "PUT");
  expect(await row()).toContain(`,Kim,${iban},`);
  for (const method of ["PATCH", "PUT"]) {
    const refused = await send(path, { payee: null }, undefined, method);
    expectProblem(refused, 409, "payee-in-payout", "20000000 micros", "Post their results first");
  }
  await send(path, { payee: { name: "Kim Beck", iban } }, undefined, "PATCH");
  expect(await row()).toContain(`,Kim Beck,${iban},`);
  await result(payoutId, { status: "paid" });
  const removed = await send(path, { payee: null }, undefined, "PATCH");
  expect([removed.status, removed.body.payee]).toEqual([200, undefined]);
});

test("a wrong IBAN from before they were checked is reported in the file, and stops no other", async () => {
  for (const creatorId of ["lou", "max"]) {
    await send(`/v1/creators/${creatorId}`, { payee: { name: creatorId, iban } }, undefined, "PUT");
    await owe(creatorId, "20000000");
  }
  const [lou, max] = [(await request("lou")).body.payoutId, (await request("max")).body.payoutId];
  const { client, tableOf, stop } = cloudTables(cloud);
  await client.send(
    new UpdateCommand({
      TableName: tableOf("Registry"),
      Key: { pk: "creator#lou", sk: "current" },
      UpdateExpression: "SET payee.iban = :iban",
      ExpressionAttributeValues: { ":iban": "DE89370400440532013001" },
    }),
  );
  stop();
  const csv = (await get("/v1/payouts/file")).body;
  expect(csv).toMatch(new RegExp(`^${lou},lou,.*"?the IBAN has wrong check digits`, "m"));
  const xml = await get("/v1/payouts/file?format=pain.001");
  expect([xml.status, xml.body]).toEqual([200, expect.stringContaining(max)]);
  expect(xml.body).not.toContain(lou);
  // What is wrong in one field keeps nobody from changing another.
  const renamed = await send("/v1/creators/lou", { name: "Lou" }, undefined, "PATCH");
  expect([renamed.status, renamed.body.payee.iban]).toEqual([200, "DE89370400440532013001"]);
});

test("creators see their own payouts and no one else's", async () => {
  const bea = await cloud.mintToken({ role: "creator", id: "bea" });
  expect((await get("/v1/creators/bea/payouts", bea)).status).toBe(200);
  expectProblem(await get("/v1/creators/ada/payouts", bea), 404, "not-found");
});

test("statements tie and the proof is ok after all that", async () => {
  for (const creatorId of ["ada", "bea", "cleo", "dora", "eve", "fay", "gil", "ida"]) {
    const one = await statement(creatorId);
    const sum = (...amounts: string[]) => amounts.reduce((total, text) => total + BigInt(text), 0n);
    expect(sum(one.opening.payableMicros, one.adjustedMicros, one.payouts.failedMicros)).toBe(
      sum(one.closing.payableMicros, one.payouts.reservedMicros),
    );
  }
  expect(await api.proof()).toMatchObject({ ok: true, differences: [] });
});
