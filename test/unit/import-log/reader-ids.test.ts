import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { readerIds, readerKeyAt } from "../../../cli/import-log/reader-ids.ts";
import { readerIdSchema } from "../../../core/contracts/ids.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "pennyline-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe("readerIds", () => {
  it("tells readers apart by address and user agent, and keys apart", () => {
    const pair = fc.tuple(fc.string(), fc.string());
    const [idOf, otherIdOf] = [readerIds("key one"), readerIds("key two")];
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        expect(idOf(...a) === idOf(...b)).toBe(a[0] === b[0] && a[1] === b[1]);
        expect(idOf(...a)).not.toBe(otherIdOf(...a));
        readerIdSchema.parse(idOf(...a));
      }),
    );
  });
});

describe("readerKeyAt", () => {
  it("makes a key for this user alone, and finds it again", async () => {
    const file = join(folder(), "new", "reader.key");
    const [first, second] = await Promise.all([readerKeyAt(file), readerKeyAt(file)]);
    expect(first).toHaveLength(32);
    expect(second).toEqual(first);
    expect(await readerKeyAt(file)).toEqual(first);
    expect(statSync(file).mode & 0o077).toBe(0);
    expect(readdirSync(join(file, ".."))).toHaveLength(1);
  });

  it("does not use half a key", async () => {
    const file = join(folder(), "reader.key");
    writeFileSync(file, "short\n");
    await expect(readerKeyAt(file)).rejects.toThrow("no reader key");
  });
});
