import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "../local/cli/options.ts";
import { ApiFailure } from "./api/api-client.ts";
import { connect } from "./api/connect.ts";
import { describeTrace } from "./trace/describe-trace.ts";
import { help, readOptions } from "./trace/options.ts";
import { readTrace } from "./trace/read-trace.ts";

const exitCodes = { ok: 0, failed: 1, notKnown: 2 } as const;
/** Someone sits and waits for the answer. */
const maxAttempts = 4;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === "help") {
    process.stdout.write(help);
    return exitCodes.ok;
  }
  const api = await connect(options, {
    pacing: { sleep: (delayMs) => sleep(delayMs), random: Math.random },
    note: (text) => process.stderr.write(`${text}\n`),
    maxAttempts,
  });
  const { trace, raw } = await readTrace(api, options.id);
  const page = options.json ? JSON.stringify(raw, undefined, 2) : describeTrace(trace).join("\n");
  process.stdout.write(`${page}\n`);
  return trace.outcome === "ok" ? exitCodes.ok : exitCodes.failed;
}

function adviceFor(error: Error): string {
  if (error instanceof UsageError) return "Try --help.";
  const status = error instanceof ApiFailure ? error.status : undefined;
  if (status === 401 || status === 403) {
    return "Give a token with the scope admin (--token), or the --data-dir of the copy that runs there.";
  }
  return "";
}

try {
  process.exitCode = await main();
} catch (thrown) {
  // Uncaught it would end with 1, which says that something in the trace failed.
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  process.stderr.write(`trace: ${error.message}\n`);
  const advice = adviceFor(error);
  if (advice !== "") process.stderr.write(`${advice}\n`);
  const isExpected = error instanceof UsageError || error instanceof ApiFailure;
  if (!isExpected) process.stderr.write(`${error.stack}\n`);
  process.exitCode = exitCodes.notKnown;
}
