/**
 * What it adds to an engagement to look whether there is room, and what a refusal takes. Requests come
 * one by one, 700 ms apart, so that in turn one reads beside its work and the next one does not.
 * Run: npm run bench:backpressure
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { dynamoDbPressure } from "../adapters/dynamodb/pressure-store.ts";
import { systemClock } from "../adapters/runtime.ts";
import type { Pressure } from "../core/pacing/pressure.ts";
import { startCloud } from "../local/cloud.ts";
import { apiClient } from "../test/e2e/support/api-client.ts";
import { cloudTables } from "../test/e2e/support/cloud-tables.ts";
import { percentilesOf } from "./support/percentiles.ts";

const pairs = 100;
const apartMs = 700;

const dataDir = mkdtempSync(join(tmpdir(), "pennyline-bench-"));
const cloud = await startCloud({ dataDir, schedules: false, quiet: true });
const api = await apiClient(cloud);
const tables = cloudTables(cloud);
const { client, tableOf } = tables;
const pacingTable = tableOf("Pacing");
const store = dynamoDbPressure({ client, pacingTable, clock: systemClock });

try {
  await api.putArticle("bench", "ada");
  await store.write({ queues: {}, retryAfterSeconds: 60 });
  for (let index = 0; index < 20; index += 1) await timed(202, `warm-${index}`);

  const reading: number[] = [];
  const not: number[] = [];
  await delay(2 * apartMs);
  for (let index = 0; index < 2 * pairs; index += 1) {
    (index % 2 === 0 ? reading : not).push(await timed(202, `reader-${index}`));
    await delay(apartMs);
  }
  await reads();

  await store.write(full());
  await delay(2 * apartMs);
  const refused: number[] = [];
  // The first one still goes by what it knew.
  await timed(202, "last");
  for (let index = 0; index < 200; index += 1) refused.push(await timed(429, "none"));
  report("reads beside its work", reading);
  report("knows", not);
  report("is refused, one after the other", refused);
} finally {
  tables.stop();
  await cloud.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

async function timed(expected: number, readerId: string): Promise<number> {
  const sentMs = performance.now();
  const { status } = await api.call("POST", "/v1/engagements/batch", {
    token: api.publisher,
    body: { engagements: [{ articleId: "bench", readerId, kind: "view" }] },
  });
  if (status !== expected) throw new Error(`answered ${status}`);
  return performance.now() - sentMs;
}

async function reads(): Promise<void> {
  const times: number[] = [];
  for (let index = 0; index < 200; index += 1) {
    const startedMs = performance.now();
    await store.read();
    times.push(performance.now() - startedMs);
  }
  report("a read by itself", times);
}

function full(): Pressure {
  const nowMs = systemClock.nowMs();
  const sinceMs = { soft: nowMs, hard: nowMs, full: nowMs };
  const queue = { level: "full", waiting: 1, oldestSeconds: 1, sinceMs, seenAtMs: nowMs } as const;
  return { queues: { "count-engagements": queue }, retryAfterSeconds: 60 };
}

function report(name: string, times: readonly number[]): void {
  console.log(`${name.padEnd(34)}${percentilesOf(times)}`);
}
