import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Code } from "aws-cdk-lib/aws-lambda";
import { DISABLE_ASSET_STAGING_CONTEXT } from "aws-cdk-lib/cx-api";
import type { Construct } from "constructs";
import { buildSync } from "esbuild";
import { type Machine, nativeFolder, nativePackages } from "./native-packages.ts";

const root = join(import.meta.dirname, "..");
const source = join(root, "lambdas");
const output = join(root, "build", "lambdas");

/** The runtime of every function, and of every npm script through the `node` devDependency. */
export const nodeMajor = 24;

interface Bundle {
  readonly folder: string;
  /** Packages it imports, and does not hold. */
  readonly native: readonly string[];
}

let bundles: ReadonlyMap<string, Bundle> | undefined;

/** The bundle of `lambdas/<name>/handler.ts`. All are built by the first call, in one go. */
export function bundleOf(scope: Construct, name: string, machine: Machine): Code {
  bundles ??= buildAll();
  const bundle = bundles.get(name);
  if (bundle === undefined) throw new Error(`lambdas/${name}/handler.ts does not exist`);
  const { folder, native } = bundle;
  // Nothing is deployed of an app that only looks at its templates: it needs no registry.
  const isOnlyLookedAt = scope.node.tryGetContext(DISABLE_ASSET_STAGING_CONTEXT) !== undefined;
  if (native.length === 0 || isOnlyLookedAt) return Code.fromAsset(folder);
  const whole = nativeFolder(name, native, machine);
  for (const file of readdirSync(folder)) {
    writeIfChanged(join(whole, file), readFileSync(join(folder, file)));
  }
  return Code.fromAsset(whole);
}

function buildAll(): ReadonlyMap<string, Bundle> {
  const names = readdirSync(source, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const result = buildSync({
    entryPoints: names.map((name) => join(source, name, "handler.ts")),
    absWorkingDir: root,
    outbase: source,
    outdir: output,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    target: `node${nodeMajor}`,
    format: "esm",
    mainFields: ["module", "main"],
    external: nativePackages,
    // Fonts, for what is printed.
    loader: { ".ttf": "binary" },
    // A third less to load at every cold start; the maps give stack traces their names back.
    minify: true,
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    // Some CommonJS dependencies call `require`, which an ES module does not have.
    banner: {
      js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
    },
    write: false,
    metafile: true,
    logLevel: "error",
  });
  for (const file of result.outputFiles) writeIfChanged(file.path, file.contents);
  const { outputs } = result.metafile;
  return new Map(
    names.map((name) => {
      const folder = join(output, name);
      const { imports = [] } = outputs[relative(root, join(folder, "handler.mjs"))] ?? {};
      const imported = new Set(imports.map(({ path }) => path));
      return [name, { folder, native: nativePackages.filter((one) => imported.has(one)) }];
    }),
  );
}

/** Whole or not at all: another synth may be reading the same bundles right now. */
function writeIfChanged(path: string, contents: Uint8Array): void {
  if (isSame(path, contents)) return;
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const unfinished = join(output, `.${process.pid}.${path.length}.tmp`);
  writeFileSync(unfinished, contents);
  renameSync(unfinished, path);
}

function isSame(path: string, contents: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(contents);
  } catch {
    return false;
  }
}
