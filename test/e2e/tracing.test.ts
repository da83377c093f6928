import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { scanItems } from "../../adapters/dynamodb/items.ts";
import { spanIdOf, traceIdOf } from "../../core/values/trace-context.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";
import { jobClient } from "./support/job-client.ts";
import { runPennyline } from "./support/run-pennyline.ts";
import { sampledTraceId, unsampledTraceId } from "./support/trace-ids.ts";
import { startReceiver } from "./support/webhook-receiver.ts";

const counter = "pennyline-local-count-engagements";
const patiently = { timeout: 40_000, interval: 100 };

let cloud: TestCloud;
let api: ApiClient;
let tables: CloudTables;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  tables = cloudTables(cloud);
  await api.putArticle("traced", "ada");
});
afterAll(async () => {
  tables?.stop();
  await stopTestCloud(cloud);
});

interface Step {
  readonly spanId: string;
  readonly parentId?: string;
  readonly service: string;
  readonly step: string;
  readonly [more: string]: unknown;
}

const ask = (id: string, token: string = api.admin) =>
  api.call("GET", `/v1/admin/traces/${encodeURIComponent(id)}`, { token });

async function traceOf(id: string) {
  const { status, body } = await ask(id);
  expect([status, body.detail]).toEqual([200, undefined]);
  const steps: readonly Step[] = body.steps;
  const of = (service: string) => steps.filter((step) => step.service === service);
  return { ...body, steps, of };
}

async function postView(traceId: string, readerId: string) {
  const headers = {
    traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    "user-agent": "canary-agent",
  };
  const referrer = "https://search.example.com/?q=canary-referrer";
  const body = { engagements: [{ articleId: "traced", readerId, kind: "view", referrer }] };
  const answer = await api.call("POST", "/v1/engagements/batch", {
    ...{ token: api.publisher, headers, body },
  });
  expect([answer.status, answer.body.accepted]).toEqual([202, 1]);
  return answer;
}

