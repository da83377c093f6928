import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** Packages with compiled parts, which no bundle can hold: they lie beside it. */
export const nativePackages = ["sharp"];

const root = join(import.meta.dirname, "..");
/** Amazon Linux on ARM, as in constructs/pennyline-function.ts. */
const lambdaFlags = ["--os=linux", "--cpu=arm64", "--libc=glibc"];

interface LockedPackage {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
type Lock = Readonly<Record<string, LockedPackage>>;

/**
 * The folder of a function with native packages, which are in its `node_modules`, in the machine
 * code of Lambda. It is made once for each state of the lockfile.
 */
export function nativeFolder(name: string, packages: readonly string[]): string {
  const locked = lockedOnly(packages);
  const hash = createHash("sha256").update(JSON.stringify(locked)).digest("hex").slice(0, 12);
  const parent = join(root, "build", "native");
  const folder = join(parent, `lambda-${hash}`, name);
  const modules = join(folder, "node_modules");
  if (existsSync(modules)) return folder;
  mkdirSync(folder, { recursive: true });
  const unfinished = mkdtempSync(join(parent, ".unfinished-"));
  try {
    install(packages, locked, unfinished);
    renameSync(join(unfinished, "node_modules"), modules);
  } catch (error) {
    // Somebody else has just made the same one.
    if (!existsSync(modules)) throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

/** What our lockfile says of some packages and of all that they need. */
function lockedOnly(names: readonly string[]): Lock {
  const file = readFileSync(join(root, "package-lock.json"), "utf8");
  const { packages } = JSON.parse(file) as { packages: Lock };
  const found: Record<string, LockedPackage> = {};
  const collect = (name: string, within: string): void => {
    const places = [`${within}node_modules/${name}`, `node_modules/${name}`];
    const place = places.find((path) => packages[path]);
    const locked = place === undefined ? undefined : packages[place];
    if (place === undefined || !locked || found[place]) return;
    found[place] = locked;
    const { dependencies, optionalDependencies } = locked;
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) {
      collect(needed, `${place}/`);
    }
  };
  for (const name of names) collect(name, "");
  return found;
}

/** npm checks each against the lockfile's hash, and runs none of their scripts. */
function install(names: readonly string[], locked: Lock, folder: string): void {
  const dependencies = Object.fromEntries(
    names.map((name) => [name, locked[`node_modules/${name}`]?.version]),
  );
  const itself = { name: "native", version: "0.0.0", dependencies };
  const lock = { ...itself, lockfileVersion: 3, packages: { "": itself, ...locked } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(itself));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
  const flags = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", ...lambdaFlags];
  execFileSync("npm", ["ci", ...flags], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
}
