import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type BuildOptions, buildSync, type Metafile } from "esbuild";
import { nativePackages } from "./native-packages.ts";

const root = join(import.meta.dirname, "..");
const source = join(root, "lambdas");

/** The runtime of every function, and of every npm script through the `node` devDependency. */
const nodeMajor = 24;

export interface Bundle {
  readonly folder: string;
  /** Packages it imports, and does not hold. */
  readonly native: readonly string[];
}

/** Every function there is: a folder in `lambdas/`. */
export function bundleNames(): string[] {
  return readdirSync(source, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

const entryOf = (name: string) => join(source, name, "handler.ts");

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: `node${nodeMajor}`,
  format: "esm",
  // Fonts, for what is printed.
  loader: { ".ttf": "binary" },
  write: false,
  metafile: true,
  logLevel: "silent",
} as const satisfies BuildOptions;

/** Builds the bundles of these functions, each into a folder of its name in `output`. */
export function buildBundles(
  names: readonly string[],
  output: string,
): ReadonlyMap<string, Bundle> {
  const result = buildSync({
    ...common,
    entryPoints: names.map(entryOf),
    outbase: source,
    outdir: output,
    outExtension: { ".js": ".mjs" },
    mainFields: ["module", "main"],
    external: nativePackages,
    // A third less to load at every cold start; the maps give stack traces their names back.
    minify: true,
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    // Some CommonJS dependencies call `require`, which an ES module does not have.
    banner: {
      js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
    },
  });
  for (const file of result.outputFiles) writeIfChanged(file.path, file.contents, output);
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

/** By function: a hash of our own sources that its bundle is made of, without packages. */
export function fingerprintBundles(): Readonly<Record<string, string>> {
  const names = bundleNames();
  const { metafile } = buildSync({
    ...common,
    entryPoints: names.map(entryOf),
    outdir: join(root, "build", "nowhere"),
    packages: "external",
  });
  const hashes = new Map(
    Object.keys(metafile.inputs).map((path) => [path, hashOf(readFileSync(join(root, path)))]),
  );
  return Object.fromEntries(
    names.map((name) => {
      const files = [...reachedFrom(relative(root, entryOf(name)), metafile.inputs)].sort();
      return [name, hashOf(files.map((file) => `${file} ${hashes.get(file)}`).join("\n"))];
    }),
  );
}

function reachedFrom(
  file: string,
  inputs: Metafile["inputs"],
  reached: Set<string> = new Set(),
): Set<string> {
  const input = inputs[file];
  if (input === undefined || reached.has(file)) return reached;
  reached.add(file);
  for (const { path } of input.imports) reachedFrom(path, inputs, reached);
  return reached;
}

function hashOf(contents: string | Uint8Array): string {
  return createHash("sha256").update(contents).digest("hex").slice(0, 16);
}

/** Whole or not at all: another synth may be reading the same bundles right now. */
export function writeIfChanged(path: string, contents: Uint8Array, output: string): void {
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