describe("the life of a request", () => {
  test("of a job goes from the answer over its worker to the receiver of its callback", async () => {
    const receiver = await startReceiver();
    onTestFinished(receiver.stop);
    const ada = await cloud.mintToken({ role: "creator", id: "ada" });
    const secret = await api.call("POST", "/v1/webhook-endpoints/callbacks/secret", {
      ...{ token: ada, body: {}, headers: { "idempotency-key": randomUUID() } },
    });
    expect(secret.status).toBe(201);
    const jobs = jobClient(api, ada);
    const payload = { creatorId: "ada", draftId: "d1", baseRevision: 0, text: "canary-text" };
    const callbackUrl = `${receiver.url}/canary-url`;
    const accepted = await jobs.post({ type: "draft.save", payload, callbackUrl });
    const { jobId } = accepted.body;
    await jobs.finished(jobId);
    await expect.poll(() => receiver.received.length, patiently).toBe(1);
    await cloud.waitUntilIdle();

    const traceparent = accepted.headers.get("traceparent") ?? "";
    const trace = await traceOf(jobId);
    expect(trace).toMatchObject({ traceId: traceIdOf(traceparent), outcome: "ok", missing: [] });
    expect(trace.jobs).toMatchObject([{ jobId, type: "draft.save", state: "succeeded" }]);
    const [answered, ran, delivered] = [
      ...trace.of("request-job"),
      ...trace.of("run-draft-save"),
      ...trace.of("deliver-webhook"),
    ];
    expect(answered).toMatchObject({ spanId: spanIdOf(traceparent), put: { JobRequested: 1 } });
    expect(answered?.step).toBe("answered POST /v1/jobs 202");
    expect(ran).toMatchObject({
      ...{ parentId: answered?.spanId, event: "JobRequested", attempt: 1, result: "job succeeded" },
      ids: { jobId },
    });
    const created = trace.of("create-deliveries").find((step: Step) => step.put);
    expect(created).toMatchObject({ parentId: ran?.spanId, event: "JobChanged" });
    expect(delivered).toMatchObject({
      ...{ parentId: created?.spanId, event: "WebhookDue", outcome: "ok" },
      result: "the receiver took it: 204",
      ids: { deliveryId: receiver.received[0]?.id },
    });
    // The receiver goes on with the same trace, from the step that called it.
    const sent = String(receiver.received[0]?.headers.traceparent);
    expect([traceIdOf(sent), spanIdOf(sent)]).toEqual([trace.traceId, delivered?.spanId]);
    expect((await traceOf(traceparent)).steps).toHaveLength(trace.steps.length);

    const { exitCode, stdout, stderr } = await runPennyline(
      ["trace", jobId, "--data-dir", cloud.dataDir.path],
      { port: new URL(cloud.url).port },
    );
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/\+0 ms +request-job +answered POST \/v1\/jobs 202/);
    expect(stdout).toMatch(/└ run-draft-save +took JobRequested, .*job succeeded/);
    expect(stdout).toMatch(/└ deliver-webhook .*the receiver took it: 204/);
  });

  test("of a call that is being retried says which attempt comes next and when, and nothing is missing", async () => {
    const receiver = await startReceiver();
    receiver.reply(503);
    onTestFinished(receiver.stop);
    const bob = await cloud.mintToken({ role: "creator", id: "bob" });
    await api.call("POST", "/v1/webhook-endpoints/callbacks/secret", {
      ...{ token: bob, body: {}, headers: { "idempotency-key": randomUUID() } },
    });
    const payload = { creatorId: "bob", draftId: "d1", baseRevision: 0, text: "Once" };
    const accepted = await jobClient(api, bob).post({
      ...{ type: "draft.save", payload, callbackUrl: receiver.url },
    });
    const { jobId } = accepted.body;
    const next = async () => (await traceOf(jobId)).waiting.find(isRetry);
    const isRetry = ({ attempt = 1 }: { readonly attempt?: number }) => attempt > 1;
    await expect.poll(next, patiently).toMatchObject({
      ...{ what: "deliver-webhook tries WebhookDue again", attempt: 2 },
      nextAt: expect.stringMatching(/^20/),
    });
    // The third comes minutes later, by an event of its own.
    await expect.poll(next, patiently).toMatchObject({
      ...{ what: "deliver-webhook has put WebhookDue off", attempt: 3 },
    });
    expect(receiver.received).toHaveLength(2);
    const trace = await traceOf(jobId);
    expect(trace.missing).toEqual([]);
    const { stdout } = await runPennyline(["trace", jobId, "--data-dir", cloud.dataDir.path], {
      port: new URL(cloud.url).port,
    });
    expect(stdout).toContain("something failed, and is being retried");
    expect(stdout).toMatch(
      /Still to come:\n {2}- deliver-webhook has put WebhookDue off: attempt 3, in (\d min|\d+ s) \(..:..:.. UTC\)\n/,
    );
    expect(stdout).not.toMatch(/missing/i);
  });

  test("of a sampled engagement ends in the ledger entry that booked it", async () => {
    const traceId = sampledTraceId();
    await postView(traceId, "canary-reader");
    await cloud.waitUntilIdle();
    const waiting = await traceOf(traceId);
    expect(waiting).toMatchObject({
      waiting: [{ what: 'what was counted for "traced" is not settled yet' }],
      missing: [],
    });

    await cloud.fireSchedule("pennyline-local-settle-earnings");
    await cloud.waitUntilIdle();
    const trace = await traceOf(traceId);
    expect(trace).toMatchObject({ outcome: "ok", waiting: [], missing: [] });
    const [answered, counted, booked] = trace.steps;
    expect(answered).toMatchObject({
      service: "accept-publisher-engagements",
      parentId: "00f067aa0ba902b7",
    });
    expect(counted).toMatchObject({
      ...{ service: "count-engagements", parentId: answered?.spanId, depth: 1 },
      ...{ event: "EngagementsAccepted", result: "counted" },
    });
    expect(booked).toMatchObject({
      ...{ service: "ledger", step: "booked a settlement", parentId: counted?.spanId, depth: 2 },
      ids: { entryId: "ada.0000000001" },
    });
    const entry = await api.call("GET", "/v1/ledger/entries/ada.0000000001", { token: api.admin });
    expect(entry.body.traceId).toBe(booked?.traceId);
    // The settlement has a trace of its own, which is found by the entry, sampled or not.
    expect((await traceOf("ada.0000000001")).traceId).toBe(entry.body.traceId);
  });

  test("of an engagement that is not in the sample is told when it failed, from then on", async () => {
    const fine = unsampledTraceId();
    const answer = await postView(fine, "canary-fine");
    expect(answer.headers.get("traceparent")).toMatch(new RegExp(`^00-${fine}-[0-9a-f]{16}-00$`));
    await cloud.waitUntilIdle();
    const unknown = await ask(fine);
    expect([unknown.status, unknown.body.detail]).toEqual([
      404,
      expect.stringContaining("1 % are"),
    ]);

    const killed = unsampledTraceId();
    cloud.faults.once({ on: "invocation", function: counter, fault: { kind: "kill-before" } });
    await postView(killed, "canary-killed");
    const wasKilled = () => cloud.messages.some((message) => message.includes("killed by a fault"));
    await expect.poll(wasKilled, patiently).toBe(true);
    const again = async () => {
      cloud.returnFailed(counter);
      return (await ask(killed)).status;
    };
    // Seldom: each return is a receive, and a worker waits a second for company for its message.
    await expect.poll(again, { ...patiently, interval: 4_000 }).toBe(200);
    const trace = await traceOf(killed);
    const [counted] = trace.of("count-engagements");
    expect(counted).toMatchObject({ outcome: "ok", step: "took EngagementsAccepted" });
    expect(Number(counted?.attempt)).toBeGreaterThan(1);
    expect(trace.missing.slice(0, 2)).toEqual([
      expect.stringMatching(/^What came before count-engagements \(EngagementsAccepted\)/),
      expect.stringMatching(/^Of count-engagements, attempts? 1.* left no record/),
    ]);
    await cloud.waitUntilIdle();
  });

  test("of a message that cannot be understood says so by the class of the error", async () => {
    const traceId = unsampledTraceId();
    const detail = {
      schemaVersion: 99,
      traceparent: `00-${traceId}-${"b".repeat(16)}-00`,
      engagements: ["canary-poison"],
    };
    const body = { source: "pennyline.engagements", "detail-type": "EngagementsAccepted", detail };
    cloud.queues.get(counter).send(JSON.stringify(body));
    await expect.poll(async () => (await ask(traceId)).status, patiently).toBe(200);
    const trace = await traceOf(traceId);
    expect(trace.outcome).toBe("failed");
    expect(trace.steps[0]).toMatchObject({
      ...{ service: "count-engagements", outcome: "failed", error: "UnreadableEvent", attempt: 1 },
      step: "took EngagementsAccepted",
    });
    const { exitCode, stdout } = await runPennyline(
      ["trace", traceId, "--data-dir", cloud.dataDir.path],
      { port: new URL(cloud.url).port },
    );
    expect(exitCode).toBe(1);
    expect(stdout).toContain("FAILED (UnreadableEvent)");
    const dead = cloud.queues.get(`${counter}-dead-letters`);
    const died = () => {
      cloud.returnFailed(counter);
      return dead.depth().visible;
    };
    await expect.poll(died, patiently).toBe(1);
    await cloud.fireSchedule("pennyline-local-archive-dead-letters");
    expect((await traceOf(traceId)).of("archive-dead-letters")).toMatchObject([
      { step: "kept as a dead letter", outcome: "failed", error: "UnreadableEvent" },
    ]);
  });

  test("is for admins, and a trace that nobody knows is a 404 that says why", async () => {
    expect((await ask(sampledTraceId(), api.publisher)).status).toBe(403);
    const anyone = await api.call("GET", `/v1/admin/traces/${sampledTraceId()}`);
    expect(anyone.status).toBe(401);
    for (const id of [sampledTraceId(), "nonsense", "ada.0000000999", "a".repeat(3_000)]) {
      expect((await ask(id)).status).toBe(404);
    }
  });

  test("holds nothing of readers, bodies, tokens or addresses", async () => {
    const token = await api.viewToken("traced", "canary-token-reader");
    const traceId = sampledTraceId();
    const answer = await api.call("POST", "/v1/engagements", {
      body: { token, kind: "view" },
      headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    });
    expect(answer.status).toBe(202);
    await cloud.waitUntilIdle();
    expect((await traceOf(traceId)).of("count-engagements")).toHaveLength(1);
    const kept: string[] = [];
    for await (const item of scanItems(tables.client, { TableName: tables.tableOf("Traces") })) {
      kept.push(
        JSON.stringify(item, (_, value) => (typeof value === "bigint" ? Number(value) : value)),
      );
      expect(Number(item.ttl)).toBeGreaterThan(Date.now() / 1_000 + 13 * 86_400);
    }
    expect(kept.length).toBeGreaterThan(5);
    for (const canary of ["canary", token, "127.0.0.1", "Firefox", "Bearer"]) {
      expect(kept.filter((item) => item.includes(canary))).toEqual([]);
    }
  });
});
