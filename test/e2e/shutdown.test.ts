import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, inject, test } from "vitest";
import { readDevIssuer } from "../../local/dev-issuer.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { cloudForTest, temporaryFolder } from "./support/cloud.ts";
import { jobClient } from "./support/job-client.ts";
import { startCopy } from "./support/program.ts";
import { connectTo } from "./support/socket-client.ts";

const dataDir = temporaryFolder();
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
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
  const polling = ada.get(`/v1/jobs/${jobIds.at(-1)}?wait=5&after=1000`);
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
