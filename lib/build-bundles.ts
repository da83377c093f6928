import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
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

export const sourceFolder = (name: string) => join(source, name);
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

const optimized = {
  ...common,
  outbase: source,
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
} as const satisfies BuildOptions;

/**
 * Builds the bundles of these functions as they are deployed: each whole, in a folder of its name in
 * `output`. A bundle whose sources have not changed since the last build is left alone.
 */
export function buildBundles(
  names: readonly string[],
  output: string,
): ReadonlyMap<string, Bundle> {
  const states = stateOfSources(names);
  const records = join(output, ".built");
  const recordOf = (name: string) => join(records, `${name}.json`);
  const stale = names.filter((name) => {
    const built = readRecord(recordOf(name));
    return built?.state !== states[name] || !existsSync(join(output, name, "handler.mjs"));
  });
  if (stale.length > 0) {
    const result = buildSync({ ...optimized, entryPoints: stale.map(entryOf), outdir: output });
    for (const file of result.outputFiles) writeIfChanged(file.path, file.contents, output);
    for (const name of stale) {
      const file = relative(root, join(output, name, "handler.mjs"));
      const imports = result.metafile.outputs[file]?.imports.map(({ path }) => path) ?? [];
      const native = nativePackages.filter((one) => imports.includes(one));
      const record: BuildRecord = { state: states[name] ?? "", native };
      writeIfChanged(recordOf(name), Buffer.from(JSON.stringify(record)), output);
    }
  }
  return new Map(
    names.map((name) => {
      const native = readRecord(recordOf(name))?.native ?? [];
      return [name, { folder: join(output, name), native }];
    }),
  );
}

/** What a bundle was built from, and what it needs beside it. */
interface BuildRecord {
  readonly state: string;
  readonly native: readonly string[];
}

function readRecord(file: string): BuildRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * Builds every function for this machine, in a tenth of the time: what several functions share is
 * built once, into `shared/` beside the functions' folders, and native packages are those that npm
 * installed. Apart from that the code is the code that is deployed.
 * @param handlers gets a folder for each function.
 * @param shared gets `shared/`, and a link to `node_modules`. A function's folder runs anywhere in it.
 */
export function buildLocalBundles(handlers: string, shared = handlers): void {
  // Names of shared files depend on where the output lies: it is the same place for every build.
  const outdir = join(root, "build", "local");
  const result = buildSync({
    ...optimized,
    entryPoints: bundleNames().map(entryOf),
    outdir,
    splitting: true,
    // Paths are part of those names, too: a linked `node_modules` must not change them.
    preserveSymlinks: true,
    chunkNames: "shared/[hash]",
  });
  for (const file of result.outputFiles) {
    const path = relative(outdir, file.path);
    const output = path.startsWith("shared/") ? shared : handlers;
    writeIfChanged(join(output, path), file.contents, output);
  }
  const modules = join(shared, "node_modules");
  if (!existsSync(modules)) symlinkSync(join(root, "node_modules"), modules);
}

/** By function: a hash of all that its bundle is made of; the lockfile stands for packages. */
function stateOfSources(names: readonly string[]): Readonly<Record<string, string>> {
  const { metafile } = buildSync({
    ...common,
    entryPoints: names.map(entryOf),
    outdir: join(root, "build", "nowhere"),
    packages: "external",
  });
  const hashes = new Map(
    Object.keys(metafile.inputs).map((path) => [path, hashOf(readFileSync(join(root, path)))]),
  );
  const forAll = ["package-lock.json", "lib/build-bundles.ts"].map((file) =>
    hashOf(readFileSync(join(root, file))),
  );
  return Object.fromEntries(
    names.map((name) => {
      const files = [...reachedFrom(relative(root, entryOf(name)), metafile.inputs)].sort();
      const own = files.map((file) => `${file} ${hashes.get(file)}`);
      return [name, hashOf([...forAll, ...own].join("\n"))];
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
