import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import type { FaultPlan } from "../../../local/faults.ts";

export const repository = join(import.meta.dirname, "../../..");

/** The program that `npm start` runs, as a process of its own that can be killed. */
export async function startProgram(
  args: readonly string[],
  port = "0",
): Promise<{ program: ChildProcess; url: string }> {
  const program = spawn(process.execPath, [join(repository, "local/main.ts"), ...args], {
    cwd: repository,
    env: { ...process.env, PORT: port },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: program.stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (url) {
      program.stdout.resume();
      return { program, url };
    }
  }
  throw new Error("the program ended without saying where it listens");
}

export interface Copy {
  readonly child: ChildProcess;
  readonly url: string;
  readonly servicesUrl: string;
}

/** A copy of the embedded cloud for one test, without schedules, as a process that can be killed. */
export async function startCopy(
  dataDir: string,
  assemblyDir: string,
  faults: FaultPlan = {},
): Promise<Copy> {
  const args = [join(import.meta.dirname, "run-cloud.ts"), dataDir, assemblyDir];
  const child = spawn(process.execPath, [...args, JSON.stringify(faults)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, ...JSON.parse(line) };
  }
  throw new Error("the copy ended before it was ready");
}
