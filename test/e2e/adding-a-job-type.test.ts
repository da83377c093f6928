import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { apiClient } from "./support/api-client.ts";
import { cloudForTest, temporaryFolder } from "./support/cloud.ts";
import { jobClient } from "./support/job-client.ts";
import { repository } from "./support/program.ts";

const page = readFileSync(join(repository, "docs", "adding-a-job-type.md"), "utf8");

const sources = [
  ...["adapters", "bin", "core", "lambdas", "lib"],
  ...["cdk.json", "package.json", "package-lock.json", "tsconfig.json"],
];

/** The application as it stands, with what it takes to build it. */
function copyOfApplication(): string {
  const copy = temporaryFolder();
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  for (const name of sources) cpSync(join(repository, name), join(copy, name), { recursive: true });
  symlinkSync(join(repository, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Does what the page says: writes its files, and adds its lines after the lines that it names. */
function follow(copy: string): string[] {
  const done: string[] = [];
  for (const [, what = "", path = "", after, code = ""] of page.matchAll(
    /^```ts (file|add)="([^"]+)"(?: after="([^"]+)")?\n(.*?)^```$/gms,
  )) {
    const file = join(copy, path);
    if (what === "file") {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, code);
    } else {
      const before = readFileSync(file, "utf8");
      expect(before.split(`${after}\n`), `${path} has one "${after}"`).toHaveLength(2);
      writeFileSync(file, before.replace(`${after}\n`, `${after}\n${code}`));
    }
    done.push(path);
  }
  return done;
}

/** The application is synthesized anew. */
const ofSynthesis = { timeout: 240_000 };

test(
  "a type is added by one schema, one folder and one line, and all else comes with it",
  ofSynthesis,
  async () => {
    const copy = copyOfApplication();
    expect(follow(copy)).toEqual([
      "core/contracts/job-types.ts",
      "lambdas/run-text-readability/handler.ts",
      "lib/stacks/jobs-stack.ts",
    ]);
    const assemblyDir = join(copy, "cdk.out");
    const synth = ["synth", "-c", "stage=local", "--quiet", "--output", assemblyDir];
    execFileSync(join(copy, "node_modules", ".bin", "cdk"), synth, { cwd: copy, stdio: "pipe" });

    const cloud = await cloudForTest({ assemblyDir });
    const publisher = jobClient(await apiClient(cloud));
    const refused = await publisher.post({ type: "text.readability", payload: { text: "" } });
    expect([refused.status, refused.body.errors[0].field]).toEqual([400, "payload.text"]);
    const jobId = await publisher.request("text.readability", { text: "word ".repeat(500) });
    expect(await publisher.finished(jobId)).toMatchObject({
      ...{ state: "succeeded", result: { words: 500, minutes: 3 } },
      progress: { percent: 100, message: "3 min" },
    });
    expect(cloud.alarms.list().map(({ name }) => name)).toContain(
      "pennyline-local-run-text-readability-dead-letters",
    );
  },
);
