import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { startTestCloud } from "./support/cloud.ts";
import { repository, startProgram } from "./support/program.ts";

type Start = (port: string) => Promise<() => Promise<void>>;

/** As a newcomer starts it: each port has its own folder. */
const asNewcomersDo: Start = async (port) => {
  const { program } = await startProgram([], port);
  return async () => {
    program.kill("SIGTERM");
    await once(program, "exit");
  };
};

/** The same, but that it settles every second, so that nobody waits for the next minute. */
const settlingAtOnce: Start = async (port) => {
  const dataDir = join(repository, ".pennyline", port);
  const cloud = await startTestCloud({ port: Number(port), dataDir });
  const settling = setInterval(
    () => void cloud.fireSchedule("pennyline-local-settle-earnings"),
    1_000,
  );
  return async () => {
    clearInterval(settling);
    await cloud.stop();
  };
};

/** Without a synthesis of its own. */
const asTestsDo: Start = async (port) => {
  const dataDir = join(repository, ".pennyline", port);
  const cloud = await startTestCloud({ port: Number(port), dataDir });
  return () => cloud.stop();
};

/** What the commands of a page print, run by bash in order against a copy that just started. */
async function walkThrough(page: string, start: Start) {
  const text = readFileSync(join(repository, page), "utf8");
  const walk = [...text.matchAll(/<!-- walk -->\n```sh\n(.*?)```/gs)].map((block) => block[1]);
  const port = String(await freePort());
  // Whatever else a page starts listens elsewhere, too.
  const receiverPort = String(await freePort());
  const commands = walk.join("\n").replaceAll("4500", receiverPort);
  const stop = await start(port);
  try {
    return await promisify(execFile)(
      "bash",
      ["-euo", "pipefail", "-c", commands.replaceAll(":4000", `:${port}`)],
      { cwd: repository, env: { ...process.env, PORT: port } },
    );
  } finally {
    await stop();
    rmSync(join(repository, ".pennyline", port), { recursive: true, force: true });
  }
}

function jsonLines(stdout: string): unknown[] {
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line));
}

/** Each synthesizes the application anew, and starts it. */
const ofWalks = { timeout: 240_000 };

describe("the walks do what they say", ofWalks, () => {
  test("README.md", async () => {
    const { stdout, stderr } = await walkThrough("README.md", asNewcomersDo);
    const answers = jsonLines(stdout) as Record<string, never>[];
    expect(answers, stderr).toHaveLength(9);
    const [article, first, second, third, balance, earnings, ledger, proof, job] = answers;
    expect(article).toMatchObject({ articleId: "chapter-1", creatorId: "ada" });
    for (const answer of [first, second, third]) {
      expect(answer).toEqual({ accepted: 1, rejected: [] });
    }
    const { settledMicros = "", pendingMicros = "" } = balance ?? {};
    expect(BigInt(settledMicros) + BigInt(pendingMicros)).toBe(1_000n);
    expect(earnings?.items).toMatchObject([{ articleId: "chapter-1", views: 1, micros: "1000" }]);
    expect((ledger?.items as unknown[] | undefined)?.length).toBeLessThanOrEqual(1);
    expect(proof).toMatchObject({ ok: true, differences: [] });
    expect(job).toMatchObject({ type: "draft.save", state: "succeeded", result: { revision: 1 } });
  });

  test("docs/webhooks.md", async () => {
    const { stdout, stderr } = await walkThrough("docs/webhooks.md", asTestsDo);
    const [endpoint, ping, message, deliveries] = jsonLines(stdout) as Record<string, never>[];
    expect(endpoint, stderr).toMatchObject({ state: "enabled", events: expect.any(Array) });
    expect(stdout).toContain(`verified, answered 200  /hook  ${ping?.deliveryId}`);
    expect(message).toMatchObject({ type: "ping", data: { endpointId: endpoint?.endpointId } });
    expect(deliveries?.items).toMatchObject([{ deliveryId: ping?.deliveryId, type: "ping" }]);
  });

  test("docs/files.md", async () => {
    const { stdout, stderr } = await walkThrough("docs/files.md", asTestsDo);
    const [cover] = jsonLines(stdout) as Record<string, never>[];
    expect(cover, stderr).toMatchObject({ state: "succeeded", files: { length: 12 } });
    expect(stdout).toContain("%PDF-1.7");
  });

  test("docs/notifications.md", async () => {
    const { stdout, stderr } = await walkThrough("docs/notifications.md", asTestsDo);
    const answers = jsonLines(stdout) as Record<string, never>[];
    const job = answers.find(({ jobId }) => jobId !== undefined);
    expect(job, stdout + stderr).toMatchObject({
      ...{ state: "succeeded", result: { "email.sent": 1, "inbox.sent": 1 } },
    });
    const title = "Chapter 1";
    expect(answers.at(-1)).toMatchObject({ readerId: "reader-7", items: [{ title }] });
    expect(stdout).toContain('"grace@example.com"');
    expect(stdout).toContain("Ada Lovelace published something new");
  });

  test("docs/earnings.md: each answer that it shows was given", async () => {
    const { stdout, stderr } = await walkThrough("docs/earnings.md", settlingAtOnce);
    const text = readFileSync(join(repository, "docs/earnings.md"), "utf8");
    const month = new Date().toISOString().slice(0, 7);
    const shown = [...text.matchAll(/<!-- answer -->\n```json\n(.*?)```/gs)].map((block) =>
      JSON.parse((block[1] ?? "").replace("MONTH", month)),
    );
    expect(shown.length).toBeGreaterThan(5);
    const given = jsonLines(stdout).flatMap(partsOf);
    for (const answer of shown) {
      const found = given.some((part) =>
        expect.objectContaining(deep(answer)).asymmetricMatch(part),
      );
      expect(found, `${JSON.stringify(answer)} is not among\n${stdout}\n${stderr}`).toBe(true);
    }
    expect(stdout).toContain("ada.0000000004,ada,14.33,USD");
    expect(stdout).toContain("Everything adds up.");
  });
});

/** An answer, and everything within it that is an object: a page shows single items of lists. */
function partsOf(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap(partsOf);
  if (typeof value !== "object" || value === null) return [];
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(partsOf)];
}

/** What is left out of an object, however deep, is left out of what is asked. */
function deep(answer: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(answer).map(([name, value]) => [
    name,
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? expect.objectContaining(deep(value as Record<string, unknown>))
      : value,
  ]);
  return Object.fromEntries(entries);
}
