import { execFileSync } from "node:child_process";
import { appendFileSync, createWriteStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Log, openLog } from "../../../cli/import-log/open-log.ts";
import { collect } from "./collect.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "pennyline-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

async function contentOf(log: Log): Promise<string> {
  let seen = 0;
  const content = Buffer.concat(
    await collect(
      log.read((total) => {
        seen = total;
      }),
    ),
  );
  expect(seen).toBe(content.length);
  return content.toString();
}

describe("openLog", () => {
  it("reads the same bytes in both passes, though the log grows", async () => {
    const file = join(folder(), "access.log");
    writeFileSync(file, "one\n");
    const log = await openLog(file, { passes: 2 });
    expect(log.sizeBytes).toBe(4);
    expect(await contentOf(log)).toBe("one\n");
    appendFileSync(file, "two\n");
    expect(await contentOf(log)).toBe("one\n");
  });

  it("reads an empty file", async () => {
    const file = join(folder(), "access.log");
    writeFileSync(file, "");
    expect(await contentOf(await openLog(file, { passes: 1 }))).toBe("");
  });

  it("reads a pipe twice when that was asked for", async () => {
    const pipe = join(folder(), "pipe");
    execFileSync("mkfifo", [pipe]);
    createWriteStream(pipe).end("one\ntwo\n");
    const log = await openLog(pipe, { passes: 2 });
    expect(await contentOf(log)).toBe("one\ntwo\n");
    expect(await contentOf(log)).toBe("one\ntwo\n");
    await log.close();
  });

  it("says which file it cannot read", async () => {
    await expect(openLog(join(folder(), "none.log"), { passes: 1 })).rejects.toThrow(
      /cannot read .*none\.log: ENOENT/,
    );
    await expect(openLog(folder(), { passes: 1 })).rejects.toThrow("is a folder");
  });
});
