import { openSync, writeSync } from "node:fs";
import { format } from "node:util";
import type { EnvironmentSettings } from "./messages.ts";

let requestId: string | undefined;

export function setRequestId(id: string): void {
  requestId = id;
}

type ReportMetrics = (sums: Record<string, number>) => void;

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
      readonly Metrics?: readonly { readonly Name: string }[];
    }[];
  };
  readonly [name: string]: unknown;
}

/** CloudWatch's embedded metric format: metrics are numbers in a log line. */
function readMetrics(text: string, reportMetrics: ReportMetrics): void {
  const sums: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const entry = parse(line);
    for (const directive of entry?._aws?.CloudWatchMetrics ?? []) {
      for (const { Name } of directive.Metrics ?? []) {
        const value = entry?.[Name];
        const values = Array.isArray(value) ? value : [value];
        for (const number of values) sums[Name] = (sums[Name] ?? 0) + (Number(number) || 0);
      }
    }
  }
  reportMetrics(sums);
}

function parse(line: string): EmbeddedMetrics | undefined {
  try {
    return JSON.parse(line) as EmbeddedMetrics;
  } catch {
    return undefined;
  }
}
