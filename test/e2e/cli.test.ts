import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { commands } from "../../cli/commands.ts";
import { freePort } from "../../local/free-port.ts";
import { acceptedEvent } from "./support/accepted-event.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { repository } from "./support/program.ts";
import { runPennyline } from "./support/run-pennyline.ts";

const local = (name: string) => `pennyline-local-${name}`;
const patiently = { timeout: 90_000, interval: 250 };
const traceId = "a".repeat(32);
const bin = join(repository, "cli/pennyline.ts");

let cloud: TestCloud;
let api: ApiClient;
let port: string;
let failing: NodeJS.Timeout;
/** Everything runs as deployed, and a minute lasts two seconds. */
beforeAll(async () => {
  cloud = await startTestCloud({ schedules: true, minuteMs: 2_000 });
  api = await apiClient(cloud);
  port = new URL(cloud.url).port;
  await api.putArticle("poisoned", "ada");
  // What fails is tried again at once.
  failing = setInterval(() => cloud.returnFailed(local("count-engagements")), 100);
});
afterAll(async () => {
  clearInterval(failing);
  await stopTestCloud(cloud);
});

/** Asks the copy that runs here. */
const pennyline = (...args: string[]) =>
  runPennyline([...args, "--data-dir", cloud.dataDir.path], { port });
async function answered(code: number, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await pennyline(...args);
  expect([exitCode, exitCode === 2 ? stdout : ""], stdout + stderr).toEqual([code, ""]);
  return exitCode === 2 ? stderr : stdout;
}
const json = async (code: number, ...args: string[]) =>
  JSON.parse(await answered(code, ...args, "--json"));
/** Asks until it is answered so. */
async function when(code: number, ...args: string[]): Promise<string> {
  let page = "";
  const ask = async () => {
    const { exitCode, stdout } = await pennyline(...args);
    page = stdout;
    return exitCode;
  };
  await expect.poll(ask, patiently).toBe(code);
  return page;
}

/** Settled meanwhile, or not yet. */
async function earned(creatorId: string): Promise<bigint> {
  const { pendingMicros, settledMicros } = await api.balance(creatorId);
  return BigInt(pendingMicros) + BigInt(settledMicros);
}

