import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "../local/cli/options.ts";
import { ApiFailure } from "./api/api-client.ts";
import { connect } from "./api/connect.ts";
import { describeProof } from "./proof/describe-proof.ts";
import { help, readOptions } from "./proof/options.ts";
import { readProof } from "./proof/read-proof.ts";

const exitCodes = { ok: 0, difference: 1, notAsked: 2 } as const;
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
  const { proof, raw } = await readProof(api);
  const page = options.json
    ? JSON.stringify(raw, undefined, 2)
    : [`The money of ${options.baseUrl} as of ${proof.asOf}`, "", ...describeProof(proof)].join(
        "\n",
      );
  process.stdout.write(`${page}\n`);
  return proof.ok && proof.differences.length === 0 ? exitCodes.ok : exitCodes.difference;
}

function adviceFor(error: Error): string {
  if (error instanceof UsageError) return "Try --help.";
  const status = error instanceof ApiFailure ? error.status : undefined;
  if (status === 401 || status === 403) {
    return "Give a token with the scope admin (--token), or the --data-dir of the copy that runs there.";
  }
  if (status === 404) return "Check that --api (or PORT) is the address of a Pennyline API.";
  if (status !== undefined) return "Try again; if it stays, look at the log of prove-money.";
  return "";
}

try {
  process.exitCode = await main();
} catch (thrown) {
  // Uncaught it would end with 1, which says that money is wrong.
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  process.stderr.write(`proof: ${error.message}\n`);
  const advice = adviceFor(error);
  if (advice !== "") process.stderr.write(`${advice}\n`);
  const isExpected = error instanceof UsageError || error instanceof ApiFailure;
  if (!isExpected) process.stderr.write(`${error.stack}\n`);
  process.exitCode = exitCodes.notAsked;
}
