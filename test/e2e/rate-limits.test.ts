import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scanItems } from "../../adapters/dynamodb/items.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { assemblyWith } from "./support/assembly.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";
import { jobClient } from "./support/job-client.ts";
import { connectTo } from "./support/socket-client.ts";

/** So slow that a test is over before much of it comes back, but for what the test waits for. */
const small = { perSecond: 0.5, burst: 20 };
/** What one environment may let through on its own. */
const tab = 3;
const rates = {
  publisher: { perSecond: 1_000, burst: 2_000 },
  admin: { perSecond: 1_000, burst: 2_000 },
  creator: small,
  ip: small,
};

let assembly: ReturnType<typeof assemblyWith>;
let cloud: TestCloud;
let api: ApiClient;
let tables: CloudTables;

beforeAll(async () => {
  assembly = assemblyWith({
    RATE_LIMITS: JSON.stringify(rates),
    LONG_POLLS: JSON.stringify({ perOwner: 2, all: 3 }),
  });
  cloud = await startTestCloud({ assemblyDir: assembly.directory });
  api = await apiClient(cloud);
  tables = cloudTables(cloud);
  await api.putArticle("a", "ada");
});
afterAll(async () => {
  tables?.stop();
  await stopTestCloud(cloud);
  assembly.remove();
});

test("J4: many owners' long polls leave room for reads, and places come back when polls end", async () => {
  cloud.faults.plan({ functions: { "pennyline-local-run-draft-save": { throttle: 1 } } });
  const clientOf = async (id: string) => {
    const client = jobClient(api, await creator(id));
    const draft = { creatorId: id, draftId: "d", baseRevision: 0, text: "It was" };
    return { client, jobId: await client.request("draft.save", draft) };
  };
  const [hal, ida, jon] = await Promise.all([clientOf("hal"), clientOf("ida"), clientOf("jon")]);
  await Promise.all([hal, ida, jon, jon].map(({ client, jobId }) => client.read(jobId)));
  let pending = 0;
  const poll = async ({ client, jobId }: typeof hal) => {
    pending += 1;
    const answer = await client.get(`/v1/jobs/${jobId}?wait=25&after=1`);
    pending -= 1;
    return answer.headers.get("pennyline-wait-refused");
  };
  const polls = [poll(hal), poll(hal), poll(ida), poll(ida)];
  await expect.poll(() => pending, { timeout: 20_000 }).toBe(3);
  expect(await poll(jon)).toBe("too-many");
  const reads = await Promise.all([hal, ida, jon].map(({ client, jobId }) => client.read(jobId)));
  expect(reads.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(pending).toBe(3);
  cloud.faults.plan({});
  // One of the four found no place.
  expect((await Promise.all(polls)).filter((one) => one !== null)).toEqual(["too-many"]);
  await jon.client.finished(jon.jobId);
  const again = await jon.client.get(`/v1/jobs/${jon.jobId}?wait=1`);
  expect(again.headers.get("pennyline-wait-refused")).toBeNull();
});

const creator = (id: string) => cloud.mintToken({ role: "creator", id });
const readBalance = (id: string, token: string) =>
  api.call("GET", `/v1/creators/${id}/balance`, { token });
const remainingOf = (answer: { headers: Headers }) =>
  Number(answer.headers.get("ratelimit-remaining"));

/** Asks until it is told to come back later. */
async function useUp(ask: () => Promise<{ status: number; headers: Headers; body: unknown }>) {
  const remaining: number[] = [];
  for (let requests = 0; requests < 100; requests += 1) {
    const answer = await ask();
    if (answer.status === 429) return { refused: answer, remaining };
    remaining.push(remainingOf(answer));
  }
  return expect.unreachable("no limit");
}

/** A report of a browser with an address of its own on this machine. */
function report(localAddress: string, body: unknown) {
  const headers = { "content-type": "application/json", "user-agent": "Mozilla/5.0 Firefox/140.0" };
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    headers: Headers;
    body: unknown;
  }>();
  const sent = request(`${cloud.url}/v1/engagements`, { method: "POST", headers, localAddress });
  sent.on("error", reject).on("response", async (response) => {
    const chunks: Buffer[] = await response.toArray();
    resolve({
      status: response.statusCode ?? 0,
      headers: new Headers(response.headers as Record<string, string>),
      body: JSON.parse(Buffer.concat(chunks).toString("utf8")),
    });
  });
  sent.end(JSON.stringify(body));
  return promise;
}

