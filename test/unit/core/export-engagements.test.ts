import fc from "fast-check";
import { expect, test } from "vitest";
import { type ExportDeps, exportEngagements } from "../../../core/exports/export-engagements.ts";
import type { ExportRow } from "../../../core/exports/export-rows.ts";
import type { ExportPayload, ExportSource } from "../../../core/exports/export-source.ts";
import type { PartedFiles } from "../../../core/files/parted-files.ts";
import type { JobOutcome, JsonObject } from "../../../core/jobs/job.ts";

const utf8 = new TextEncoder();
const columns = [{ name: "id", exact: true }];

/** Pages of so many rows each; the cursor is the number of the next one. */
function sourceOf(sizes: readonly number[]): ExportSource & { readonly rows: ExportRow[] } {
  let id = 0;
  const pages = sizes.map((size) => Array.from({ length: size }, () => ({ id: String(id++) })));
  return {
    columns,
    rows: pages.flat(),
    async page(_payload, cursor = "0") {
      const at = Number(cursor);
      const isLast = at + 1 >= pages.length;
      return { rows: pages[at] ?? [], cursor: isLast ? undefined : String(at + 1), percent: 0 };
    },
  };
}

/** Uploads in memory, each call of which may strike. */
function memoryFiles(strike: () => void): PartedFiles & { readonly whole: Map<string, string> } {
  const uploads = new Map<string, Map<number, string>>();
  const whole = new Map<string, string>();
  let begun = 0;
  return {
    whole,
    async begin(key) {
      strike();
      begun += 1;
      uploads.set(`upload-${begun}`, new Map());
      return { key, uploadId: `upload-${begun}` };
    },
    async put({ uploadId }, number, bytes) {
      strike();
      const parts = uploads.get(uploadId);
      parts?.set(number, new TextDecoder().decode(bytes));
      strike();
      return parts && `tag-${number}`;
    },
    async complete({ key, uploadId }, tags) {
      strike();
      const parts = uploads.get(uploadId);
      if (!parts) return "gone";
      const ordered = tags.map((tag) => parts.get(Number(tag.slice(4))) ?? expect.unreachable(tag));
      whole.set(key, ordered.join(""));
      uploads.delete(uploadId);
      strike();
      return "completed";
    },
  };
}

class Killed extends Error {}

interface Scenario {
  readonly sizes: readonly number[];
  readonly partBytes: number;
  /** Calls that are the last of their attempt. */
  readonly kills: readonly number[];
  /** Milliseconds until an attempt's time is over; each call takes one. */
  readonly timeMs: number;
}

/** Attempts until the job ends, each from what the one before reported. */
async function runToEnd({ sizes, partBytes, kills, timeMs }: Scenario) {
  let nowMs = 0;
  let calls = 0;
  const strike = () => {
    nowMs += 1;
    calls += 1;
    if (kills.includes(calls)) throw new Killed();
  };
  const source = sourceOf(sizes);
  const files = memoryFiles(strike);
  const deps: ExportDeps = {
    ...{ sources: { creator: source, publisher: source }, files, partBytes },
    gzip: async (text) => utf8.encode(text),
    clock: { nowMs: () => nowMs },
  };
  const payload: ExportPayload = { from: "2026-01-01", to: "2026-01-02", format: "csv" };
  let checkpoint: JsonObject | undefined;
  let outcome: JobOutcome = { kind: "unfinished" };
  // Whoever is out of time with nothing done has more of it in real life; here, the next time.
  for (let attempt = 1; outcome.kind === "unfinished" && attempt < 500; attempt += 1) {
    try {
      outcome = await exportEngagements(deps, {
        ...{ jobId: "j", type: "export.engagements", owner: "publisher", payload, checkpoint },
        ...{ attempt, acceptedAtMs: 0, trace: { traceId: "", traceparent: "" } },
        ...{ signal: new AbortController().signal, deadlineMs: nowMs + timeMs + attempt },
        async report(_progress, next) {
          strike();
          if (next) checkpoint = JSON.parse(JSON.stringify(next));
        },
      });
    } catch (error) {
      const isTime = error instanceof Error && error.message.startsWith("no time");
      if (!(error instanceof Killed) && !isTime) throw error;
    }
  }
  return { outcome, text: files.whole.get("exports/j.csv.gz"), rows: source.rows };
}

test("Q7: killed anywhere and out of time, the file has each row once, in order", async () => {
  const scenarios = fc.record({
    sizes: fc.array(fc.nat(6), { minLength: 1, maxLength: 12 }),
    partBytes: fc.integer({ min: 1, max: 40 }),
    kills: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 8 }),
    timeMs: fc.integer({ min: 1, max: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(scenarios, async (scenario) => {
      const { outcome, text, rows } = await runToEnd(scenario);
      const lines = ["id", ...rows.map(({ id }) => String(id))].map((line) => `${line}\r\n`);
      expect(text).toBe(lines.join(""));
      expect(outcome).toMatchObject({
        ...{ kind: "succeeded", result: { rows: rows.length } },
        files: [{ bytes: utf8.encode(text).length }],
      });
    }),
    { numRuns: 500 },
  );
});
