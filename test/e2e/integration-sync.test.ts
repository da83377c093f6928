import { randomUUID } from "node:crypto";
import { GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dayMs } from "../../core/values/time.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";
import { type JobClient, jobClient } from "./support/job-client.ts";
import { type Receiver, receiverForTest as receiver } from "./support/receiver.ts";

let cloud: TestCloud;
let api: ApiClient;
let jobs: JobClient;
let tables: CloudTables;
beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  jobs = jobClient(api);
  tables = cloudTables(cloud);
});
afterAll(async () => {
  tables.stop();
  await stopTestCloud(cloud);
});

const worker = "pennyline-local-run-integration-sync";
const patiently = { timeout: 30_000, interval: 50 };

const path = (id: string) => `/v1/integrations/${id}`;
let integrations = 0;

/** Registers what a receiver is, under a name of its own. */
async function register({ url }: Receiver, more: object = {}) {
  integrations += 1;
  const integrationId = `crm-${integrations}`;
  const { body } = await api.call("PUT", path(integrationId), {
    token: api.publisher,
    body: { url, ratePerSecond: 100, timeoutMs: 2_000, ...more },
    headers: { "idempotency-key": randomUUID() },
  });
  return { integrationId, secret: String(body.secret) };
}

const show = async (integrationId: string) => (await jobs.get(path(integrationId))).body;
const sync = (integrationId: string, data: object = { reader: "r-7" }) =>
  jobs.request("integration.sync", { integrationId, data });
const callIds = ({ received }: Receiver) =>
  received.map(({ headers }) => headers["idempotency-key"]);

/** Lets whatever was put away come back at once, and messages of killed workers, until it has ended. */
async function ended(jobId: string) {
  await expect
    .poll(async () => {
      await cloud.fireDueSchedules(new Date(Date.now() + dayMs));
      cloud.returnFailed(worker);
      return (await jobs.read(jobId)).body.state;
    }, patiently)
    .toMatch(/succeeded|failed|cancelled/);
  return (await jobs.read(jobId)).body;
}

/** As if the job had been accepted so long before. */
async function acceptedEarlier(jobId: string, byMs: number): Promise<void> {
  const [TableName, Key] = [tables.tableOf("Jobs"), { pk: `job#${jobId}`, sk: "job" }];
  const { Item } = await tables.client.send(new GetCommand({ TableName, Key }));
  const job = JSON.parse(String(Item?.record));
  const record = JSON.stringify({ ...job, acceptedAtMs: job.acceptedAtMs - byMs });
  await tables.client.send(new PutCommand({ TableName, Item: { ...Item, record } }));
}

