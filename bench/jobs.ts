/**
 * What it is worth to do slow work off the request path, on the embedded cloud of this machine:
 * accepting beside doing it in the request, from done to told by channel, and one type's hung worker
 * beside every other's work. Client, servers and functions share the cores.
 * Run: npm run bench:jobs
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { type Cloud, startCloud } from "../local/cloud.ts";
import { type Answer, type ApiClient, apiClient } from "../test/e2e/support/api-client.ts";

const chapter = "It was a dark and stormy night; the rain fell in torrents. ".repeat(455);
const rounds = 100;
/** Longer than a block of probes takes. */
const hangMs = 40_000;

const draft = () => ({
  creatorId: "ada",
  draftId: `d-${randomUUID()}`,
  baseRevision: 0,
  text: chapter,
});
const month = new Date().toISOString().slice(0, 7);
const works: Readonly<Record<string, () => object>> = {
  "draft.save": draft,
  "statement.render": () => ({ creatorId: "ada", month }),
  "export.engagements": () => ({ from: `${month}-01`, to: `${month}-28` }),
};

const dataDir = mkdtempSync(join(tmpdir(), "pennyline-bench-"));
const cloud = await startCloud({ dataDir, schedules: false, quiet: true });
try {
  const api = await apiClient(cloud);
  await api.putArticle("viral", "ada");
  for (let warm = 0; warm < 10; warm += 1) await saveDraft(api);
  await acceptedOrDone(api);
  await toldByChannel(api, cloud);
  await besideAHungType(api, cloud);
} finally {
  await cloud.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

async function post(api: ApiClient, type: string, payload: object, more = {}): Promise<Answer> {
  const answer = await api.call("POST", "/v1/jobs", {
    token: api.publisher,
    headers: { "idempotency-key": randomUUID() },
    body: { type, payload, ...more },
  });
  if (answer.status !== 202) throw new Error(`${type}: ${JSON.stringify(answer.body)}`);
  return answer;
}

async function finished(api: ApiClient, jobId: string): Promise<Answer["body"]> {
  for (;;) {
    const path = `/v1/jobs/${jobId}?wait=20`;
    const { body, headers } = await api.call("GET", path, { token: api.publisher });
    if (body.finishedAt !== undefined) return body;
    // Others of these clients wait already.
    if (headers.has("pennyline-wait-refused")) await delay(100);
  }
}

async function saveDraft(api: ApiClient) {
  const startedMs = performance.now();
  const { body } = await post(api, "draft.save", draft());
  const acceptedMs = performance.now() - startedMs;
  const done = await finished(api, body.jobId);
  return { acceptedMs, doneMs: performance.now() - startedMs, tookMs: Number(done.tookMs) };
}

/** In the request it would take accepting, and then the work itself. */
async function acceptedOrDone(api: ApiClient) {
  console.log(
    `\naccepting a job, beside doing its work in the request (${rounds} each, one client)`,
  );
  for (const [type, payload] of Object.entries(works)) {
    const accepted: number[] = [];
    const inRequest: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const startedMs = performance.now();
      const { body } = await post(api, type, payload());
      accepted.push(performance.now() - startedMs);
      const { tookMs, state } = await finished(api, body.jobId);
      if (state !== "succeeded") throw new Error(`${type} ${state}`);
      inRequest.push((accepted.at(-1) ?? 0) + Number(tookMs));
    }
    console.log(`  ${type}: accepted ${spread(accepted)}; in the request ${spread(inRequest)}`);
  }
}

