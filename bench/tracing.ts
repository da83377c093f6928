/**
 * What tracing adds to an engagement: the same requests with nothing kept, 1 % and all of it, side by
 * side. The trace id decides what is kept, so one copy serves all three at once.
 * Run: npm run bench:tracing
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scanItems } from "../adapters/dynamodb/items.ts";
import { stepLog } from "../core/tracing/step-log.ts";
import { continueTrace } from "../core/values/trace-context.ts";
import { startCloud } from "../local/cloud.ts";
import { type ApiClient, apiClient } from "../test/e2e/support/api-client.ts";
import { cloudTables } from "../test/e2e/support/cloud-tables.ts";

const perMode = 1_500;
const lanes = 8;

/** Whether the trace of a mode's so-manieth request is kept. */
const modes = {
  "not kept": () => false,
  "1 %": (index: number) => index % 100 === 0,
  "100 %": () => true,
} as const;
type Mode = keyof typeof modes;
const names = Object.keys(modes) as Mode[];

const dataDir = mkdtempSync(join(tmpdir(), "pennyline-bench-"));
const cloud = await startCloud({ dataDir, schedules: false, quiet: true });
const api = await apiClient(cloud);
const tables = cloudTables(cloud);
/** By trace id: which mode it belongs to. */
const modeOf = new Map<string, Mode>();
const latencies = new Map<Mode, number[]>(names.map((name) => [name, []]));

try {
  await api.putArticle("bench", "ada");
  await round(api, "warm", 300);
  for (const times of latencies.values()) times.length = 0;
  modeOf.clear();
  await round(api, "measured", perMode);
  await cloud.waitUntilIdle();
  await report();
  bookkeeping();
} finally {
  tables.stop();
  await cloud.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

/** One request of each mode in turn, so that whatever else the machine does falls on all of them. */
async function round(client: ApiClient, name: string, count: number): Promise<void> {
  const left = Array.from({ length: count }, (_, index) => index).values();
  const lane = async () => {
    for (const index of left) {
      for (const mode of names) await post(client, mode, index, `${name}-${mode}-${index}`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function post(client: ApiClient, mode: Mode, index: number, reader: string): Promise<void> {
  const end = modes[mode](index) ? "00000000" : "ffffffff";
  const traceId = `${randomBytes(12).toString("hex")}${end}`;
  modeOf.set(traceId, mode);
  const sentMs = performance.now();
  const { status } = await client.call("POST", "/v1/engagements/batch", {
    token: client.publisher,
    headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-00` },
    body: {
      engagements: [{ articleId: "bench", readerId: reader.replace(" %", ""), kind: "view" }],
    },
  });
  if (status !== 202) throw new Error(`answered ${status}`);
  latencies.get(mode)?.push(performance.now() - sentMs);
}

async function report(): Promise<void> {
  const units = new Map<Mode, number>();
  let largest = 0;
  for await (const item of scanItems(tables.client, { TableName: tables.tableOf("Traces") })) {
    const mode = modeOf.get(String(item.traceId));
    if (!mode) continue;
    const bytes = Buffer.byteLength(
      JSON.stringify(item, (_, value) => (typeof value === "bigint" ? String(value) : value)),
    );
    largest = Math.max(largest, bytes);
    units.set(mode, (units.get(mode) ?? 0) + Math.ceil(bytes / 1_024));
  }
  console.log(`${perMode} requests of one engagement in each mode, ${lanes} connections, in turn`);
  for (const mode of names) {
    const sorted = (latencies.get(mode) ?? []).toSorted((a, b) => a - b);
    const percentile = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(1);
    const mean = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length;
    const written = ((units.get(mode) ?? 0) / perMode).toFixed(3);
    console.log(
      `  ${mode.padEnd(10)}${written} WRU an engagement  mean ${mean.toFixed(1)} ms  ` +
        `p50 ${percentile(0.5)} ms  p90 ${percentile(0.9)} ms  p99 ${percentile(0.99)} ms`,
    );
  }
  console.log(`  largest step ${largest} bytes`);
}

/** What is done for a message of which nothing is kept. */
function bookkeeping(): void {
  const messages = 200_000;
  const steps = stepLog("bench", { nowMs: () => Date.now() });
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-00`;
  const startedMs = performance.now();
  for (let index = 0; index < messages; index += 1) {
    const trace = continueTrace(traceparent, (bytes) => randomBytes(bytes).toString("hex"));
    steps.begin(trace, { step: "took a message", attempt: 1 });
    steps.end(trace.spanId, { outcome: "ok" });
  }
  const microseconds = ((performance.now() - startedMs) * 1_000) / messages;
  console.log(`A message of which nothing is kept: ${microseconds.toFixed(2)} µs of bookkeeping`);
}