describe("a call", () => {
  test("is signed, names its job, and what it answered is the job's result", async () => {
    const crm = await receiver(() => ({ status: 201, body: '{"contact":42,"tags":["a"]}' }));
    const { integrationId, secret } = await register(crm, { headers: { "x-team": "books" } });
    const jobId = await sync(integrationId, { reader: "r-7", naïve: [1, null] });
    expect(await ended(jobId)).toMatchObject({
      ...{ state: "succeeded", attempts: 1 },
      result: { status: 201, body: { contact: 42, tags: ["a"] }, calls: 1 },
    });
    const [request] = crm.received;
    expect(request).toMatchObject({
      method: "POST",
      headers: {
        ...{ "x-team": "books", "idempotency-key": jobId, "webhook-id": jobId },
        "content-type": "application/json",
      },
    });
    const { body = "", headers = {} } = request ?? {};
    const verified = new Webhook(secret).verify(body, headers as never);
    expect(verified).toEqual({ reader: "r-7", naïve: [1, null] });
    expect((await show(integrationId)).callsOfLastDay).toEqual({ succeeded: 1 });
  });

  test("to an integration that does not exist is refused before it is accepted", async () => {
    const payload = { integrationId: "nobody", data: {} };
    const answer = await jobs.post({ type: "integration.sync", payload });
    expect([answer.status, answer.body.type]).toEqual([404, "urn:pennyline:problem:not-found"]);
    const list = await jobs.get("/v1/jobs?type=integration.sync&limit=100");
    expect(JSON.stringify(list.body)).not.toContain("nobody");
  });

  test("that is refused fails the job for good, with what was said, cut and safe", async () => {
    const crm = await receiver(() => ({
      status: 422,
      body: `no\r\nsuch\u0000field ${"x".repeat(900)}`,
    }));
    const { integrationId } = await register(crm);
    const { state, error, attempts } = await ended(await sync(integrationId));
    expect([state, attempts, crm.received.length]).toEqual(["failed", 1, 1]);
    expect(error).toMatchObject({
      ...{ type: "urn:pennyline:problem:integration-refused", status: 502, receiverStatus: 422 },
      detail: "It answered 422.",
    });
    expect(error.receiverBody).toMatch(/^no {2}such field x+$/);
    expect(error.receiverBody).toHaveLength(500);
    expect(await show(integrationId)).toMatchObject({
      ...{ breaker: { state: "closed", failuresInRow: 0 }, callsOfLastDay: { refused: 1 } },
    });
  });

  test("429: waits as long as Retry-After says, all jobs of the integration do, and no attempt is lost", async () => {
    const times: number[] = [];
    const crm = await receiver(() => {
      times.push(Date.now());
      if (times.length > 1) return { status: 200 };
      return { status: 429, headers: { "retry-after": "1" } };
    });
    const { integrationId } = await register(crm);
    const first = await sync(integrationId);
    await expect.poll(() => times.length, patiently).toBe(1);
    const second = await sync(integrationId);
    expect(await ended(first)).toMatchObject({ state: "succeeded", result: { calls: 2 } });
    expect(await ended(second)).toMatchObject({ state: "succeeded", result: { calls: 1 } });
    expect(Math.min(...times.slice(1)) - Number(times[0])).toBeGreaterThanOrEqual(900);
    expect(cloud.queues.get(`${worker}-dead-letters`).depth().visible).toBe(0);
  });

  test("503 with a date to come back on is heard, too", async () => {
    let calls = 0;
    let calledAgainMs = 0;
    const at = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 1_000);
    const crm = await receiver(() => {
      calls += 1;
      calledAgainMs = Date.now();
      if (calls > 1) return { status: 200 };
      return { status: 503, headers: { "retry-after": at.toUTCString() } };
    });
    const { integrationId } = await register(crm);
    expect((await ended(await sync(integrationId))).state).toBe("succeeded");
    expect(calledAgainMs).toBeGreaterThanOrEqual(at.getTime());
  });

  test("that never works is made eight times, and then the job says why", async () => {
    const crm = await receiver(() => ({ status: 500, body: "oops" }));
    const { integrationId } = await register(crm, { failuresToOpen: 100 });
    const { state, error } = await ended(await sync(integrationId));
    expect([state, crm.received.length]).toEqual(["failed", 8]);
    expect(error).toMatchObject({
      ...{ detail: "It answered 500. It was called 8 times.", receiverBody: "oops" },
    });
    expect(new Set(callIds(crm)).size).toBe(1);
    expect(cloud.queues.get(`${worker}-dead-letters`).depth().visible).toBe(0);
  });

  test("is not made faster than the integration's rate, however many jobs there are", async () => {
    const times: number[] = [];
    const crm = await receiver(() => {
      times.push(Date.now());
      return { status: 200 };
    });
    const { integrationId } = await register(crm, { ratePerSecond: 2 });
    const startMs = Date.now();
    const ids = await Promise.all(Array.from({ length: 8 }, () => sync(integrationId)));
    for (const jobId of ids) expect((await ended(jobId)).state).toBe("succeeded");
    expect(times).toHaveLength(8);
    // Two at once, then one each half second.
    const early = times.filter((ms, index) => ms < startMs + (index - 1) * 500);
    expect(early).toEqual([]);
  });

  test("that has to wait for more than a day is given up, with what it waited for", async () => {
    const crm = await receiver(() => ({ status: 429, headers: { "retry-after": "60" } }));
    const { integrationId } = await register(crm);
    const jobId = await sync(integrationId);
    await expect
      .poll(async () => (await jobs.read(jobId)).body.progress.message, patiently)
      .toBe("Waiting: it asked for a pause.");
    await acceptedEarlier(jobId, dayMs);
    const { state, error } = await ended(jobId);
    expect([state, crm.received.length]).toEqual(["failed", 1]);
    expect(error).toMatchObject({
      ...{ type: "urn:pennyline:problem:integration-unavailable", status: 504, calls: 1 },
      detail: expect.stringMatching(/^It could not be done within 24 hours\./),
    });
  });

  test("W1: ten gigabytes are read to the limit, and no further", async () => {
    let sent = 0;
    const crm = await receiver((_, response) => {
      response.writeHead(200, { "content-type": "text/plain", "content-length": 10_000_000_000 });
      const chunk = Buffer.alloc(65_536, "a");
      const pump = () => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on("drain", pump);
      pump();
      return undefined;
    });
    const { integrationId } = await register(crm);
    const { state, result } = await ended(await sync(integrationId));
    expect(state).toBe("succeeded");
    expect(result).toMatchObject({ status: 200, truncated: true, body: "a".repeat(500) });
    expect(sent).toBeLessThan(50_000_000);
  });

  test("W2: a redirect to a metadata address is a failure, and is not followed", async () => {
    const crm = await receiver(() => ({
      ...{ status: 302, headers: { location: "http://169.254.169.254/latest/meta-data/" } },
    }));
    const { integrationId } = await register(crm);
    const { state, error } = await ended(await sync(integrationId));
    expect([state, crm.received.length]).toEqual(["failed", 1]);
    expect(error.detail).toMatch(/^It answered 302, and redirects are not followed/);
  });

  test("SSRF: to an address that is private by now is not made", async () => {
    const crm = await receiver(() => ({ status: 200 }));
    const { integrationId } = await register(crm);
    const Key = { pk: "integrations", sk: integrationId };
    const record = JSON.stringify({
      ...{ integrationId, url: "https://10.0.0.1/", method: "POST", headers: {}, secrets: [] },
      ...{ ratePerSecond: 1, timeoutMs: 1_000, failuresToOpen: 5, coolDownMs: 1_000 },
    });
    await tables.client.send(
      new UpdateCommand({
        ...{ TableName: tables.tableOf("Registry"), Key },
        UpdateExpression: "SET #record = :record",
        ExpressionAttributeNames: { "#record": "record" },
        ExpressionAttributeValues: { ":record": record },
      }),
    );
    const { state, error } = await ended(await sync(integrationId));
    expect([state, error.detail]).toEqual([
      "failed",
      "The call did not get through: must name a public server; the address 10.0.0.1 is private.",
    ]);
  });
});

