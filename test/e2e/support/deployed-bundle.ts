import { cpSync } from "node:fs";
import { join } from "node:path";
import { buildBundles } from "../../../lib/build-bundles.ts";
import { repository } from "./program.ts";

/** Copies a function's bundle as it is deployed in AWS, whole, without native packages. */
export function copyDeployedBundle(name: string, folder: string): void {
  const bundle = buildBundles([name], join(repository, "build", "lambdas")).get(name);
  if (bundle === undefined) throw new Error(`lambdas/${name} was not built`);
  cpSync(bundle.folder, folder, { recursive: true });
}
