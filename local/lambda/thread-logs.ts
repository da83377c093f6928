import { openSync, writeSync } from "node:fs";
import { format } from "node:util";
import type { EnvironmentSettings, PrintedMetric } from "./messages.ts";

let requestId: string | undefined;

export function setRequestId(id: string): void {
  requestId = id;
}

type ReportMetrics = (metrics: readonly PrintedMetric[]) => void;

/**
 * Sends everything the function prints to its log file, from this thread: the main thread has
 * other things to do, and a line that was written survives whatever happens next.
 */
export function captureLogs(settings: EnvironmentSettings, reportMetrics: ReportMetrics): void {
  const file = openSync(settings.logFile, "a");
  const write = (chunk: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean => {
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    writeSync(file, text);
    if (text.includes('"CloudWatchMetrics"')) readMetrics(text, reportMetrics);
    const done = typeof encoding === "function" ? encoding : callback;
    if (typeof done === "function") queueMicrotask(() => done());
    return true;
  };
  process.stdout.write = write as typeof process.stdout.write;
  process.stderr.write = write as typeof process.stderr.write;
  if (settings.jsonLogs) printJson(write);
}

/** With the JSON log format Lambda wraps what `console` prints. */
function printJson(write: (chunk: string) => boolean): void {
  const levels = { debug: "DEBUG", error: "ERROR", info: "INFO", log: "INFO", warn: "WARN" };
  for (const [method, level] of Object.entries(levels)) {
    console[method as keyof typeof levels] = (...values: unknown[]) => {
      const timestamp = new Date().toISOString();
      write(`${JSON.stringify({ timestamp, level, requestId, message: format(...values) })}\n`);
    };
  }
}

interface EmbeddedMetrics {
  readonly _aws?: {
    readonly CloudWatchMetrics?: readonly {
      readonly Namespace: string;
      readonly Dimensions?: readonly (readonly string[])[];
      readonly Metrics?: readonly { readonly Name: string; readonly Unit?: string }[];
    }[];
  };
  readonly [name: string]: unknown;
}

/** CloudWatch's embedded metric format: metrics and their dimensions are fields of a log line. */
function readMetrics(text: string, reportMetrics: ReportMetrics): void {
  const metrics: PrintedMetric[] = [];
  for (const line of text.split("\n")) {
    const entry = parse(line);
    for (const { Namespace, Dimensions, Metrics = [] } of entry?._aws?.CloudWatchMetrics ?? []) {
      const dimensionSets = (Dimensions ?? [[]]).map((names) =>
        Object.fromEntries(names.map((name) => [name, String(entry?.[name])])),
      );
      for (const { Name: name, Unit: unit = "None" } of Metrics) {
        const values = [entry?.[name]].flat().map((value) => Number(value) || 0);
        metrics.push({ namespace: Namespace, name, unit, values, dimensionSets });
      }
    }
  }
  if (metrics.length > 0) reportMetrics(metrics);
}

function parse(line: string): EmbeddedMetrics | undefined {
  try {
    return JSON.parse(line) as EmbeddedMetrics;
  } catch {
    return undefined;
  }
}
