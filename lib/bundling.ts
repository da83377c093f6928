import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Code } from "aws-cdk-lib/aws-lambda";
import { buildSync } from "esbuild";

const root = join(import.meta.dirname, "..");
const source = join(root, "lambdas");
const output = join(root, "build", "lambdas");

/** The runtime of every function, and of every npm script through the `node` devDependency. */
export const nodeMajor = 24;

let bundles: ReadonlyMap<string, string> | undefined;

/** The bundle of `lambdas/<name>/handler.ts`. All are built by the first call, in one go. */
export function bundleOf(name: string): Code {
  bundles ??= buildAll();
  const folder = bundles.get(name);
  if (folder === undefined) throw new Error(`lambdas/${name}/handler.ts does not exist`);
  return Code.fromAsset(folder);
}

function buildAll(): ReadonlyMap<string, string> {
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
    logLevel: "error",
  });
  for (const file of result.outputFiles) writeIfChanged(file.path, file.contents);
  return new Map(names.map((name) => [name, join(output, name)]));
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