/** Each channel follows every job; a poll asks as often as it is told to. */
async function toldByChannel(api: ApiClient, { mintToken }: Cloud) {
  const told = { "long poll": [], WebSocket: [], webhook: [], "short poll": [] } as Record<
    string,
    number[]
  >;
  const heard = new Map<string, () => void>();
  const receiver = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      heard.get(JSON.parse(text).data.jobId)?.();
      response.end();
    });
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const callbackUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const token = await mintToken({ role: "publisher", id: "publisher" });
  await api.call("POST", "/v1/webhook-endpoints/callbacks/secret", {
    token,
    body: {},
    headers: { "idempotency-key": randomUUID() },
  });
  const { body: ticket } = await api.call("POST", "/v1/connection-tickets", { token });
  const socket = new WebSocket(ticket.url);
  await once(socket, "open");

  for (let round = 0; round < rounds; round += 1) {
    const ends: Record<string, number> = {};
    const mark = (channel: string) => {
      ends[channel] ??= Date.now();
    };
    const { body } = await post(api, "draft.save", draft(), { callbackUrl });
    const { jobId } = body;
    const webhook = new Promise<void>((resolve) =>
      heard.set(jobId, () => {
        mark("webhook");
        resolve();
      }),
    );
    const pushed = new Promise<void>((resolve) => {
      const listen = (data: unknown) => {
        const { job } = JSON.parse(String(data));
        if (job?.jobId !== jobId || job.finishedAt === undefined) return;
        mark("WebSocket");
        socket.off("message", listen);
        resolve();
      };
      socket.on("message", listen);
      socket.send(JSON.stringify({ action: "subscribe", topic: "job", id: jobId, after: 0 }));
    });
    const polled = shortPoll(api, jobId).then(() => mark("short poll"));
    const done = await finished(api, jobId);
    mark("long poll");
    await Promise.all([webhook, pushed, polled]);
    socket.send(JSON.stringify({ action: "unsubscribe", topic: "job", id: jobId }));
    const doneMs = Date.parse(done.finishedAt);
    for (const [channel, atMs] of Object.entries(ends)) told[channel]?.push(atMs - doneMs);
  }
  socket.terminate();
  receiver.close();
  console.log(`\nfrom done to told (${rounds} jobs, each followed by every channel at once)`);
  for (const [channel, times] of Object.entries(told))
    console.log(`  ${channel}: ${spread(times)}`);
}

async function shortPoll(api: ApiClient, jobId: string): Promise<void> {
  for (;;) {
    const { headers } = await api.call("GET", `/v1/jobs/${jobId}`, { token: api.publisher });
    const seconds = headers.get("retry-after");
    if (seconds === null) return;
    await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1_000));
  }
}

/** The same work alternately with and without a type whose workers all hang. */
async function besideAHungType(api: ApiClient, { faults, waitUntilIdle, queues }: Cloud) {
  const hung = "pennyline-local-run-statement-render";
  const measured = { alone: probes(), beside: probes() };
  for (let block = 0; block < 6; block += 1) {
    const isHung = block % 2 === 1;
    if (isHung) {
      faults.plan({ functions: { [hung]: { hangMs: { chance: 1, ms: hangMs } } } });
      for (let n = 0; n < 30; n += 1) {
        await post(api, "statement.render", works["statement.render"]?.() ?? {});
      }
    }
    const into = isHung ? measured.beside : measured.alone;
    for (let round = 0; round < rounds / 2; round += 1) {
      const { acceptedMs, doneMs } = await saveDraft(api);
      into.accepted.push(acceptedMs);
      into.done.push(doneMs);
      const startedMs = performance.now();
      await api.postViews("viral", [randomUUID()]);
      into.views.push(performance.now() - startedMs);
    }
    if (isHung) {
      const { visible, inFlight } = queues.get(hung).depth();
      if (visible + inFlight < 30) throw new Error("the hung type worked on");
      faults.plan({});
      await waitUntilIdle({ timeoutMs: 10 * hangMs });
    }
  }
  console.log("\none type's worker hung on purpose, 30 of its jobs waiting");
  for (const what of ["views", "accepted", "done"] as const) {
    const name = { views: "a view, 202", accepted: "draft.save, 202", done: "draft.save, done" };
    const { alone, beside } = measured;
    console.log(`  ${name[what]}: alone ${spread(alone[what])}; beside ${spread(beside[what])}`);
  }
}

function probes() {
  return { accepted: [] as number[], done: [] as number[], views: [] as number[] };
}

function spread(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(0);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}
