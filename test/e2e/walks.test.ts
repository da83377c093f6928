import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { answersOf, isWalk, pagesInOrder, shellBlocksOf } from "../support/walks.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, type TestCloud, temporaryFolder } from "./support/cloud.ts";
import { repository } from "./support/program.ts";

/*
 * Takes all walks of README and docs/ in a reader's order, twice in a row on one running copy. Its
 * schedules run as after `npm start`, but a minute of theirs lasts five seconds.
 *
 * The first time, in bash, `node` is the project's own (24), which npm's scripts run on. The second
 * time, in sh, it is the machine's, which a reader's terminal finds: npm needs one outside of
 * node_modules. CI has Node 20 there. A machine with another version tests that one; the name of
 * the tests tells which it was.
 */
const minuteMs = 5_000;

/** What a walk may use beside Node, npm and curl: tools that every macOS and Linux has. */
const coreTools = [
  ...["bash", "cat", "cut", "date", "env", "grep", "gunzip", "gzip", "head", "mktemp", "rm"],
  ...["sed", "seq", "sh", "sleep", "wc"],
];

const outside = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((folder) => !folder.endsWith(join("node_modules", ".bin")));

function find(tool: string): string {
  const found = outside.map((folder) => join(folder, tool)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`this machine has no ${tool}`);
  return found;
}

/** A folder that is a whole PATH: a walk that calls any other tool fails. */
function folderOf(tools: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, file] of Object.entries(tools)) symlinkSync(file, join(folder, name));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const tools = Object.fromEntries(
  [...coreTools, "npm", "npx", "curl"].map((tool) => [tool, find(tool)]),
);
const pass = (time: "first" | "second", shell: readonly [string, ...string[]], node: string) => ({
  ...{ time, shell, path: folderOf({ ...tools, node }) },
  version: execFileSync(node, ["--version"], { encoding: "utf8" }).trim(),
});
type Pass = ReturnType<typeof pass>;

const passes = [
  pass("first", ["bash", "-euo", "pipefail"], join(repository, "node_modules/.bin/node")),
  pass("second", ["sh", "-eu"], find("node")),
];

let cloud: TestCloud;
let api: ApiClient;
/** Where receivers of the walks listen, which are told to take 4500. */
let receiverPort: number;
const url = () => new URL(cloud.url);

beforeAll(async () => {
  const port = await freePort();
  const dataDir = join(repository, ".pennyline", String(port));
  cloud = await startTestCloud({ port, dataDir, schedules: true, minuteMs });
  api = await apiClient(cloud);
  receiverPort = await freePort();
  // This month's payouts are due: they would take what a walk is about to ask for.
  expect(await cloud.fireSchedule("pennyline-local-run-payouts")).toMatchObject({ ok: true });
});

afterAll(async () => {
  await cloud?.stop();
  if (cloud) rmSync(cloud.dataDir.path, { recursive: true, force: true });
});

