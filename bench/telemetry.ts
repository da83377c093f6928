/**
 * What tracing and metrics add to an engagement. Tracing: the same requests with nothing kept, 1 % and
 * all of it, side by side; the trace id decides what is kept, so one copy serves all three at once.
 * Metrics: the lines that functions print, beside all else that they print.
 * Run: npm run bench:telemetry
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { scanItems } from "../adapters/dynamodb/items.ts";
import { stepLog } from "../core/tracing/step-log.ts";
import { continueTrace } from "../core/values/trace-context.ts";
import { startCloud } from "../local/cloud.ts";
import { type ApiClient, apiClient } from "../test/e2e/support/api-client.ts";
import { cloudTables } from "../test/e2e/support/cloud-tables.ts";
import { meanOf, percentilesOf } from "./support/percentiles.ts";

const perMode = 1_500;
const lanes = 8;
/** What CloudWatch takes in. */
const dollarsPerGb = 0.5;

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
  await printed();
  bookkeeping();
  await measuring();
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
    const times = latencies.get(mode) ?? [];
    const written = ((units.get(mode) ?? 0) / perMode).toFixed(3);
    console.log(
      `  ${mode.padEnd(10)}${written} WRU an engagement  ` +
        `mean ${meanOf(times).toFixed(1)} ms  ${percentilesOf(times)}`,
    );
  }
  console.log(`  largest step ${largest} bytes`);
}

/** What the two functions on an engagement's way print for it, when each request holds one. */
async function printed(): Promise<void> {
  const engagements = names.length * (perMode + 300);
  const lines = { metrics: 0, other: 0 };
  for (const name of ["accept-publisher-engagements", "count-engagements"]) {
    const log = await readFile(join(cloud.dataDir.logs, `pennyline-local-${name}.log`), "utf8");
    for (const line of log.split("\n")) {
      const kind = line.includes('"CloudWatchMetrics"') ? "metrics" : "other";
      lines[kind] += Buffer.byteLength(line) + 1;
    }
  }
  for (const [kind, bytes] of Object.entries(lines)) {
    const each = bytes / engagements;
    const dollars = (each * dollarsPerGb * 1e6) / 1e9;
    console.log(
      `  ${kind.padEnd(8)}${each.toFixed(0)} bytes of log an engagement, ` +
        `$${dollars.toFixed(3)} a million`,
    );
  }
}

/** What is done for a line of metrics, of as many as an accepting function prints. */
async function measuring(): Promise<void> {
  const times = 20_000;
  const write = process.stdout.write;
  const log = console.log;
  process.env.POWERTOOLS_METRICS_NAMESPACE = "bench";
  process.env.POWERTOOLS_SERVICE_NAME = "bench";
  const { metrics, publishMetrics } = await import("../adapters/lambda/metrics.ts");
  process.stdout.write = () => true;
  const startedMs = performance.now();
  for (let index = 0; index < times; index += 1) {
    metrics.addMetric("EngagementsAccepted", MetricUnit.Count, 1);
    publishMetrics();
  }
  const microseconds = ((performance.now() - startedMs) * 1_000) / times;
  process.stdout.write = write;
  log(`A line of metrics: ${microseconds.toFixed(1)} µs`);
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
