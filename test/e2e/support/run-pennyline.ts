import { spawn } from "node:child_process";
import { join } from "node:path";
import { repository } from "./program.ts";

interface Surroundings {
  readonly port: string;
  readonly input?: Buffer | string;
  /** Beside PORT: nothing of ours is in a user's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the bin as a user does. */
export async function runPennyline(
  args: readonly string[],
  { port, input, env: own = {} }: Surroundings,
) {
  const { PENNYLINE_API: _, PENNYLINE_TOKEN: __, PENNYLINE_ADMIN_TOKEN: ___, ...env } = process.env;
  const child = spawn(process.execPath, [join(repository, "cli/pennyline.ts"), ...args], {
    env: { ...env, PORT: port, ...own },
    stdio: "pipe",
  });
  child.stdin.end(input);
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
  });
  const exitCode = await new Promise((resolve) => child.once("close", resolve));
  return { exitCode, ...output };
}
