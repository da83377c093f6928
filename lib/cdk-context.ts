import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The context in cdk.json: stage settings and the CDK's feature flags. */
export function readCdkContext(): Record<string, unknown> {
  const path = join(import.meta.dirname, "..", "cdk.json");
  return JSON.parse(readFileSync(path, "utf8")).context;
}
