import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const repository = join(import.meta.dirname, "..", "..");
/** All that `npm start` is made of. */
const parts = ["adapters", "bin", "core", "lambdas", "lib", "local"];
const files = ["cdk.json", "package.json", "package-lock.json"];

/** A mistake in the code: what stands there, and what somebody made of it. */
export interface Mistake {
  readonly file: string;
  readonly code: string;
  readonly becomes: string;
}

/** A copy of the application's sources, to be broken and mended. */
export interface Sources {
  readonly folder: string;
  /** Saves a file with that mistake in it. */
  make(mistake: Mistake): void;
  /** Saves it as it was. */
  mend(mistake: Mistake): void;
}

/** @param settings of the stage `local`, which replace those that stand there. */
export function copySources(folder: string, settings: object): Sources {
  for (const part of parts) cpSync(join(repository, part), join(folder, part), { recursive: true });
  for (const file of files) cpSync(join(repository, file), join(folder, file));
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  const cdkJson = join(folder, "cdk.json");
  const cdk = JSON.parse(readFileSync(cdkJson, "utf8"));
  cdk.context.stages.local = merged(cdk.context.stages.local, settings);
  writeFileSync(cdkJson, `${JSON.stringify(cdk, undefined, 2)}\n`);
  return {
    folder,
    make(mistake) {
      const { file } = mistake;
      writeFileSync(join(folder, file), broken(readFileSync(join(folder, file), "utf8"), mistake));
    },
    mend: ({ file }) => cpSync(join(repository, file), join(folder, file)),
  };
}

/** @throws when the code is not what it was when the mistake was thought of. */
export function broken(source: string, { file, code, becomes }: Mistake): string {
  if (source.split(code).length === 2) return source.replace(code, () => becomes);
  throw new Error(`the mistake does not fit ${file} any more: it is to replace, once,\n${code}`);
}

function merged(one: unknown, other: unknown): unknown {
  if (!isObject(one) || !isObject(other)) return other;
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(
    names.map((name) => [name, name in other ? merged(one[name], other[name]) : one[name]]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
