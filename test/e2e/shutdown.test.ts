import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, expect, inject, onTestFinished, test } from "vitest";
import { readDevIssuer } from "../../local/dev-issuer.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { cloudForTest, temporaryFolder } from "./support/cloud.ts";
import { jobClient } from "./support/job-client.ts";
import { startCopy } from "./support/program.ts";
import { connectTo } from "./support/socket-client.ts";

const dataDir = temporaryFolder();
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
const waitSeconds = 25;
const patiently = { timeout: 30_000, interval: 50 };

/** Each job's worker is in the middle of it for that long. */
const faults = {
  functions: { "pennyline-local-run-draft-save": { hangMs: { chance: 1, ms: 2_000 } } },
};

/** Until nobody listens any more; an answer that is no 202 is an error. */
async function reportViews(api: ApiClient, lane: number, accepted: Set<string>): Promise<void> {
  for (let round = 0; ; round += 1) {
    const readers = Array.from({ length: 20 }, (_, index) => `${lane}-${round}-${index}`);
    try {
      await api.postViews("stopping", readers);
    } catch (error) {
      if (error instanceof TypeError) return;
      throw error;
    }
    for (const reader of readers) accepted.add(reader);
  }
}

test("SIGTERM under load: what is under way is answered and finished, the rest goes on at the next start", async () => {
  const { child, url } = await startCopy(dataDir, inject("assemblyDir"), faults);
  const { mintToken } = await readDevIssuer(join(dataDir, "dev-issuer.json"));
  const api = await apiClient({ url, mintToken });
  const ada = jobClient(api, await mintToken({ role: "creator", id: "ada" }));
  await api.putArticle("stopping", "ada");
  const ticket = await api.call("POST", "/v1/connection-tickets", { token: api.publisher });
  const socket = await connectTo(ticket.body.url);
  const accepted = new Set<string>();
  const lanes = [0, 1, 2].map((lane) => reportViews(api, lane, accepted));
  const jobIds: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    const draft = { creatorId: "ada", draftId: `draft-${n}`, baseRevision: 0, text: "It was" };
    jobIds.push(await ada.request("draft.save", draft));
  }
  // Its environment is there: a poll that has begun is answered within its wait.
  await ada.read(jobIds[0] ?? "");
  const polling = ada.get(`/v1/jobs/${jobIds.at(-1)}?wait=2&after=1000`);
  // By then the long poll has arrived, too: a request that meets its connection closing is cut off.
  const before = accepted.size;
  await expect.poll(() => accepted.size, patiently).toBeGreaterThan(before + 200);

  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
  await Promise.all(lanes);
  expect((await polling).status).toBe(200);
  expect(await socket.closed).toBe(1001);

  const cloud = await cloudForTest({ dataDir, assemblyDir: inject("assemblyDir") });
  const restarted = await apiClient(cloud);
  const token = await cloud.mintToken({ role: "creator", id: "ada" });
  await cloud.waitUntilIdle();
  expect(await cloud.fireSchedule("pennyline-local-settle-earnings")).toMatchObject({ ok: true });
  await cloud.waitUntilIdle();
  // A request that was cut off may have been accepted without its answer arriving.
  const { settledMicros } = await restarted.balance("ada");
  expect(Number(settledMicros) / 1_000).toBeGreaterThanOrEqual(accepted.size);
  expect(await restarted.proof()).toMatchObject({ ok: true, quiet: true });
  for (const jobId of jobIds) {
    const { body } = await jobClient(restarted, token).read(jobId);
    // No receive was used up: each was worked on once, before the stop or after.
    expect(body).toMatchObject({ state: "succeeded", attempts: 1 });
  }
  expect(cloud.messages.filter((message) => message.includes("failed"))).toEqual([]);
}, 180_000);

/** A connection that says this much and no more, until the other side ends it. */
async function halfSaid(url: string, text: string): Promise<Promise<unknown>> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => {});
  socket.write(text);
  return once(socket, "close");
}

test("J4: SIGINT ends it in seconds, whatever waits: polls, slow bodies, silent connections, workers in the middle", async () => {
  const folder = temporaryFolder();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const hanging = { hangMs: { chance: 1, ms: waitSeconds * 1_000 } };
  const { child, url } = await startCopy(folder, inject("assemblyDir"), {
    functions: { "pennyline-local-run-draft-save": hanging },
  });
  const { mintToken } = await readDevIssuer(join(folder, "dev-issuer.json"));
  const api = await apiClient({ url, mintToken });
  const ada = jobClient(api, await mintToken({ role: "creator", id: "ada" }));
  const draft = { creatorId: "ada", draftId: "d", baseRevision: 0, text: "It was" };
  const jobId = await ada.request("draft.save", draft);
  const ticket = await api.call("POST", "/v1/connection-tickets", { token: api.publisher });
  const socket = await connectTo(ticket.body.url);
  const silent = [
    halfSaid(url, ""),
    halfSaid(url, "GET /v1/health HTTP/1.1\r\nhost: x\r\n"),
    halfSaid(url, "POST /v1/engagements HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"),
  ];
  // The environments that the polls and their refusals take.
  await Promise.all([1, 2, 3, 4].map(() => ada.read(jobId)));
  let pending = 0;
  const polls = Array.from({ length: 5 }, async () => {
    pending += 1;
    const answer = await ada.get(`/v1/jobs/${jobId}?wait=${waitSeconds}&after=1`);
    pending -= 1;
    return answer;
  });
  await expect.poll(() => pending, patiently).toBe(3);

  const stoppedAtMs = Date.now();
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(Date.now() - stoppedAtMs).toBeLessThan((waitSeconds - 5) * 1_000);
  const statuses = (await Promise.all(polls)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 503)).toHaveLength(3);
  expect(statuses.filter((status) => status === 200)).toHaveLength(2);
  expect(await socket.closed).toBe(1001);
  await Promise.all(await Promise.all(silent));

  const cloud = await cloudForTest({ dataDir: folder, assemblyDir: inject("assemblyDir") });
  const token = await cloud.mintToken({ role: "creator", id: "ada" });
  await cloud.waitUntilIdle();
  const { body } = await jobClient(await apiClient(cloud), token).read(jobId);
  expect(body).toMatchObject({ state: "succeeded", attempts: 1 });
}, 180_000);