describe("an operator", () => {
  test("sees that all is well, in words and for programs", async () => {
    // What the start of a copy sets off, or a machine that is busy, is over by itself.
    const status = await when(0, "status", "--proof", "--json");
    const { ok, alarms, queues, proof } = JSON.parse(status);
    expect([ok, alarms.items, proof.ok]).toEqual([true, [], true]);
    expect(queues.items.length).toBeGreaterThan(10);
    expect(await when(0, "alarms")).toBe("None.\n");
    expect(await when(0, "status")).toMatch(/^All is well: of \d+ alarms none rings/);
    expect(await answered(0, "dead-letters")).toBe("None.\n");
    expect(await answered(0, "queues")).toMatch(/^queue +waiting .*\n(.*\n)*count-engagements +0/);
  });

  test("Q4: sees poison: what rings and what it means, and why messages died", async () => {
    const queue = cloud.queues.get(local("count-engagements"));
    queue.send(acceptedEvent("poisoned", 99, traceId));
    queue.send("{not json");
    queue.send("neither is this");
    const alarms = async () => (await pennyline("alarms")).stdout;
    await expect.poll(alarms, patiently).toMatch(/^count-engagements-dead-letters: rings, for/m);
    const open = async () => (await json(0, "dead-letters", "list")).items.length;
    await expect.poll(open, patiently).toBe(3);
    const page = await answered(1, "status");
    expect(page).toMatch(/^Not well: (an alarm rings|\d alarms ring), 3 dead letters are open/);
    expect(page).toMatch(/\ncount-engagements-dead-letters: rings, for \d+ (s|min)\n/);
    expect(page).toContain("  docs/runbook.md#count-engagements-dead-letters\n");
    expect(page).toMatch(/\ncount-engagements .* 3\n/);

    const groups = (await answered(0, "dead-letters")).split("\n");
    expect(groups[1]).toMatch(/^[0-9a-f]{16} +2 .*dead-letters: UnreadableEvent: it is not JSON$/);
    expect(groups[2]).toMatch(/^[0-9a-f]{16} +1 .*schemaVersion #: Invalid input: expected #$/);
    expect(await answered(1, "trace", traceId)).toContain("FAILED (UnreadableEvent)");
  });

  test("Q4: edits what is wrong, redrives it and sees it succeed", async () => {
    const { items } = await json(0, "dead-letters");
    const [, { newest }] = items;
    const id: string = newest.letterId;
    const shown = await answered(0, "dead-letters", "show", id);
    expect(shown).toContain("count-engagements-dead-letters, of count-engagements");
    expect(shown).not.toContain("a-reader");
    const body = JSON.parse(await answered(0, "dead-letters", "show", id, "--body"));

    const edit = (changed: unknown) =>
      runPennyline(
        [
          ...["dead-letters", "edit", id, "--body-file", "-", "--note", "too early"],
          ...["--data-dir", cloud.dataDir.path],
        ],
        { port, input: JSON.stringify(changed) },
      );
    const wrong = await edit({ some: "thing" });
    expect([wrong.exitCode, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toContain("its detail-type must be EngagementsAccepted");
    const right = await edit({ ...body, detail: { ...body.detail, schemaVersion: 2 } });
    expect([right.exitCode, right.stderr]).toEqual([0, ""]);
    expect(right.stdout).toContain(`npx pennyline redrive ${id}`);

    const redriven = await answered(0, "redrive", id, "--note", "mended", "--wait");
    expect(redriven).toMatch(new RegExp(`^letter .*\n${id}  succeeded\n`));
    expect(await earned("ada")).toBe(1_000n);
    const history = await answered(0, "dead-letters", "show", id);
    expect(history).toMatch(/edited .*"too early"\n.*redriven .*"mended"\n.*succeeded/);
    // It is done.
    expect(await answered(1, "redrive", id, "--note", "again")).toContain("not redrivable");
    const refused = await edit(body);
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringContaining("It was seen to"),
    ]);
  });

  test("Q11: is told what failed again, and discards it; then all is well", async () => {
    const [{ cause }] = (await json(0, "dead-letters")).items;
    const args = ["redrive", "--cause", cause, "--rate", "50", "--note", "is it?"];
    const { redrives, refused } = await json(1, ...args, "--wait");
    expect([redrives[0].counts, refused]).toEqual([{ "failed-again": 2 }, []]);
    const shown = await answered(1, "redrive", "show", redrives[0].redriveId);
    expect(shown.match(/failed again\n/g)).toHaveLength(2);

    // Runs that were missed are no letters to send anywhere.
    cloud.queues.get(local("tend-jobs-missed-runs")).send("{}");
    const missed = async () => (await json(1, "status")).queues.schedules;
    await expect.poll(missed, patiently).toContainEqual({ name: "tend-jobs", deadLettersOpen: 1 });
    const queue = "tend-jobs-missed-runs";
    const none = await answered(1, "redrive", "--all", "--queue", queue, "--note", "run it");
    expect(none).toContain("1 letter: not redrivable.");

    const discard = ["dead-letters", "discard", "--note", "never an event"];
    expect(await answered(0, ...discard, "--cause", cause)).toBe("2 letters discarded.\n");
    expect(await answered(0, ...discard, "--queue", queue)).toBe("1 letter discarded.\n");
    expect(await answered(1, ...discard, "--queue", queue)).toBe("0 letters discarded.\n");
    expect(await answered(0, "redrive", "--all", "--note", "all")).toContain("No such letter");
    const audit = (await json(0, "dead-letters", "audit")).items;
    const actions = audit.map(({ action }: { action: string }) => action);
    expect(actions.slice(-3)).toEqual(["redrive", "redrive", "edit"]);
    await when(0, "status");
  });

  test("watches until it is told to stop", async () => {
    const args = [bin, "status", "--watch", "--data-dir", cloud.dataDir.path];
    const child = spawn(process.execPath, args, { env: { ...process.env, PORT: port } });
    onTestFinished(() => void child.kill("SIGKILL"));
    const [seen] = await once(child.stdout, "data");
    child.kill("SIGINT");
    const [exitCode] = await once(child, "exit");
    // By its own decision, not by the signal.
    expect([0, 1]).toContain(exitCode);
    expect(String(seen)).toMatch(/^(All is|Not) well/);
  });
});

describe("the program", () => {
  const here = (...args: string[]) => runPennyline(args, { port });

  test("tells what it can do, each command in the same three ways", async () => {
    const [none, help, option] = await Promise.all([here(), here("help"), here("--help")]);
    expect([none.exitCode, none.stderr]).toEqual([0, ""]);
    expect([help, option]).toEqual([none, none]);
    for (const name of ["status", "dead-letters", "redrive", "trace", "proof", "import-log"]) {
      expect(none.stdout).toMatch(new RegExp(`^  ${name} `, "m"));
    }
    const [asked, asOption] = await Promise.all([
      here("help", "dead-letters", "discard"),
      here("dead-letters", "discard", "--help"),
    ]);
    expect(asked).toEqual(asOption);
    expect(asked.stdout).toContain("  --note TEXT ");
  });

  test("says which version it is", async () => {
    const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
    expect(await here("--version")).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
    const { stdout } = await here("help", "token");
    expect(stdout).toContain("the scope of the token: creator, publisher or admin");
  });

  test("is found by npx, wherever in the project", async () => {
    const { stdout } = await promisify(execFile)("npx", ["pennyline", "help", "proof"], {
      cwd: join(repository, "docs"),
    });
    expect(stdout).toBe(`${commands.find(({ name }) => name === "proof")?.help}\n`);
  });

  test.each([
    [["prof"], /no command "prof"; did you mean "proof"\?\nTry: npx pennyline help\n/],
    [["dead-letters", "shwo"], /did you mean "dead-letters show"\?\nTry: npx pennyline help dead-/],
    [["help", "everything"], /no command "everything"\n/],
    [["proof", "--jason"], /--jason.*\nTry: npx pennyline help proof\n/s],
    [["proof", "now"], /unexpected argument "now"/],
    [["trace"], /name one id/],
    [["redrive", "--note", "x"], /name letters by their ids/],
    [["redrive", "--all"], /say why/],
    [["redrive", "x", "--all", "--note", "x"], /not both/],
    [["redrive", "--all", "--note", "x", "--rate", "0"], /--rate must be/],
    [["dead-letters", "discard", "--note", "x"], /name letters by their ids/],
    [["dead-letters", "edit", "x", "--note", "x"], /--body-file/],
    [["token", "--role", "reader"], /--role must be creator, publisher or admin\n/],
    [["status", "--data-dir", "no-such-folder"], /no embedded cloud has started in no-such-folder/],
    [["token", "--role", "admin", "--data-dir", "no-such-folder"], /run npm start first/],
  ])("exits with 2 for %j, and says what to do", async (args, message) => {
    const { exitCode, stdout, stderr } = await here(...args);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });

  test("asks a deployed stage, by options or by the environment", async () => {
    const named = await here("queues", "--api", cloud.url, "--token", api.admin);
    expect([named.exitCode, named.stderr]).toEqual([0, ""]);
    const env = { PENNYLINE_API: `${cloud.url}/`, PENNYLINE_TOKEN: api.admin };
    const meant = await runPennyline(["queues"], { port: "1", env });
    expect([meant.exitCode, meant.stderr]).toEqual([0, ""]);
  });

  test("exits with 2 when it may not ask", async () => {
    for (const [token, message] of [
      [api.publisher, /403, the token lacks the scope for it: give one/],
      ["x", /401, the token is not accepted here: give one/],
    ] as const) {
      const { exitCode, stdout, stderr } = await here(
        "status",
        "--api",
        cloud.url,
        "--token",
        token,
      );
      expect([exitCode, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(message);
    }
  });

  test("exits with 2 when nothing is there, or something else", async () => {
    const nowhere = await runPennyline(["status"], { port: String(await freePort()) });
    expect(nowhere.exitCode).toBe(2);
    expect(nowhere.stderr).toMatch(/nothing answers .*run npm start/);

    const other = createServer((_, response) => void response.end("<html>"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const stranger = await here("proof", "--api", url, "--token", "x");
    expect(stranger.exitCode).toBe(2);
    expect(stranger.stderr).toContain("not what this version knows");
    expect(await answered(2, "trace", "0".repeat(32))).toMatch(/404|nothing/);
  });

  test("does not mind who reads no further", async () => {
    const { stdout, stderr } = await promisify(execFile)(
      "bash",
      [
        ...["-c", '"$0" "$@" | head -1', process.execPath, bin],
        ...["alarms", "--state", "any", "--json", "--data-dir", cloud.dataDir.path],
      ],
      { env: { ...process.env, PORT: port } },
    );
    expect([stdout, stderr]).toEqual(["{\n", ""]);
  });

  test("does not take the tokens of another copy", async () => {
    const another = await startTestCloud();
    onTestFinished(() => stopTestCloud(another));
    const { exitCode, stderr } = await here("status", "--data-dir", another.dataDir.path);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("--data-dir of the copy that runs there");
  });

  test("prints tokens and secrets of the copy, and nothing else", async () => {
    const token = (await answered(0, "token", "--role", "creator", "--id", "ada")).trim();
    const answer = await api.call("GET", "/v1/creators/ada/balance", { token });
    expect(answer.status).toBe(200);
    const secret = JSON.parse(await answered(0, "view-token-secret"));
    expect(secret.current).toEqual(expect.any(String));
  });
});
