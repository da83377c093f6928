import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import { filePrefixes } from "../contracts/storage.ts";
import type { FileStore } from "../files/file-store.ts";
import type { JobFile, JobOutcome } from "../jobs/job.ts";
import type { Admission } from "../jobs/request-job.ts";
import type { JobRun } from "../jobs/run-job.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import {
  readStatement,
  requireBegun,
  type Statement,
  type StatementSource,
} from "../ledger/read-statement.ts";
import type { ArticleStore } from "../registry/article.ts";
import type { CreatorStore } from "../registry/creator.ts";
import { inGroups } from "../values/group-by.ts";
import type { Clock } from "../values/time.ts";
import { RowGatherer } from "./gather-rows.ts";
import { csvBalance, csvEntry, csvHeader } from "./statement-csv.ts";
import {
  type StatementDocument,
  type StatementIssuer,
  statementDocument,
} from "./statement-document.ts";

export interface StatementRequest {
  readonly creatorId: CreatorId;
  readonly month: string;
}

export interface EntrySource {
  /** In order, both included; strongly consistent. */
  entriesBetween(creatorId: CreatorId, first: number, last: number): AsyncIterable<LedgerEntry>;
}

export interface RenderDeps {
  readonly ledger: StatementSource & EntrySource;
  readonly creators: Pick<CreatorStore, "getMany">;
  readonly articles: Pick<ArticleStore, "getMany">;
  readonly files: Pick<FileStore, "put">;
  readonly clock: Clock;
  readonly currency: string;
  readonly issuer: StatementIssuer;
  readonly holdDays: number;
  /** As a PDF. */
  readonly draw: (document: StatementDocument) => Promise<Uint8Array>;
}

const entriesAtOnce = 100;
const pdfType = "application/pdf";
const csvType = "text/csv; charset=utf-8; header=present";

/** Refuses a month to come before a job of it is accepted. */
export function admitStatement(clock: Clock): Admission {
  return async (payload) => {
    requireBegun(String(payload.month), clock.nowMs());
    return payload;
  };
}

/**
 * A month's statement as a PDF to read and as a CSV file to check it with. The same ledger makes the
 * same files, so that an attempt which comes again replaces what an earlier one left.
 * @throws Problem 400 for a month that has not begun.
 */
export async function renderStatement(
  deps: RenderDeps,
  { jobId, payload, report }: JobRun<StatementRequest>,
): Promise<JobOutcome> {
  const { creatorId, month } = payload;
  const statement = await readStatement(deps, creatorId, month);
  const gathered = await gather(deps, statement, (read) =>
    report({
      percent: (80 * read) / Math.max(1, statement.entries.count),
      message: `Read ${read} of ${statement.entries.count} entries`,
    }),
  );
  const creator = (await deps.creators.getMany([creatorId])).get(creatorId);
  const { issuer, holdDays } = deps;
  const document = statementDocument({
    ...{ statement, issuer, holdDays, creatorName: creator?.name },
    ...gathered,
  });
  await report({ percent: 80, message: "Setting the pages" });
  const pdf = await deps.draw(document);
  const key = `${filePrefixes.statements}${jobId}/${month}`;
  const file = async (name: "pdf" | "csv", body: Uint8Array, contentType: string) => {
    await deps.files.put(`${key}.${name}`, body, contentType);
    return {
      ...{ name, key: `${key}.${name}`, contentType, bytes: body.length },
      fileName: `statement-${month}.${name}`,
    } satisfies JobFile;
  };
  const files = [await file("pdf", pdf, pdfType), await file("csv", gathered.csv, csvType)];
  const { closed, entries, closing } = statement;
  return {
    kind: "succeeded",
    result: { creatorId, month, closed, entries: entries.count, closing },
    files,
    message: "The statement is ready",
  };
}

async function gather(
  deps: RenderDeps,
  statement: Statement,
  onRead: (count: number) => Promise<void>,
) {
  const { creatorId, entries } = statement;
  const gatherer = new RowGatherer(limits.maxStatementRows);
  const titles = new Map<ArticleId, string>();
  const csv = [csvHeader, csvBalance(statement, "opening")];
  let lastBookedAtMs: number | undefined;
  let read = 0;
  if (entries.first !== undefined && entries.last !== undefined) {
    const all = deps.ledger.entriesBetween(creatorId, entries.first, entries.last);
    for await (const part of inGroups(all, entriesAtOnce)) {
      await readTitles(deps, part, titles);
      for (const entry of part) {
        csv.push(csvEntry(entry, titles));
        gatherer.add(entry);
      }
      lastBookedAtMs = part.at(-1)?.bookedAtMs;
      read += part.length;
      await onRead(read);
    }
  }
  csv.push(csvBalance(statement, "closing"));
  const text = new TextEncoder().encode(csv.join(""));
  return { ...gatherer.gathered(), titles, lastBookedAtMs, csv: text };
}

async function readTitles(
  { articles }: RenderDeps,
  entries: readonly LedgerEntry[],
  titles: Map<ArticleId, string>,
): Promise<void> {
  const named = entries.flatMap(({ lines }) => lines.map(({ articleId }) => articleId));
  const unknown = [...new Set(named)].filter((articleId) => !titles.has(articleId));
  if (unknown.length === 0) return;
  const found = await articles.getMany(unknown);
  // One that is not registered goes by its id, and is not looked up again.
  for (const articleId of unknown) titles.set(articleId, found.get(articleId)?.title ?? articleId);
}
