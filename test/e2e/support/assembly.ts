import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import type { environment } from "../../../core/contracts/environment.ts";
import type { BackpressureLimits } from "../../../core/pacing/watch-backlogs.ts";
import { temporaryFolder } from "./cloud.ts";

type Variable = (typeof environment)[keyof typeof environment];

/**
 * The application with other values of environment variables, wherever a function has them. It is
 * deleted by `remove`.
 */
export function assemblyWith(
  values: { readonly [V in Variable]?: string },
  from = inject("assemblyDir"),
) {
  const directory = temporaryFolder();
  cpSync(from, directory, { recursive: true });
  for (const name of readdirSync(directory).filter((one) => one.endsWith(".template.json"))) {
    const file = join(directory, name);
    const template = JSON.parse(readFileSync(file, "utf8"));
    for (const { Properties } of Object.values<Resource>(template.Resources)) {
      const variables = Properties?.Environment?.Variables ?? {};
      for (const [variable, value] of Object.entries(values)) {
        if (variable in variables) variables[variable] = value;
      }
    }
    writeFileSync(file, JSON.stringify(template));
  }
  const remove = () => rmSync(directory, { recursive: true, force: true });
  return { directory, remove };
}

interface Resource {
  readonly Properties?: { readonly Environment?: { readonly Variables?: Record<string, unknown> } };
}

/** With limits of queues that a test can reach. */
export const assemblyWithLimits = (limits: BackpressureLimits) =>
  assemblyWith({ BACKPRESSURE: JSON.stringify(limits) });