interface Told {
  readonly stdout: string;
  /** Lines of it that are JSON objects. */
  readonly answers: readonly Answer[];
  readonly time: Pass["time"];
  /** What the walk has added to totals of the whole platform, for pages that show that. */
  readonly added: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are as the pages show them.
type Answer = Record<string, any>;

/** Runs the commands as they stand on the page, in one shell. */
async function walk(page: string, { shell, path, time }: Pass): Promise<Omit<Told, "added">> {
  const commands = shellBlocksOf(page)
    .filter(isWalk)
    .map((block) => block.commands)
    .join("\n")
    .replaceAll(":4000", `:${url().port}`)
    .replaceAll(/\b4500\b/g, String(receiverPort));
  const [program, ...options] = shell;
  const child = spawn(join(path, program), [...options, "-c", commands], {
    cwd: repository,
    // As in a terminal that was just opened: nothing of this test's environment.
    env: { PATH: path, HOME: process.env.HOME, PORT: url().port },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  // With what it started in the background, which may wait for ever if something went wrong.
  const endAll = () => endGroup(child.pid);
  onTestFinished(endAll);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const closed = once(child, "close");
  const [exitCode] = await once(child, "exit");
  endAll();
  await closed;
  expect(exitCode, stdout + stderr).toBe(0);
  const lines = stdout.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"));
  return { stdout, answers: lines.map(parse), time };
}

function parse(line: string): Answer {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new Error(`it shows what is no JSON: ${line}`, { cause });
  }
}

function endGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Answers of 400 and more that the gateway has given since its log was `from` characters long. */
function problems(from: number): string[] {
  const lines = accessLog().slice(from).split("\n").filter(Boolean);
  return lines
    .map((line) => JSON.parse(line))
    .filter(({ status }) => Number(status) >= 400)
    .map(({ routeKey, status }) => `${status} ${routeKey}`);
}

/** It begins with the first request. */
function accessLog(): string {
  const file = join(cloud.dataDir.logs, "access.log");
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** Answers about the whole platform, each as new as the proof. */
async function platform(): Promise<unknown> {
  // A machine under load may answer 503.
  const read = (token: string, path: string) =>
    vi.waitFor(
      async () => {
        const { status, body } = await api.call("GET", path, { token });
        expect([path, status]).toEqual([path, 200]);
        return body;
      },
      { timeout: 60_000, interval: 1_000 },
    );
  return {
    proof: await read(api.admin, "/v1/admin/proof"),
    invalid: await read(api.admin, "/v1/admin/invalid-traffic"),
    summary: await read(api.publisher, "/v1/earnings/summary"),
  };
}

/** `after` with whole numbers less those of `before`; what else there is stays as it is. */
function addition(before: unknown, after: unknown): unknown {
  if (typeof after === "string" && /^\d+$/.test(after)) {
    return String(BigInt(after) - BigInt(typeof before === "string" ? before : 0));
  }
  if (typeof after !== "object" || after === null) return after;
  const old: Answer = before ?? {};
  const entries = Object.entries(after).map(([name, value]) => [name, addition(old[name], value)]);
  return Array.isArray(after) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

/** What a reader is told to see. */
const expectations: Readonly<Record<string, (told: Told) => void>> = {
  "README.md": ({ answers, stdout }) => {
    expect(answers).toHaveLength(9);
    const [article, first, second, third, earnings, balance, ledger, proof, job] = answers;
    const { articleId } = article as Answer;
    for (const answer of [first, second, third]) {
      expect(answer).toEqual({ accepted: 1, rejected: [] });
    }
    const items: Answer[] = earnings?.items ?? [];
    const earned = items.find((item) => item.articleId === articleId);
    expect(earned).toMatchObject({ views: 1, micros: "1000", paidMicros: "1000", void: {} });
    // Settled or not, it is there; and each time that the page was walked has added as much.
    const micros = items.reduce((sum, item) => sum + BigInt(item.micros), 0n);
    expect(BigInt(balance?.settledMicros) + BigInt(balance?.pendingMicros)).toBe(micros);
    expect(ledger).toHaveProperty("items");
    expect(proof).toMatchObject({ ok: true, differences: [] });
    expect(stdout).toContain("Everything adds up.");
    expect(job).toMatchObject({ type: "draft.save", state: "succeeded", result: { revision: 1 } });
  },

  "docs/earnings.md": ({ answers, stdout, added }) => {
    const run = /"ada-(\d+)"/.exec(stdout)?.[1] ?? "";
    const month = new Date().toISOString().slice(0, 7);
    const shown = answersOf("docs/earnings.md");
    expect(shown.length).toBeGreaterThan(9);
    for (const answer of shown) {
      const text = answer.json.replaceAll("1768000000", run).replace("MONTH", month);
      const matcher = asShown(JSON.parse(text));
      const given = partsOf(answer.added ? added : answers);
      const found = given.some((part) => matcher.asymmetricMatch(part));
      expect(found, `${text} is not among\n${JSON.stringify(given)}`).toBe(true);
    }
    expect(stdout).toContain(`ada-${run}.0000000004,ada-${run},14.33,USD`);
    expect(stdout).toContain("Everything adds up.");
  },

  "docs/channels.md": ({ answers, stdout }) => {
    const [, jobId] = /^location: \/v1\/jobs\/(\w+)\r?$/m.exec(stdout) ?? [];
    expect(stdout).toMatch(/^HTTP\/1.1 202 Accepted/);
    expect(stdout).toMatch(/^etag: "\d"/m);
    expect(answers).toContainEqual(
      expect.objectContaining({ jobId, state: "succeeded", version: 3 }),
    );
    expect(stdout).toMatch(/version: 1,\n {2}state: 'accepted'.*version: 3,\n {2}state: 'succ/s);
    expect(stdout).toMatch(/verified, answered 200 {2}\/hooks {2}callbacks-/);
    expect(answers.at(-1)).toMatchObject({ type: "job.succeeded", data: { type: "draft.save" } });
  },

  "docs/webhooks.md": ({ answers, stdout }) => {
    const [endpoint, ping, message, deliveries] = answers;
    expect(endpoint).toMatchObject({ state: "enabled", events: expect.any(Array) });
    expect(stdout).toContain(`verified, answered 200  /hook  ${ping?.deliveryId}`);
    expect(message).toMatchObject({ type: "ping", data: { endpointId: endpoint?.endpointId } });
    expect(deliveries?.items).toMatchObject([
      { deliveryId: ping?.deliveryId, type: "ping", state: "delivered" },
    ]);
  },

  "docs/notifications.md": ({ answers, stdout }) => {
    const { articleId } = answers.find((answer) => answer.articleId !== undefined) ?? {};
    expect(answers.find(({ jobId }) => jobId !== undefined)).toMatchObject({
      ...{ state: "succeeded", result: { "email.sent": 1, "inbox.sent": 1 } },
    });
    const inbox = answers.find(({ items }) => items !== undefined);
    expect(inbox?.items[0]).toMatchObject({ articleId, title: "Chapter 1" });
    expect(stdout).toContain('"grace@example.com"');
    expect(stdout).toContain(`Read it: https://example.com/${articleId}`);
  },

  "docs/integrations.md": ({ answers, stdout }) => {
    expect(stdout).toMatch(/verified, answered 200 {2}\/readers {2}\w+\n\{"reader":"r-7"/);
    const job = answers.find(({ jobId }) => jobId !== undefined);
    expect(job).toMatchObject({ state: "succeeded", result: { status: 200 } });
    expect(answers.at(-1)).toMatchObject({ deleted: true });
  },

  "docs/files.md": ({ answers, stdout }) => {
    expect(answers[0]).toMatchObject({ state: "succeeded", files: { length: 12 } });
    expect(stdout).toContain("%PDF-1.7");
  },

  "docs/exports.md": ({ stdout }) => {
    expect(stdout).toMatch(/^article_id,day,kind,state,reason,engagements,micros,fee_micros\r?\n/);
    expect(stdout).toMatch(/^chapter-\d+,[\d-]+,view,paid,,1,1000,0\r?$/m);
  },

  "docs/tracing.md": ({ stdout }) => {
    expect(stdout).toMatch(/^Trace \w+: nothing failed$/m);
    expect(stdout).toMatch(/run-draft-save +took JobRequested.*job succeeded$/m);
  },

  "docs/importing-logs.md": ({ stdout, time }) => {
    expect(stdout).toMatch(/^ {2}blog +7 +1 +0 +0 +\$0\.008500 +\$0\.000000$/m);
    expect(stdout).toMatch(/^ {2}paid +14 +100.0 %$/m);
    const [counted, again, articles] = time === "first" ? [14, 2, 8] : [0, 16, 0];
    expect(stdout).toMatch(
      new RegExp(`^  newly counted +${counted}\n  duplicates +${again}$`, "m"),
    );
    expect(stdout).toMatch(new RegExp(`^  articles +8, of these new ${articles}$`, "m"));
    expect(stdout.match(/^ *Everything adds up\.$/gm)).toHaveLength(2);
  },
};

const isRefusal = (page: string) => (answer: string) => {
  // A machine under load. Then the walk asks again, or does not show what it is to show.
  if (answer.startsWith("503 ")) return false;
  // The import asks whether an article exists before it registers it.
  return page !== "docs/importing-logs.md" || answer !== "404 GET /v1/articles/{articleId+}";
};

const pages = pagesInOrder().filter((page) => shellBlocksOf(page).some(isWalk));

test("each page with a walk has an expectation", () => {
  expect(pages.toSorted()).toEqual(Object.keys(expectations).toSorted());
});

describe.each(passes)("walked for the $time time, in $shell.0, with Node $version", (one) => {
  test.each(pages)("%s", { timeout: 240_000 }, async (page) => {
    const sums = answersOf(page).some(({ added }) => added);
    const before = sums && (await platform());
    const from = accessLog().length;
    const told = await walk(page, one);
    const added = sums ? addition(before, await platform()) : {};
    expectations[page]?.({ ...told, added });
    expect(problems(from).filter(isRefusal(page))).toEqual([]);
  });
});

test("after that all adds up, and nothing is dead", async () => {
  expect(await platform()).toMatchObject({ proof: { ok: true, differences: [] } });
  const dead = Object.entries(cloud.queueDepths()).filter(
    ([name, { visible }]) => !cloud.polledQueues.includes(name) && visible > 0,
  );
  expect(dead).toEqual([]);
});

/** An answer, and everything within it that is an object: a page shows single items of lists. */
function partsOf(value: unknown): Answer[] {
  if (Array.isArray(value)) return value.flatMap(partsOf);
  if (typeof value !== "object" || value === null) return [];
  return [value as Answer, ...Object.values(value).flatMap(partsOf)];
}

/** What is left out of an object, however deep, is left out of what is asked. */
function asShown(answer: Answer): ReturnType<typeof expect.objectContaining> {
  const entries = Object.entries(answer).map(([name, value]) => [
    name,
    typeof value === "object" && value !== null && !Array.isArray(value) ? asShown(value) : value,
  ]);
  return expect.objectContaining(Object.fromEntries(entries));
}
