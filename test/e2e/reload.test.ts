import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { temporaryFolder } from "./support/cloud.ts";
import { repository } from "./support/program.ts";

/** A copy of the sources to edit, and `npm start` in it. */
const copy = temporaryFolder();
const patiently = { timeout: 60_000, interval: 50 };
let program: ChildProcess;
let printed = "";
let url: string;

beforeAll(async () => {
  for (const source of [
    ...["adapters", "bin", "core", "lambdas", "lib", "local"],
    ...["cdk.json", "package.json", "package-lock.json"],
  ]) {
    cpSync(join(repository, source), join(copy, source), { recursive: true });
  }
  symlinkSync(join(repository, "node_modules"), join(copy, "node_modules"));
  // The same sources, so the same assembly.
  const assemblies = join(copy, "data", "cloud-assembly");
  mkdirSync(assemblies, { recursive: true });
  symlinkSync(inject("assemblyDir"), join(assemblies, basename(inject("assemblyDir"))));
  program = spawn(process.execPath, ["local/main.ts", "--data-dir", "data"], {
    cwd: copy,
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  program.stdout?.on("data", (chunk) => {
    printed += chunk;
  });
  const address = () => /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
  url = (await vi.waitUntil(address, patiently)) ?? "";
});
afterAll(async () => {
  program?.kill("SIGTERM");
  if (program?.exitCode === null) await once(program, "exit");
  rmSync(copy, { recursive: true, force: true });
});

const health = join(copy, "lambdas/read-health/handler.ts");
const original = readFileSync(join(repository, "lambdas/read-health/handler.ts"), "utf8");
async function answerOfHealth(): Promise<string> {
  const response = await fetch(`${url}/v1/health`);
  return `${response.status} ${await response.text()}`;
}
async function told(message: RegExp): Promise<void> {
  await expect.poll(() => printed, patiently).toMatch(message);
}

describe("npm start, when sources change", () => {
  test("runs the new code of just the functions that are made of them", async () => {
    expect(await answerOfHealth()).toMatch(/^200 /);
    writeFileSync(health, original.replace('status: "ok"', 'status: "edited"'));
    await told(/new code runs in read-health \(/);
    expect(await answerOfHealth()).toContain("edited");
  });

  test("keeps the old code when the new does not build or load, and says why", async () => {
    writeFileSync(health, `${original}\nthis is no code`);
    await told(
      /NOT RELOADED, the old code serves on: Build failed.*\n.*read-health\/handler\.ts:\d+/,
    );
    writeFileSync(health, `${original}\nthrow new Error("no such setting");`);
    await told(/read-health NOT RELOADED, the old code serves on: Error: no such setting/);
    expect(await answerOfHealth()).toContain("edited");
    writeFileSync(health, original);
    await expect.poll(answerOfHealth, patiently).not.toContain("edited");
  });

  test("asks for a restart when templates are made of them", async () => {
    writeFileSync(join(copy, "cdk.json"), readFileSync(join(copy, "cdk.json"), "utf8"));
    await told(/cdk\.json changed: restart/);
  });
});
