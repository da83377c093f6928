import { limits } from "../contracts/limits.ts";
import type { PartedFile, PartedFiles } from "../files/parted-files.ts";
import type { JobFile, JobOutcome, JobProgress } from "../jobs/job.ts";
import type { JobRun } from "../jobs/run-job.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";
import { writeRows } from "./export-rows.ts";
import type { ExportPayload, ExportSource } from "./export-source.ts";

export interface ExportDeps {
  /** A creator's own, and all of the publisher's. */
  readonly sources: { readonly creator: ExportSource; readonly publisher: ExportSource };
  readonly files: PartedFiles;
  /** One gzip member: put one after the other they are a gzip file. */
  readonly gzip: (text: string) => Promise<Uint8Array>;
  readonly clock: Clock;
  /** How large a part is at least, but for the last. */
  readonly partBytes: number;
}

type Run = JobRun<ExportPayload>;

/** What is in the file so far, and where the next part goes on. */
type Kept = Readonly<{
  uploadId: string;
  tags: readonly string[];
  bytes: number;
  rows: number;
  cursor?: string;
}>;

interface Part {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** None: it is the last. */
  readonly cursor: string | undefined;
  readonly percent: number;
}

/**
 * Writes engagements into a file, in parts that are durable together with the place at which the next
 * one begins: killed anywhere, the next attempt goes on there, and no row is in it twice. Memory
 * holds one part, whatever there is to export.
 */
export async function exportEngagements(deps: ExportDeps, run: Run): Promise<JobOutcome> {
  const key = `exports/${run.jobId}.${run.payload.format}.gz`;
  let kept = run.checkpoint as Kept | undefined;
  let wrote = false;
  for (let beginnings = 0; ; ) {
    if (!kept) {
      beginnings += 1;
      // Once is bad luck: another attempt of the same job, which should have stopped, was faster.
      if (beginnings > 2) throw new Error("the file was taken away twice");
      kept = await begin(deps, run, key);
    }
    const part = await nextPart(deps, run, kept);
    if (!part) {
      if (!wrote) throw new Error("no time to write a single part; it is tried again");
      return { kind: "unfinished", message: messageOf(kept.rows) };
    }
    const file = { key, uploadId: kept.uploadId };
    const next = await put(deps, file, kept, part);
    if (next && part.cursor === undefined) {
      if ((await deps.files.complete(file, next.tags)) === "completed") {
        return { kind: "succeeded", ...resultOf(run, key, next) };
      }
      kept = undefined;
    } else {
      if (next) await run.report(progressOf(part.percent, next.rows), next);
      kept = next;
      wrote = true;
    }
  }
}

async function begin({ files }: ExportDeps, run: Run, key: string): Promise<Kept> {
  const { uploadId } = await files.begin(key, "application/gzip");
  const kept: Kept = { uploadId, tags: [], bytes: 0, rows: 0 };
  await run.report(progressOf(0, 0), kept);
  return kept;
}

/** As many pages as fill a part; undefined when time is over before that. */
async function nextPart(deps: ExportDeps, run: Run, kept: Kept): Promise<Part | undefined> {
  const { payload } = run;
  const source = payload.creatorId === undefined ? deps.sources.publisher : deps.sources.creator;
  const members: Uint8Array[] = [];
  let { cursor, rows } = kept;
  let bytes = 0;
  for (;;) {
    if (deps.clock.nowMs() >= run.deadlineMs) return undefined;
    const page = await source.page(payload, cursor);
    const isFirst = cursor === undefined;
    const text = writeRows(payload.format, source.columns, page.rows, { isFirst });
    const isLast = page.cursor === undefined;
    // An empty file is a gzip file, too.
    if (text !== "" || (isLast && kept.bytes + bytes === 0)) {
      const member = await deps.gzip(text);
      members.push(member);
      bytes += member.length;
    }
    rows += page.rows.length;
    cursor = page.cursor;
    if (isLast || bytes >= deps.partBytes) {
      return { bytes: joined(members, bytes), rows, cursor, percent: page.percent };
    }
    await run.report(progressOf(page.percent, rows));
  }
}

async function put(
  { files }: ExportDeps,
  file: PartedFile,
  { tags, bytes }: Kept,
  part: Part,
): Promise<Kept | undefined> {
  if (tags.length >= limits.maxFileParts) {
    throw problems.tooLarge("This is more than one file can hold; ask for fewer days.");
  }
  const { cursor, rows } = part;
  // The last part may be empty of rows, when the one before ended just there.
  const isEmpty = part.bytes.length === 0;
  const tag = isEmpty ? undefined : await files.put(file, tags.length + 1, part.bytes);
  if (!isEmpty && tag === undefined) return undefined;
  return {
    uploadId: file.uploadId,
    tags: tag === undefined ? tags : [...tags, tag],
    bytes: bytes + part.bytes.length,
    rows,
    ...(cursor !== undefined && { cursor }),
  };
}

function joined(members: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const member of members) {
    all.set(member, at);
    at += member.length;
  }
  return all;
}

function resultOf({ payload }: Run, key: string, { bytes, rows }: Kept) {
  const { creatorId, from, to, format } = payload;
  const whose = creatorId === undefined ? "" : `-${creatorId}`;
  const file: JobFile = {
    ...{ name: format, key, bytes, contentType: "application/gzip" },
    fileName: `engagements${whose}-${from}-${to}.${format}.gz`,
  };
  return {
    result: { rows, from, to, format, ...(creatorId !== undefined && { creatorId }) },
    files: [file],
    message: messageOf(rows),
    counts: { rows },
  };
}

const messageOf = (rows: number) => `${rows} ${rows === 1 ? "row" : "rows"}`;
const progressOf = (percent: number, rows: number): JobProgress => ({
  ...{ percent, message: messageOf(rows), counts: { rows } },
});
