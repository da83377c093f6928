/**
 * What limits of callers cost: write units a request at several speeds, on a real engine with a clock
 * of its own; and what they add to a request's latency, with and without them side by side.
 * Run: npm run bench:limits
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dynamoDbRateLimiter } from "../adapters/dynamodb/rate-limiter.ts";
import { systemClock, systemPacing } from "../adapters/runtime.ts";
import type { Rate } from "../core/pacing/rate-limiter.ts";
import { requestLimiter } from "../core/pacing/request-limiter.ts";
import { tabMemory } from "../core/pacing/tab-memory.ts";
import { startCloud } from "../local/cloud.ts";
import { synthesize } from "../local/synthesize.ts";
import { apiClient } from "../test/e2e/support/api-client.ts";
import { assemblyWith } from "../test/e2e/support/assembly.ts";
import { startTables } from "../test/support/tables.ts";
import { meanOf, percentilesOf } from "./support/percentiles.ts";

const ip: Rate = { perSecond: 50, burst: 300 };
const publisher: Rate = { perSecond: 500, burst: 1_000 };
const perSide = 2_000;
const lanes = 4;

await writes();
await bookkeeping();
await latency();

interface Traffic {
  readonly what: string;
  readonly rate: Rate;
  readonly environments: number;
  /** Requests at once, and how long until the next of them. */
  readonly atOnce: number;
  readonly everyMs: number;
  readonly requests: number;
}

async function writes(): Promise<void> {
  const traffic: Traffic[] = [
    {
      ...{ what: "a reader, a view a minute", rate: ip, environments: 20 },
      ...{ atOnce: 1, everyMs: 60_000, requests: 1_440 },
    },
    {
      ...{ what: "a reader, three reports a minute", rate: ip, environments: 1 },
      ...{ atOnce: 3, everyMs: 60_000, requests: 4_320 },
    },
    {
      ...{ what: "300 readers of one address, 15 a second", rate: ip, environments: 20 },
      ...{ atOnce: 1, everyMs: 67, requests: 6_000 },
    },
    {
      ...{ what: "a publisher at 200 a second", rate: publisher, environments: 8 },
      ...{ atOnce: 1, everyMs: 5, requests: 12_000 },
    },
    {
      ...{ what: "a publisher at its limit, 500 a second", rate: publisher, environments: 16 },
      ...{ atOnce: 1, everyMs: 2, requests: 15_000 },
    },
    {
      ...{ what: "an address at 20 times its limit", rate: ip, environments: 50 },
      ...{ atOnce: 1, everyMs: 1, requests: 30_000 },
    },
  ];
  const tables = await startTables();
  let calls = 0;
  // Each update is one write unit, whether its condition holds or not.
  const { client } = tables;
  const send = client.send.bind(client) as (command: unknown) => Promise<unknown>;
  client.send = ((command: unknown) => {
    calls += 1;
    return send(command);
  }) as typeof client.send;
  console.log("Write units a request");
  for (const { what, rate, environments, atOnce, everyMs, requests } of traffic) {
    let nowMs = Date.now();
    const clock = { nowMs: () => nowMs };
    const shared = dynamoDbRateLimiter({ ...tables, clock });
    const onUnavailable = (error: unknown) => {
      throw error;
    };
    const deps = { shared, clock, pacing: systemPacing, onUnavailable };
    const limiters = Array.from({ length: environments }, () =>
      requestLimiter({ ...deps, memory: tabMemory(10_000) }),
    );
    const caller = { key: what, rate, sharedName: () => what };
    let refused = 0;
    calls = 0;
    for (let sent = 0; sent < requests; sent += 1) {
      if (sent % atOnce === 0) nowMs += everyMs;
      // Whichever is free: any of them.
      const limiter = limiters[Math.floor(Math.random() * environments)];
      if ((await limiter?.admit(caller, 1))?.retryAfterMs !== undefined) refused += 1;
    }
    const share = ((refused * 100) / requests).toFixed(1);
    console.log(
      `  ${what.padEnd(42)}${(calls / requests).toFixed(4)} WRU  ${share} % refused  ${environments} environments`,
    );
  }
  await tables.stop();
}

/** What is done for a request that is not charged. */
async function bookkeeping(): Promise<void> {
  const never = async () => {
    throw new Error("nothing is charged");
  };
  const limiter = requestLimiter({
    ...{ shared: { reserve: never }, memory: tabMemory(10_000), clock: systemClock },
    ...{ pacing: systemPacing, onUnavailable: () => {} },
  });
  const callers = Array.from({ length: 20_000 }, (_, index) => ({
    ...{ key: `caller ${index}`, rate: { perSecond: 1e6, burst: 1e9 }, sharedName: () => "" },
  }));
  const requests = 400_000;
  const startedMs = performance.now();
  for (let sent = 0; sent < requests; sent += 1) {
    const caller = callers[sent % callers.length];
    if (caller) await limiter.admit(caller, 1);
  }
  const microseconds = ((performance.now() - startedMs) * 1_000) / requests;
  console.log(`A request that is not charged: ${microseconds.toFixed(2)} µs of bookkeeping`);
}

async function latency(): Promise<void> {
  const synthesized = mkdtempSync(join(tmpdir(), "pennyline-bench-"));
  const folders = [synthesized];
  const { directory } = await synthesize(synthesized);
  const modes = {
    // So much that nothing is ever charged.
    without: { perSecond: 1e6, burst: 1e9 },
    with: publisher,
  };
  const sides = await Promise.all(
    Object.entries(modes).map(async ([name, rate]) => {
      const rates = { publisher: rate, admin: rate, creator: rate, ip: rate };
      const assembly = assemblyWith({ RATE_LIMITS: JSON.stringify(rates) }, directory);
      const dataDir = mkdtempSync(join(tmpdir(), "pennyline-bench-"));
      folders.push(assembly.directory, dataDir);
      const options = { assemblyDir: assembly.directory, dataDir, schedules: false, quiet: true };
      const cloud = await startCloud(options);
      const api = await apiClient(cloud);
      await api.putArticle("bench", "ada");
      return { name, cloud, api, times: [] as number[] };
    }),
  );
  /** Each request to both in turn, so that whatever else the machine does falls on both. */
  const round = async (count: number, prefix: string) => {
    const left = Array.from({ length: count }, (_, index) => index).values();
    const lane = async () => {
      for (const index of left) {
        for (const { api, times } of sides) {
          const sentMs = performance.now();
          await api.postViews("bench", [`${prefix}-${index}`]);
          times.push(performance.now() - sentMs);
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  };
  await round(300, "warm");
  for (const { times } of sides) times.length = 0;
  await round(perSide, "measured");
  console.log(`${perSide} requests of one engagement each, ${lanes} connections, in turn`);
  for (const { name, times } of sides) {
    const mean = meanOf(times).toFixed(2);
    console.log(`  ${name.padEnd(8)}mean ${mean} ms  ${percentilesOf(times)}`);
  }
  for (const { cloud } of sides) await cloud.stop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
