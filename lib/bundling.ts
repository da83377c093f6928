import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Code } from "aws-cdk-lib/aws-lambda";
import { DISABLE_ASSET_STAGING_CONTEXT } from "aws-cdk-lib/cx-api";
import type { Construct } from "constructs";
import { type Bundle, buildBundles, bundleNames, writeIfChanged } from "./build-bundles.ts";
import { type Machine, nativeFolder } from "./native-packages.ts";

const output = join(import.meta.dirname, "..", "build", "lambdas");

let bundles: ReadonlyMap<string, Bundle> | undefined;

/** The bundle of `lambdas/<name>/handler.ts`. All are built by the first call, in one go. */
export function bundleOf(scope: Construct, name: string, machine: Machine): Code {
  bundles ??= buildBundles(bundleNames(), output);
  const bundle = bundles.get(name);
  if (bundle === undefined) throw new Error(`lambdas/${name}/handler.ts does not exist`);
  const { folder, native } = bundle;
  // Nothing is deployed of an app that only looks at its templates: it needs no registry.
  const isOnlyLookedAt = scope.node.tryGetContext(DISABLE_ASSET_STAGING_CONTEXT) !== undefined;
  if (native.length === 0 || isOnlyLookedAt) return Code.fromAsset(folder);
  const whole = nativeFolder(name, native, machine);
  for (const file of readdirSync(folder)) {
    writeIfChanged(join(whole, file), readFileSync(join(folder, file)), output);
  }
  return Code.fromAsset(whole);
}
