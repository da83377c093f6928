import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "../local/cli/options.ts";
import { ApiFailure } from "./api/api-client.ts";
import { importLog } from "./import-log/import-log.ts";
import { UnreadableLog } from "./import-log/open-log.ts";
import { help, readOptions } from "./import-log/options.ts";
import { progressOn } from "./import-log/progress.ts";
import { failureOf, report } from "./import-log/report.ts";

const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === "help") {
    process.stdout.write(help);
    return exitCodes.ok;
  }
  const result = await importLog(options, {
    clock: { nowMs: Date.now },
    pacing: { sleep: (delayMs) => sleep(delayMs), random: Math.random },
    // The report alone goes to standard output, so that it can be kept.
    progress: progressOn(process.stderr, Date.now),
  });
  process.stdout.write(`${report(result, options)}\n`);
  const failure = failureOf(result);
  if (failure === undefined) return exitCodes.ok;
  process.stderr.write(`import-log: ${failure}\n`);
  return exitCodes.failed;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const isUsage = error instanceof UsageError || error instanceof UnreadableLog;
  process.stderr.write(`import-log: ${error.message}\n`);
  if (error instanceof UsageError) process.stderr.write("Try --help.\n");
  const isExpected = isUsage || error instanceof ApiFailure;
  if (!isExpected) process.stderr.write(`${error.stack}\n`);
  process.exitCode = isUsage ? exitCodes.usage : exitCodes.failed;
}
