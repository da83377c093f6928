/**
 * Size of each function's bundle, and how long a fresh process takes to import it (median of 5).
 * Run after a synth: npm run bench:bundles
 */
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { environment } from "../core/contracts/environment.ts";

const bundles = join(import.meta.dirname, "..", "build", "lambdas");
const runs = 5;
// Functions refuse to load without their settings; any value will do for loading.
const settings = Object.fromEntries(Object.values(environment).map((name) => [name, "1"]));

for (const name of readdirSync(bundles).filter((entry) => !entry.startsWith("."))) {
  const file = join(bundles, name, "handler.mjs");
  const times = Array.from({ length: runs }, () => importMs(file)).sort((a, b) => a - b);
  const kilobytes = Math.round(statSync(file).size / 1_000);
  console.log(
    `${name.padEnd(30)} ${String(kilobytes).padStart(5)} KB ${times[runs >> 1]?.toFixed(0)} ms`,
  );
}

function importMs(file: string): number {
  const script = `const t = performance.now(); await import(${JSON.stringify(file)}); console.log(performance.now() - t); process.exit()`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    env: { ...settings, AWS_REGION: "us-east-1" },
  });
  return Number(output.toString().trim().split("\n").at(-1));
}