async function view(readerId: string) {
  return { token: await api.viewToken("a", readerId), kind: "view" };
}

describe("a caller", () => {
  test("is told how it stands, refused when it has used up what is its own, and others go on", async () => {
    const token = await creator("ada");
    const first = await readBalance("ada", token);
    expect(Object.fromEntries(first.headers)).toMatchObject({
      "ratelimit-limit": "20",
      "ratelimit-remaining": "19",
      "ratelimit-reset": "2",
      "ratelimit-policy": "20;w=40",
    });
    const { refused, remaining } = await useUp(() => readBalance("ada", token));
    expect(remaining.toSorted((a, b) => b - a)).toEqual(remaining);
    expect(remaining.length).toBeGreaterThanOrEqual(19);
    expect(refused.body).toMatchObject({
      ...{ type: "urn:pennyline:problem:too-many-requests", title: "Too many requests" },
      ...{ status: 429, limit: "caller", detail: expect.stringMatching(/^You may send 0\.5 req/) },
    });
    expect(remainingOf(refused)).toBe(0);
    const retryAfter = Number(refused.headers.get("retry-after"));
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(Number(refused.headers.get("ratelimit-reset"))).toBeGreaterThanOrEqual(retryAfter);

    // The same creator on another route of another function is refused too; nobody else is.
    const elsewhere = () => api.call("GET", "/v1/jobs", { token });
    await useUp(elsewhere);
    expect((await readBalance("bob", await creator("bob"))).status).toBe(200);
    expect((await readBalance("ada", api.publisher)).status).toBe(200);

    await expect
      .poll(async () => (await readBalance("ada", token)).status, {
        timeout: 20_000,
        interval: 500,
      })
      .toBe(200);
  });

  test("has one limit over all environments of a function", async () => {
    const token = await creator("eve");
    const lanes = 6;
    const startedMs = Date.now();
    const statuses = await Promise.all(
      Array.from({ length: lanes }, async () => {
        const own: number[] = [];
        for (let asked = 0; asked < 20; asked += 1)
          own.push((await readBalance("eve", token)).status);
        return own;
      }),
    );
    const admitted = statuses.flat().filter((status) => status === 200).length;
    const refilled = ((Date.now() - startedMs) / 1_000) * small.perSecond;
    expect(admitted).toBeGreaterThanOrEqual(small.burst);
    expect(admitted).toBeLessThanOrEqual(small.burst + lanes * tab + refilled + 1);
    expect(statuses.flat().filter((status) => status === 429)).toHaveLength(6 * 20 - admitted);
  });

  test("sends messages over its WebSocket out of the same allowance", async () => {
    const token = await creator("sue");
    const ticket = await api.call("POST", "/v1/connection-tickets", { token });
    const client = await connectTo(ticket.body.url);
    const message = { action: "subscribe", topic: "balance", id: "sue" };
    let said = 0;
    let answer = await client.ask(message);
    for (; answer.type !== "problem" && said < 100; said += 1) answer = await client.ask(message);
    expect(answer).toMatchObject({ id: "sue", problem: { status: 429, limit: "caller" } });
    expect(answer.problem.retryAfterSeconds).toBeGreaterThan(0);
    expect(said).toBeLessThan(small.burst + 2 * tab + 10);
  });
});

