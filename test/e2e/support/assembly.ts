import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import type { environment } from "../../../core/contracts/environment.ts";
import type { BackpressureLimits } from "../../../core/pacing/watch-backlogs.ts";
import { temporaryFolder } from "./cloud.ts";

type Variable = (typeof environment)[keyof typeof environment];

interface Properties {
  readonly FunctionName?: string;
  Timeout?: number;
  readonly Environment?: { readonly Variables?: Record<string, unknown> };
}

/** The application with other properties of its resources. It is deleted by `remove`. */
function changedAssembly(change: (properties: Properties) => void, from = inject("assemblyDir")) {
  const directory = temporaryFolder();
  cpSync(from, directory, { recursive: true });
  for (const name of readdirSync(directory).filter((one) => one.endsWith(".template.json"))) {
    const file = join(directory, name);
    const template = JSON.parse(readFileSync(file, "utf8"));
    const resources = Object.values<{ readonly Properties?: Properties }>(template.Resources);
    for (const { Properties: properties } of resources) if (properties) change(properties);
    writeFileSync(file, JSON.stringify(template));
  }
  const remove = () => rmSync(directory, { recursive: true, force: true });
  return { directory, remove };
}

/** With other values of environment variables, wherever a function has them. */
export const assemblyWith = (values: { readonly [V in Variable]?: string }, from?: string) =>
  changedAssembly(({ Environment }) => {
    const variables = Environment?.Variables ?? {};
    for (const [variable, value] of Object.entries(values)) {
      if (variable in variables) variables[variable] = value;
    }
  }, from);

/** With other time-outs of functions, in seconds. */
export const assemblyWithTimeouts = (seconds: Readonly<Record<string, number>>, from?: string) =>
  changedAssembly((properties) => {
    const timeout = seconds[properties.FunctionName ?? ""];
    if (timeout !== undefined) properties.Timeout = timeout;
  }, from);

/** Seconds: longer than anything waits. */
const never = 1e9;

/** From how many waiting messages on a queue is at each level. Ages decide nothing, unless told. */
export const rising = (soft: number, hard: number, full: number, softSeconds = never) => ({
  soft: { waiting: soft, oldestSeconds: softSeconds },
  hard: { waiting: hard, oldestSeconds: never + 1 },
  full: { waiting: full, oldestSeconds: never + 2 },
});

/** With limits of queues that a test can reach. */
export const assemblyWithLimits = (limits: BackpressureLimits, from?: string) =>
  assemblyWith({ BACKPRESSURE: JSON.stringify(limits) }, from);
