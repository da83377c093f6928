/**
 * How fast the embedded cloud is on this machine, client on the same cores.
 * Run: npm run bench:cloud
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cloud, startCloud } from "../local/cloud.ts";
import { type ApiClient, apiClient, readerIds } from "../test/e2e/support/api-client.ts";

const dataDir = mkdtempSync(join(tmpdir(), "pennyline-bench-"));
const cloud = await timed("start-up, synthesis included", start);
const api = await apiClient(cloud);
try {
  await api.putArticle("warm", "warm");
  await singles(api, cloud, 300, "warm");
  await untilPending(api, cloud);
  await singles(api, cloud, 3_000, "single");
  await batches(api, cloud, 50_000);
} finally {
  await cloud.stop();
}
const again = await timed("start-up again, nothing changed", start);
await again.stop();
rmSync(dataDir, { recursive: true, force: true });

function start(): Promise<Cloud> {
  return startCloud({ dataDir, schedules: false, quiet: true });
}

async function timed<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  const startedMs = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  return result;
}

/** From the answer 202 until the balance shows the money, polling. */
async function untilPending(client: ApiClient, { waitUntilIdle }: Cloud) {
  const times: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const creator = `pending-${round}`;
    await client.putArticle(creator, creator);
    await client.postViews(creator, ["reader"]);
    const answeredMs = performance.now();
    while ((await client.balance(creator)).pendingMicros === "0") {
      // Polled as fast as it answers: that is the resolution of the measurement.
    }
    times.push(performance.now() - answeredMs);
    await waitUntilIdle();
  }
  const sorted = times.toSorted((a, b) => a - b);
  const [median, most] = [sorted[5] ?? 0, sorted.at(-1) ?? 0];
  console.log(`202 to pending: median ${median.toFixed(0)} ms, most ${most.toFixed(0)} ms`);
}

async function singles(client: ApiClient, { waitUntilIdle }: Cloud, count: number, name: string) {
  await client.putArticle(name, name);
  const readers = readerIds(count);
  const latencies: number[] = [];
  const startedMs = performance.now();
  const connections = Array.from({ length: 32 }, async (_, lane) => {
    for (let at = lane; at < readers.length; at += 32) {
      const sentMs = performance.now();
      await client.postViews(name, [readers[at] ?? ""]);
      latencies.push(performance.now() - sentMs);
    }
  });
  await Promise.all(connections);
  const acceptedMs = performance.now() - startedMs;
  await waitUntilIdle();
  const countedMs = performance.now() - startedMs;
  const sorted = latencies.toSorted((a, b) => a - b);
  const percentile = (part: number) => sorted[Math.floor(sorted.length * part)]?.toFixed(0);
  console.log(
    `${count} requests of one engagement, 32 connections: accepted ${rate(count, acceptedMs)}, ` +
      `p50 ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms; counted ${rate(count, countedMs)}`,
  );
}

async function batches(client: ApiClient, { waitUntilIdle }: Cloud, count: number) {
  await client.putArticle("batched", "batched");
  const readers = readerIds(count);
  const startedMs = performance.now();
  const part = count / 4;
  await Promise.all(
    [0, 1, 2, 3].map((lane) =>
      client.postViews("batched", readers.slice(lane * part, (lane + 1) * part)),
    ),
  );
  const acceptedMs = performance.now() - startedMs;
  await waitUntilIdle();
  const countedMs = performance.now() - startedMs;
  console.log(
    `${count} engagements in requests of 500, 4 connections: accepted ${rate(count, acceptedMs)}, ` +
      `counted ${rate(count, countedMs)}`,
  );
}

function rate(count: number, ms: number): string {
  return `${Math.round((count / ms) * 1_000).toLocaleString("en")}/s`;
}
