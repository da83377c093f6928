import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");

/** Who may import whom, by example: a file's place and what it imports. */
const refused = [
  ["core/earnings/a.ts", "../../adapters/dynamodb/items.ts"],
  ["core/earnings/a.ts", "../../lib/settings.ts"],
  ["core/earnings/a.ts", "../../local/dynamodb/engine.ts"],
  ["core/earnings/a.ts", "../../lambdas/read-health/handler.ts"],
  ["core/earnings/a.ts", "node:crypto"],
  ["core/earnings/a.ts", "@aws-sdk/client-dynamodb"],
  ["core/earnings/a.ts", "@aws-lambda-powertools/logger"],
  ["core/earnings/a.ts", "jose"],
  ["core/a.ts", "../adapters/dynamodb/items.ts"],
  ["core/contracts/a.ts", "../earnings/counter.ts"],
  ["core/contracts/a.ts", "node:crypto"],
  ["adapters/dynamodb/a.ts", "../../lib/settings.ts"],
  ["adapters/dynamodb/a.ts", "../../local/data-dir.ts"],
  ["adapters/dynamodb/a.ts", "../../lambdas/read-health/handler.ts"],
  ["adapters/a.ts", "../lib/settings.ts"],
  ["lambdas/read-health/a.ts", "../../lib/settings.ts"],
  ["lambdas/read-health/a.ts", "../../local/data-dir.ts"],
  ["lambdas/read-health/a.ts", "../read-article/handler.ts"],
  ["lambdas/read-health/a.ts", "@aws-sdk/client-dynamodb"],
  ["lambdas/read-health/a.ts", "aws-cdk-lib"],
  ["lib/a.ts", "../core/earnings/counter.ts"],
  ["lib/stacks/a.ts", "../../core/earnings/counter.ts"],
  ["lib/stacks/a.ts", "../../adapters/dynamodb/items.ts"],
  ["lib/stacks/a.ts", "../../lambdas/read-health/handler.ts"],
  ["lib/stacks/a.ts", "../../local/data-dir.ts"],
  ["lib/stacks/a.ts", "@aws-sdk/client-sqs"],
  ["bin/a.ts", "../core/contracts/limits.ts"],
  ["bin/a.ts", "../local/data-dir.ts"],
  ["local/http/a.ts", "../../core/earnings/counter.ts"],
  ["local/http/a.ts", "../../adapters/dynamodb/items.ts"],
  ["local/http/a.ts", "../../lib/settings.ts"],
  ["local/http/a.ts", "../../lambdas/read-health/handler.ts"],
  ["web/dashboard/a.ts", "../../core/earnings/counter.ts"],
  ["core/earnings/a.ts", "../../cli/text.ts"],
  ["adapters/dynamodb/a.ts", "../../cli/text.ts"],
  ["lambdas/read-health/a.ts", "../../cli/text.ts"],
  ["lib/stacks/a.ts", "../../cli/text.ts"],
  ["local/http/a.ts", "../../cli/text.ts"],
  ["cli/a.ts", "../lib/settings.ts"],
  ["cli/a.ts", "../lambdas/read-health/handler.ts"],
] as const;

const allowed = [
  ["core/earnings/a.ts", "./counter.ts"],
  ["core/earnings/a.ts", "../contracts/limits.ts"],
  ["core/earnings/a.ts", "zod"],
  ["core/contracts/a.ts", "./limits.ts"],
  ["core/contracts/a.ts", "zod"],
  ["core/contracts/a.ts", "ibantools"],
  ["adapters/dynamodb/a.ts", "../../core/earnings/counter.ts"],
  ["adapters/dynamodb/a.ts", "../lambda/logger.ts"],
  ["adapters/dynamodb/a.ts", "@aws-sdk/lib-dynamodb"],
  ["adapters/dynamodb/a.ts", "node:crypto"],
  ["lambdas/read-health/a.ts", "../../core/registry/article.ts"],
  ["lambdas/read-health/a.ts", "../../adapters/dynamodb/items.ts"],
  ["lambdas/read-health/a.ts", "./constants.ts"],
  ["lambdas/read-health/a.ts", "@middy/core"],
  ["lib/stacks/a.ts", "../../core/contracts/limits.ts"],
  ["lib/a.ts", "../core/contracts/limits.ts"],
  ["lib/stacks/a.ts", "../constructs/worker-queue.ts"],
  ["lib/stacks/a.ts", "aws-cdk-lib/aws-sqs"],
  ["bin/a.ts", "../lib/settings.ts"],
  ["local/http/a.ts", "../../core/contracts/routes.ts"],
  ["local/http/a.ts", "../events/pattern.ts"],
  ["local/http/a.ts", "fauxqs"],
  ["cli/a.ts", "../core/registry/article.ts"],
  ["cli/a.ts", "../adapters/dynamodb/items.ts"],
  ["cli/a.ts", "../local/data-dir.ts"],
  ["test/infra/a.ts", "../../lib/settings.ts"],
  ["bench/a.ts", "../core/earnings/counter.ts"],
] as const;

/** Every way to name another module. */
const forms: Record<string, (from: string) => string> = {
  import: (from) => `import { a } from "${from}";\nexport const b = [a];\n`,
  "import type": (from) => `import type { A } from "${from}";\nexport type B = A[];\n`,
  "export from": (from) => `export { a } from "${from}";\n`,
  "dynamic import": (from) => `export const b = import("${from}");\n`,
};

const cases = (pairs: readonly (readonly [string, string])[]) =>
  pairs.flatMap(([file, from]) => Object.keys(forms).map((form) => ({ file, from, form })));

let folder: string;
let reported: ReadonlySet<string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pennyline-import-rules-"));
  copyFileSync(join(root, "biome.json"), join(folder, "biome.json"));
  for (const example of [...cases(refused), ...cases(allowed)]) {
    const path = join(folder, placeOf(example));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, forms[example.form]?.(example.from) ?? "");
  }
  reported = await lint();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Each example in a file of its own, beside the place it speaks of. */
function placeOf({ file, from, form }: { file: string; from: string; form: string }): string {
  const name = `${form} ${from}`.replace(/[^\w]+/g, "-");
  return file.replace(/a\.ts$/, `${name}.ts`);
}

async function lint(): Promise<ReadonlySet<string>> {
  const args = ["lint", "--only=style/noRestrictedImports", "--reporter=json"];
  const biome = join(root, "node_modules", ".bin", "biome");
  const run = promisify(execFile)(biome, [...args, "--max-diagnostics=none"], { cwd: folder });
  // A violation must make the command fail, or nobody would notice.
  const failure = await run.then(
    () => expect.unreachable("the linter reported nothing"),
    (error: { stdout: string }) => error,
  );
  const { diagnostics } = JSON.parse(failure.stdout);
  return new Set(
    diagnostics
      .filter((one: { severity: string }) => one.severity === "error")
      .map((one: { location: { path: string } }) => one.location.path),
  );
}

describe("the linter refuses", () => {
  test.each(cases(refused))("$form of $from in $file", (example) => {
    expect(reported).toContain(placeOf(example));
  });
});

describe("the linter allows", () => {
  test.each(cases(allowed))("$form of $from in $file", (example) => {
    expect(reported).not.toContain(placeOf(example));
  });
});
