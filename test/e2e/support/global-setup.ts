import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { synthesize } from "../../../local/synthesize.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The application's cloud assembly, synthesized once for the whole run. */
    assemblyDir: string;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const folder = join(import.meta.dirname, "../../../build/test-assembly");
  const { directory } = await synthesize(folder);
  project.provide("assemblyDir", directory);
}
