import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeLogged, type RawLine, readLines } from "../../../cli/import-log/read-lines.ts";
import { collect } from "./collect.ts";

async function linesOf(chunks: readonly Buffer[], limitBytes?: number): Promise<RawLine[]> {
  async function* input() {
    yield* chunks;
  }
  return await collect(readLines(input(), limitBytes));
}

const texts = (lines: readonly RawLine[]) =>
  lines.map((line) => ("text" in line ? line.text : line));

/** The same bytes, cut anywhere. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(from, from + size));
    from += size;
  }
  return [...chunks, bytes.subarray(from)];
}

describe("readLines", () => {
  it("numbers lines, leaves empty ones out, needs no end of the last", async () => {
    const lines = await linesOf([Buffer.from("one\r\n\n\r\nfour\nfive")]);
    expect(lines).toEqual([
      { number: 1, text: "one" },
      { number: 4, text: "four" },
      { number: 5, text: "five" },
    ]);
  });

  it("finds nothing in nothing", async () => {
    expect(await linesOf([])).toEqual([]);
    expect(await linesOf([Buffer.alloc(0)])).toEqual([]);
    expect(await linesOf([gzipSync("")])).toEqual([]);
  });

  it("gives the same lines however the bytes are cut, gzipped or not", async () => {
    const line = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n]/.test(text));
    const sizes = fc.array(fc.nat(20));
    await fc.assert(
      fc.asyncProperty(fc.array(line), sizes, fc.boolean(), async (lines, where, gzipped) => {
        const plain = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        const chunks = cut(gzipped ? gzipSync(plain) : plain, where);
        expect(texts(await linesOf(chunks))).toEqual(lines.filter((text) => text !== ""));
      }),
    );
  });

  it("reads gzip files that were appended to each other", async () => {
    const both = Buffer.concat([gzipSync("one\n"), gzipSync("two\n")]);
    expect(texts(await linesOf([both]))).toEqual(["one", "two"]);
  });

  it("reports a line over the limit and goes on behind it", async () => {
    const bytes = Buffer.from(`short\n${"x".repeat(50)}\n${"y".repeat(10)}\n`);
    for (const size of [1, 7, 100]) {
      const sizes = Array.from({ length: bytes.length / size }, () => size);
      expect(await linesOf(cut(bytes, sizes), 10)).toEqual([
        { number: 1, text: "short" },
        { number: 2, broken: "longer than 10 bytes", fatal: false },
        { number: 3, text: "y".repeat(10) },
      ]);
    }
  });

  it("keeps what came before gzip data broke off", async () => {
    const noise = Array.from({ length: 3_000 }, (_, index) => `${index * 7919}`).join("\n");
    const whole = gzipSync(`first\n${noise}`);
    const lines = await linesOf([whole.subarray(0, whole.length / 2)]);
    expect(lines[0]).toEqual({ number: 1, text: "first" });
    expect(lines.at(-1)).toMatchObject({ fatal: true, broken: expect.stringContaining("gzip") });
  });

  it("passes on an error of the input", async () => {
    async function* input() {
      yield gzipSync("one\n").subarray(0, 12);
      throw new Error("disk on fire");
    }
    await expect(collect(readLines(input()))).rejects.toThrow("disk on fire");
  });
});

describe("decodeLogged", () => {
  it("keeps UTF-8 and spells out the bytes that are none", () => {
    expect(decodeLogged(Buffer.from("GET /café 😀"))).toBe("GET /café 😀");
    expect(decodeLogged(Buffer.from("/caf\xe9 ", "latin1"))).toBe("/caf\\xe9 ");
    const mixed = Buffer.concat([Buffer.from("/café "), Buffer.from([0xff, 0xed, 0xa0, 0x80])]);
    expect(decodeLogged(mixed)).toBe("/café \\xff\\xed\\xa0\\x80");
  });

  it("tells different bytes apart, and is always well-formed", () => {
    // Bytes that spell an escape themselves aside.
    const bytes = fc.uint8Array({ maxLength: 8 }).filter((all) => !all.includes(0x5c));
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [textA, textB] = [decodeLogged(Buffer.from(a)), decodeLogged(Buffer.from(b))];
        expect(textA.isWellFormed()).toBe(true);
        expect(textA === textB).toBe(Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
  });
});
