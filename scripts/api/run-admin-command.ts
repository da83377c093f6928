import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "../../local/cli/options.ts";
import type { AdminOptions } from "./admin-options.ts";
import { type Api, ApiFailure } from "./api-client.ts";
import { connect } from "./connect.ts";

interface Command<Options extends AdminOptions> {
  readonly name: string;
  readonly help: string;
  /** @throws UsageError */
  readonly readOptions: (args: readonly string[], env: NodeJS.ProcessEnv) => Options | "help";
  /** @returns what to print, and the exit code. */
  readonly run: (api: Api, options: Options) => Promise<readonly [page: string, exitCode: number]>;
  /** What to do about an answer that was none. */
  readonly adviceFor: (status: number | undefined) => string;
}

/** It could not be asked; 1 is an answer. */
const notAsked = 2;
/** Someone sits and waits for the answer. */
const maxAttempts = 4;

/** Runs a command as the process that it is. */
export async function runAdminCommand<Options extends AdminOptions>(
  command: Command<Options>,
): Promise<void> {
  try {
    process.exitCode = await answer(command);
  } catch (thrown) {
    // Uncaught it would end with 1, which would be an answer.
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    process.stderr.write(`${command.name}: ${error.message}\n`);
    const advice = adviceFor(command, error);
    if (advice !== "") process.stderr.write(`${advice}\n`);
    const isExpected = error instanceof UsageError || error instanceof ApiFailure;
    if (!isExpected) process.stderr.write(`${error.stack}\n`);
    process.exitCode = notAsked;
  }
}

async function answer<Options extends AdminOptions>({
  help,
  readOptions,
  run,
}: Command<Options>): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === "help") {
    process.stdout.write(help);
    return 0;
  }
  const api = await connect(options, {
    pacing: { sleep: (delayMs) => sleep(delayMs), random: Math.random },
    note: (text) => process.stderr.write(`${text}\n`),
    maxAttempts,
  });
  const [page, exitCode] = await run(api, options);
  process.stdout.write(`${page}\n`);
  return exitCode;
}

function adviceFor<Options extends AdminOptions>(command: Command<Options>, error: Error): string {
  if (error instanceof UsageError) return "Try --help.";
  const status = error instanceof ApiFailure ? error.status : undefined;
  if (status === 401 || status === 403) {
    return "Give a token with the scope admin (--token), or the --data-dir of the copy that runs there.";
  }
  return command.adviceFor(status);
}
