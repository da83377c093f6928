import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatDay, yesterdayMs } from "../../scripts/import-log/rebase.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";

const root = join(import.meta.dirname, "../..");
const fixture = join(root, "test/fixtures/access-log.txt");
// Fixed for the whole file, so that midnight may pass meanwhile.
const yesterday = formatDay(yesterdayMs(Date.now()));

/** Counted by hand from the fixture: [article, views, search visits]. */
const expected = {
  site: [["/", 1, 0]],
  about: [["/about", 1, 0]],
  blog: [
    ["//blog/first-post", 1, 0],
    ["/blog/first-post", 4, 1],
    ["/blog/old%20post.xhtml", 1, 0],
    ['/blog/say-\\"hi\\"', 1, 0],
  ],
  docs: [
    ["/docs/caf%C3%A9", 1, 0],
    ["/docs/guide.html", 2, 1],
  ],
};
const distinct = 14;

let cloud: TestCloud;
let api: ApiClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
});
afterAll(() => stopTestCloud(cloud));

/** Runs the command as a user does. */
async function importLog(args: readonly string[], input?: Buffer) {
  const { PENNYLINE_TOKEN: _, ...env } = process.env;
  const script = join(root, "scripts/import-log.ts");
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...env, PORT: new URL(cloud.url).port },
    stdio: "pipe",
  });
  child.stdin.end(input);
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
  });
  const exitCode = await new Promise((resolve) => child.once("close", resolve));
  return { exitCode, ...output };
}

async function earnings() {
  const entries = Object.keys(expected).map(async (creatorId) => {
    const path = `/v1/creators/${creatorId}/earnings`;
    const { body } = await api.call("GET", path, { token: api.publisher });
    const items: { articleId: string; views: number; searchVisits: number }[] = body.items;
    return [
      creatorId,
      items.map(({ articleId, views, searchVisits }) => [articleId, views, searchVisits]),
    ];
  });
  return Object.fromEntries(await Promise.all(entries));
}

describe("import-log", () => {
  const options = () => ["--data-dir", cloud.dataDir.path];

  it("imports nothing older than the API takes, and says so", async () => {
    const { exitCode, stdout } = await importLog([fixture, ...options()]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/refused, too_old: .* 840 hours back +14/);
    expect(stdout).toContain("--rebase moves");
    expect((await api.proof()).counted.engagements).toBe("0");
  });

  it("counts what a person counts in the log", async () => {
    const { exitCode, stdout, stderr } = await importLog([
      fixture,
      "--rebase-to",
      yesterday,
      ...options(),
    ]);
    expect(stderr).not.toContain("import-log:");
    expect(exitCode).toBe(0);
    expect(await earnings()).toEqual(expected);
    expect(await api.proof()).toMatchObject({
      ok: true,
      counted: { engagements: String(distinct) },
    });
    for (const line of [
      /lines read +21/,
      /visits +14, of these from a search engine 2/,
      /newly counted +14/,
      /blog +7 +1 /,
      /not a GET +2/,
      /status other than 200 +1/,
      /a file that is not a page +1/,
      /a bot, by its user agent +2/,
      /broken line +1/,
      /line 15: does not begin with address/,
      /ok: counted/,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  it("changes nothing the second time, gzipped and through a pipe", async () => {
    const log = gzipSync(readFileSync(fixture, "utf8").replaceAll("\n", "\r\n"));
    const { exitCode, stdout } = await importLog(
      ["-", "--rebase-to", yesterday, ...options()],
      log,
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/newly counted +0/);
    expect(stdout).toMatch(/of these new 0/);
    expect(await earnings()).toEqual(expected);
  });

  it("imports what is whole of a log that is not, and then fails", async () => {
    const file = join(cloud.dataDir.path, "cut.gz");
    const log = readFileSync(fixture);
    writeFileSync(file, gzipSync(Buffer.concat([log, log])).subarray(0, -12));
    const { exitCode, stderr } = await importLog([file, "--rebase-to", yesterday, ...options()]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("damaged");
    expect(await earnings()).toEqual(expected);
  });

  it("works against a stack that it knows only by URL and tokens", async () => {
    const tokens = ["--token", api.publisher, "--admin-token", api.admin];
    const key = ["--reader-key", "another key, so other readers"];
    const { exitCode, stdout } = await importLog([
      fixture,
      ...["--rebase-to", yesterday, "--api", cloud.url],
      ...tokens,
      ...key,
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/newly counted +14/);
  });

  it.each([
    [["--nonsense"], "Try --help"],
    [["no-such.log"], "cannot read no-such.log"],
  ])("exits with 2 for %j", async (args, message) => {
    const { exitCode, stderr } = await importLog(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});
