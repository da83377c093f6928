import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
/** Everything a template or a bundle is made of; the lockfile stands for node_modules. */
const sources = ["bin", "lib", "lambdas", "core", "adapters", "cdk.json", "package-lock.json"];
/** Another copy may still run from an assembly that is no longer the newest. */
const keepOldForMs = 3_600_000;

export interface Synthesis {
  readonly directory: string;
  /** False: nothing that the templates depend on has changed since the last time. */
  readonly fresh: boolean;
}

/**
 * Synthesizes the CDK application for the stage `local` into a folder in `parent` that is named
 * for what it was made of: it is there whole or not at all, and never changes.
 */
export async function synthesize(
  parent: string,
  onStart: () => void = () => {},
): Promise<Synthesis> {
  const directory = join(parent, fingerprintSources());
  if (existsSync(directory)) {
    // Marks it as in use, for whoever cleans up.
    utimesSync(directory, new Date(), new Date());
    return { directory, fresh: false };
  }
  onStart();
  mkdirSync(parent, { recursive: true });
  removeOld(parent);
  const unfinished = mkdtempSync(`${directory}-`);
  try {
    await runCdkApplication(unfinished);
    renameSync(unfinished, directory);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Somebody else has just made the same one.
    if (!existsSync(directory)) throw error;
  }
  return { directory, fresh: true };
}

function removeOld(parent: string): void {
  for (const name of readdirSync(parent)) {
    const directory = join(parent, name);
    if (statSync(directory).mtimeMs > Date.now() - keepOldForMs) continue;
    rmSync(directory, { recursive: true, force: true });
  }
}

function runCdkApplication(directory: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const options = {
    cwd: root,
    env: {
      ...process.env,
      CDK_OUTDIR: directory,
      CDK_CONTEXT_JSON: JSON.stringify({ stage: "local" }),
      // Templates that are deployed are checked; here it would take longer than all else together.
      CDK_VALIDATION: "false",
    },
    maxBuffer: 64 * 1_048_576,
  };
  execFile(process.execPath, ["bin/pennyline.ts"], options, (error, stdout, stderr) => {
    if (error === null) return resolve();
    reject(new Error(`the CDK application does not synthesize:\n${stderr || stdout}`));
  });
  return promise;
}

function fingerprintSources(): string {
  const hash = createHash("sha256").update(process.version);
  for (const source of sources) {
    for (const file of filesUnder(source)) {
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(root, file)))
        .update("\0");
    }
  }
  return hash.digest("hex").slice(0, 16);
}

function filesUnder(source: string): string[] {
  if (!existsSync(join(root, source))) return [];
  const entries = readdirSafe(source);
  if (entries === undefined) return [source];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

function readdirSafe(source: string) {
  try {
    return readdirSync(join(root, source), { withFileTypes: true, recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw error;
  }
}
