import { createReadStream } from "node:fs";
import { type FileHandle, mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Unanswered } from "../program/unanswered.ts";

/** A log that can be read as often as `passes` asked for. */
export interface Log {
  /** Bytes as stored, compressed or not; undefined when that is not known before the end. */
  readonly sizeBytes: number | undefined;
  /** @param onBytes told how many bytes were read so far in this pass. */
  read(onBytes: (total: number) => void): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/**
 * Opens a file, or standard input for `-`. What cannot be read twice (a pipe) is kept in a
 * temporary file when two passes are needed, never in memory.
 * @throws Unanswered when there is no such file.
 */
export async function openLog(file: string, { passes }: { passes: 1 | 2 }): Promise<Log> {
  if (file === "-") return await openPipe(process.stdin, passes);
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw new Unanswered(`cannot read ${file}: ${cause.code ?? cause.message}`, { cause });
  });
  if (found.isDirectory()) throw new Unanswered(`${file} is a folder; name a log file`);
  if (!found.isFile()) return await openPipe(createReadStream(file), passes);
  return fileLog(file, found.size);
}

function fileLog(file: string, sizeBytes: number): Log {
  // The size is taken once: a server may still write to its log, and both passes must agree.
  const range = { start: 0, end: sizeBytes - 1 };
  return {
    sizeBytes,
    read: (onBytes) =>
      metered(sizeBytes === 0 ? Readable.from([]) : createReadStream(file, range), onBytes),
    close: async () => {},
  };
}

async function openPipe(pipe: NodeJS.ReadableStream, passes: 1 | 2): Promise<Log> {
  if (passes === 2) return await spool(pipe);
  const read: Log["read"] = (onBytes) => metered(pipe as AsyncIterable<Buffer>, onBytes);
  return { sizeBytes: undefined, read, close: async () => {} };
}

/** The file has no name from the start: a log tells readers' addresses, and a kill cleans nothing. */
async function spool(pipe: NodeJS.ReadableStream): Promise<Log> {
  const folder = await mkdtemp(join(tmpdir(), "pennyline-import-"));
  const handle = await open(join(folder, "log"), "wx+", 0o600);
  try {
    await rm(folder, { recursive: true });
    let sizeBytes = 0;
    for await (const chunk of pipe as AsyncIterable<Buffer>) {
      await handle.appendFile(chunk);
      sizeBytes += chunk.length;
    }
    return {
      sizeBytes,
      read: (onBytes) => metered(chunksOf(handle, sizeBytes), onBytes),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

const chunkBytes = 65_536;

async function* chunksOf(handle: FileHandle, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < sizeBytes; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(chunkBytes), 0, chunkBytes, from);
    if (bytesRead === 0) return;
    from += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* metered(
  input: AsyncIterable<Buffer>,
  onBytes: (total: number) => void,
): AsyncGenerator<Buffer> {
  let total = 0;
  for await (const chunk of input) {
    total += chunk.length;
    onBytes(total);
    yield chunk;
  }
}
