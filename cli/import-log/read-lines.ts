import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

export type RawLine =
  | { readonly number: number; readonly text: string }
  /** A line that cannot be read, or the place where the input breaks off (`fatal`). */
  | { readonly number: number; readonly broken: string; readonly fatal: boolean };

/** Servers cap a request line at 8 KB and each header too; three escaped ones fit with ease. */
export const maxLineBytes = 262_144;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Lines of a log as they stream by, plain or gzip (by its magic bytes), numbered from 1. LF and
 * CRLF both end a line, the last may lack its end, empty ones are left out. Memory is bounded: a
 * line over the limit is reported and its bytes dropped.
 */
export async function* readLines(
  input: AsyncIterable<Buffer>,
  limitBytes = maxLineBytes,
): AsyncGenerator<RawLine> {
  let number = 1;
  let parts: Buffer[] = [];
  let length = 0;
  const take = (): RawLine | undefined => {
    const tooLong = length > limitBytes;
    const bytes = trimEnd(Buffer.concat(parts));
    [parts, length] = [[], 0];
    const current = number;
    number += 1;
    if (tooLong) {
      return { number: current, broken: `longer than ${limitBytes} bytes`, fatal: false };
    }
    return bytes.length === 0 ? undefined : { number: current, text: decodeLogged(bytes) };
  };
  const add = (bytes: Buffer) => {
    length += bytes.length;
    if (length <= limitBytes) parts.push(bytes);
    else parts = [];
  };
  try {
    for await (const chunk of gunzipped(input)) {
      let from = 0;
      for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
        add(chunk.subarray(from, end));
        from = end + 1;
        const line = take();
        if (line) yield line;
      }
      // A view would keep the whole chunk alive; a copy keeps the rest of one line.
      if (from < chunk.length) add(Buffer.from(chunk.subarray(from)));
    }
  } catch (error) {
    if (!isZlibError(error)) throw error;
    yield { number, broken: `gzip data is damaged from here on (${error.code})`, fatal: true };
    return;
  }
  const last = length > 0 ? take() : undefined;
  if (last) yield last;
}

function trimEnd(bytes: Buffer): Buffer {
  return bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes;
}

function isZlibError(error: unknown): error is Error & { code: string } {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^Z_|^ERR_.*_DECOMPRESSION|^ERR_TRAILING_JUNK/.test(code);
}

async function* gunzipped(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = input[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < 2) {
    const next = await chunks.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  async function* whole() {
    yield start;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  }
  if (start[0] !== 0x1f || start[1] !== 0x8b) {
    yield* whole();
    return;
  }
  // Errors of the input are passed on to the consumer of the pipe.
  const source = Readable.from(whole());
  const gunzip = createGunzip();
  source.once("error", (error) => gunzip.destroy(error));
  yield* source.pipe(gunzip);
}

// Well-formed UTF-8 of two to four bytes, seen as Latin-1 characters; or a stray byte.
const sequences =
  /([\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})|[\x80-\xff]/g;

/** UTF-8; a byte that is not is written `\xhh` as Apache would, so that nothing is confused. */
export function decodeLogged(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  const escaped = bytes
    .toString("latin1")
    .replace(sequences, (byte, valid?: string) => valid ?? `\\x${byte.charCodeAt(0).toString(16)}`);
  return Buffer.from(escaped, "latin1").toString("utf8");
}
