import { spawn } from "node:child_process";
import { join } from "node:path";
import { repository } from "./program.ts";

/** Runs a command of `scripts/` as a user does, who has nothing in the environment but PORT. */
export async function runScript(
  script: string,
  args: readonly string[],
  { port, input }: { port: string; input?: Buffer },
) {
  const { PENNYLINE_TOKEN: _, PENNYLINE_ADMIN_TOKEN: __, ...env } = process.env;
  const child = spawn(process.execPath, [join(repository, "scripts", script), ...args], {
    env: { ...env, PORT: port },
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