describe("readers, who do not say who they are", () => {
  test("are limited by address; what was refused and is sent again counts once", async () => {
    const bodies = await Promise.all(
      Array.from({ length: small.burst + tab }, (_, index) => view(`reader-${index}`)),
    );
    const refused: typeof bodies = [];
    for (const body of bodies) {
      const { status } = await report("127.0.0.2", body);
      if (status === 429) refused.push(body);
      else expect(status).toBe(202);
    }
    expect(refused.length).toBeGreaterThan(0);
    const again = await report("127.0.0.2", refused[0]);
    expect(again.body).toMatchObject({
      ...{ limit: "ip", detail: expect.stringContaining("from your network address together") },
    });
    // From another address they are accepted, and once more; those of the first one are retries.
    for (const body of [...refused, ...refused, bodies[0]]) {
      expect((await report("127.0.0.3", body)).status).toBe(202);
    }
    await cloud.waitUntilIdle();
    const path = "/v1/creators/ada/earnings?groupBy=kind";
    const { body } = await api.call("GET", path, { token: api.publisher });
    expect(body.items[0]).toMatchObject({ views: bodies.length });
  });

  test("a large batch costs more than one view", async () => {
    const engagements = Array.from({ length: 100 }, (_, index) => ({
      token: "x".repeat(300),
      kind: "view",
      occurredAt: `2026-01-01T00:00:${10 + (index % 50)}Z`,
    }));
    const answer = await report("127.0.0.4", { engagements });
    expect(answer.status).toBe(400);
    const bytes = JSON.stringify({ engagements }).length;
    expect(remainingOf(answer)).toBe(small.burst - Math.ceil(bytes / 4_096));
  });

  test("whoever asks whether all is well is never refused", async () => {
    for (let asked = 0; asked < 40; asked += 1) {
      const { status, headers } = await api.call("GET", "/v1/health");
      expect([status, headers.get("ratelimit-limit")]).toEqual([200, null]);
    }
  });

  test("pages may read the headers", async () => {
    const { headers } = await api.call("GET", "/v1/web-push-key", {
      headers: { origin: "http://localhost:3000" },
    });
    for (const name of ["limit", "remaining", "reset", "policy"]) {
      expect(headers.get("access-control-expose-headers")).toContain(`ratelimit-${name}`);
      expect(headers.get(`ratelimit-${name}`)).not.toBeNull();
    }
  });

  test("no address is kept or logged, and refusals are counted", async () => {
    const items: unknown[] = [];
    for await (const item of scanItems(tables.client, { TableName: tables.tableOf("Pacing") })) {
      items.push(item.pk);
    }
    const kept = items.join("\n");
    expect(kept).toMatch(/limit#callers#ip#[0-9a-f]{32}/);
    expect(kept).toMatch(/limit#callers#caller#[0-9a-f]{32}/);
    const logs = readdirSync(cloud.dataDir.logs).map((file) =>
      readFileSync(join(cloud.dataDir.logs, file), "utf8"),
    );
    for (const text of [kept, ...logs]) expect(text).not.toMatch(/127\.0\.0\.[234]/);
    expect(cloud.stats.metrics.RequestsLimited).toBeGreaterThan(2);
  });
});

// Last: there is no table after it.
test("when the table is gone everyone is let through, and it is said; J4: no poll waits then", async () => {
  await tables.client.send(new DeleteTableCommand({ TableName: tables.tableOf("Pacing") }));
  const token = await creator("carl");
  for (let asked = 0; asked < 60; asked += 1) {
    expect((await readBalance("carl", token)).status).toBe(200);
  }
  expect(cloud.stats.metrics.LimitsUnavailable).toBeGreaterThan(0);
  const log = readFileSync(join(cloud.dataDir.logs, "pennyline-local-read-balance.log"), "utf8");
  expect(log).toContain("limits are not enforced");
  cloud.faults.plan({ functions: { "pennyline-local-run-draft-save": { throttle: 1 } } });
  const carl = jobClient(api, token);
  const draft = { creatorId: "carl", draftId: "d", baseRevision: 0, text: "It was" };
  const jobId = await carl.request("draft.save", draft);
  const poll = await carl.get(`/v1/jobs/${jobId}?wait=25`);
  expect([poll.status, poll.body.state]).toEqual([200, "accepted"]);
  expect(poll.headers.get("pennyline-wait-refused")).toBe("unavailable");
  cloud.faults.plan({});
});