describe("a service that fails", () => {
  test("opens the breaker, is left alone, and a call that works closes it", async () => {
    const crm = await receiver(() => ({ status: 500 }));
    const { integrationId } = await register(crm, { failuresToOpen: 2, coolDownMs: 2_000 });
    const first = await sync(integrationId);
    await expect
      .poll(async () => {
        await cloud.fireDueSchedules(new Date(Date.now() + dayMs));
        return (await show(integrationId)).breaker.state;
      }, patiently)
      .toBe("open");
    const { breaker } = await show(integrationId);
    expect(breaker).toMatchObject({ state: "open", openings: 1 });
    const openMs = Date.parse(breaker.nextProbeAt) - Date.parse(breaker.since);
    expect(openMs).toBeGreaterThanOrEqual(2_000);
    expect(openMs).toBeLessThanOrEqual(3_000);

    // Others come, wait, and are told why; nobody calls.
    const others = await Promise.all([sync(integrationId), sync(integrationId)]);
    await cloud.waitUntilIdle();
    for (const jobId of others) {
      expect((await jobs.read(jobId)).body.progress.message).toBe(
        "Waiting: the service is failing.",
      );
    }
    expect(crm.received).toHaveLength(2);

    crm.answers(() => ({ status: 200 }));
    for (const jobId of [first, ...others]) {
      expect(await ended(jobId)).toMatchObject({ state: "succeeded" });
    }
    const shown = await show(integrationId);
    expect(shown.breaker).toMatchObject({ state: "closed", failuresInRow: 0 });
    expect(shown.callsOfLastDay).toEqual({ failed: 2, succeeded: 3 });
  });

  test("W1: one that hangs has three calls at most, and holds up no other service", async () => {
    let [open, mostOpen] = [0, 0];
    const hanging = await receiver((_, response) => {
      open += 1;
      mostOpen = Math.max(mostOpen, open);
      response.on("close", () => {
        open -= 1;
      });
      return undefined;
    });
    const healthy = await receiver();
    const slow = await register(hanging, { timeoutMs: 15_000, failuresToOpen: 100 });
    const quick = await register(healthy);
    const theirs = await Promise.all(Array.from({ length: 60 }, () => sync(slow.integrationId)));
    await expect.poll(() => open, patiently).toBe(3);
    const mine = await Promise.all(Array.from({ length: 3 }, () => sync(quick.integrationId)));
    for (const jobId of mine) expect((await jobs.finished(jobId)).state).toBe("succeeded");
    expect(mostOpen).toBe(3);

    await api.call("DELETE", path(slow.integrationId), { token: api.publisher });
    await hanging.stop();
    for (const jobId of theirs) expect((await ended(jobId)).state).toBe("failed");
  });
});

describe("Q7: a worker that is killed", () => {
  test("before or after any of its calls makes the call again under the same key", async () => {
    const crm = await receiver(() => ({ status: 200 }));
    const { integrationId } = await register(crm);
    for (const when of ["before", "after"] as const) {
      // The call itself is the fourteenth or so of a job's.
      for (const call of [3, 11, 13, 14, 15, 17]) {
        const fault = { kind: "kill-at-call", call, when } as const;
        cloud.faults.once({ on: "invocation", function: worker, fault });
        const jobId = await sync(integrationId);
        expect(await ended(jobId)).toMatchObject({ state: "succeeded" });
        const calls = callIds(crm).filter((key) => key === jobId).length;
        expect([1, 2]).toContain(calls);
        await cloud.waitUntilIdle();
      }
    }
    const all = callIds(crm);
    expect(new Set(all).size).toBe(12);
    // Some were killed when the service had been called already.
    expect(all.length).toBeGreaterThan(12);
  });
});
