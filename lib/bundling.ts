import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { App } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { DISABLE_ASSET_STAGING_CONTEXT } from "aws-cdk-lib/cx-api";
import type { Construct } from "constructs";
import {
  type Bundle,
  buildBundles,
  buildLocalBundles,
  bundleNames,
  sourceFolder,
  writeIfChanged,
} from "./build-bundles.ts";
import { nativeFolder } from "./native-packages.ts";

const build = join(import.meta.dirname, "..", "build");
const deployed = join(build, "lambdas");
const local = join(build, "local");

/** Who runs the bundles: the embedded cloud of this machine, or Lambda. */
export type Machine = "here" | "lambda";

let bundles: ReadonlyMap<string, Bundle> | undefined;
let localAssembly: string | undefined;

/** The bundle of `lambdas/<name>/handler.ts`. All are built by the first call, in one go. */
export function bundleOf(scope: Construct, name: string, machine: Machine): Code {
  if (!bundleNames().includes(name)) throw new Error(`lambdas/${name}/handler.ts does not exist`);
  // Nothing is deployed of an app that only looks at its templates: it builds nothing.
  const isOnlyLookedAt = scope.node.tryGetContext(DISABLE_ASSET_STAGING_CONTEXT) !== undefined;
  if (isOnlyLookedAt) return Code.fromAsset(sourceFolder(name));
  return machine === "here" ? localBundle(scope, name) : deployedBundle(name);
}

/** The CDK copies a function's folder into the assembly, where `shared/` already is. */
function localBundle(scope: Construct, name: string): Code {
  const { outdir } = scope.node.root as App;
  if (localAssembly !== outdir) buildLocalBundles(local, outdir);
  localAssembly = outdir;
  return Code.fromAsset(join(local, name));
}

function deployedBundle(name: string): Code {
  bundles ??= buildBundles(bundleNames(), deployed);
  const bundle = bundles.get(name);
  if (bundle === undefined) throw new Error(`lambdas/${name}/handler.ts was not built`);
  const { folder, native } = bundle;
  if (native.length === 0) return Code.fromAsset(folder);
  const whole = nativeFolder(name, native);
  for (const file of readdirSync(folder)) {
    writeIfChanged(join(whole, file), readFileSync(join(folder, file)), deployed);
  }
  return Code.fromAsset(whole);
}
