import { type ArticleId, canaryArticleId } from "../contracts/ids.ts";
import type { Credit } from "../earnings/count-once.ts";
import { type ImpressionKey, readerDayIn, readerHashIn } from "../earnings/impression-key.ts";
import { parseLineKey } from "../earnings/line.ts";
import { sumMicros } from "../values/micros.ts";
import type { DayRange, UtcDay } from "../values/time.ts";
import type { ExportRow } from "./export-rows.ts";
import type { ExportSource } from "./export-source.ts";

/** An engagement as its impression key remembers it. */
export interface Recorded {
  readonly key: ImpressionKey;
  readonly articleId: ArticleId;
  readonly kind: string;
  readonly occurredAtMs: number;
  readonly state: string;
  readonly reason: string | undefined;
  readonly credits: readonly Credit[];
}

/** All engagements of some days, in no particular order, page by page. */
export interface RecordedReader {
  page(
    days: DayRange,
    cursor: string | undefined,
  ): Promise<{
    readonly recorded: readonly Recorded[];
    readonly cursor: string | undefined;
    readonly percent: number;
  }>;
}

/** The publisher's engagements, one a row. Of a reader it says no more than the key's hash. */
export function recordedRows(reader: RecordedReader): ExportSource {
  return {
    columns: [
      { name: "occurredAt", exact: true },
      { name: "articleId" },
      { name: "kind" },
      { name: "state" },
      { name: "reason" },
      { name: "model" },
      { name: "reader", exact: true },
      { name: "micros", exact: true },
      { name: "feeMicros", exact: true },
      { name: "credits" },
    ],
    async page({ from, to }, cursor) {
      const days = { from: from as UtcDay, to: to as UtcDay };
      const { recorded, ...rest } = await reader.page(days, cursor);
      // What the canary reports of itself is no reader's doing.
      const readers = recorded.filter(({ articleId }) => articleId !== canaryArticleId);
      return { rows: readers.map(rowOf), ...rest };
    },
  };
}

function rowOf({
  key,
  articleId,
  kind,
  occurredAtMs,
  state,
  reason,
  credits,
}: Recorded): ExportRow {
  const [first] = credits;
  // Its credits stay with what is void, so that it can be taken back; they are nobody's money.
  const earned = state === "void" ? [] : credits;
  const sum = (of: (credit: Credit) => bigint) => String(sumMicros(earned.map(of)));
  return {
    occurredAt: new Date(occurredAtMs).toISOString(),
    ...{ articleId, kind, state },
    ...(reason !== undefined && { reason }),
    ...(first && { model: parseLineKey(first.line).model }),
    reader: readerHashIn(readerDayIn(key)),
    micros: sum(({ total }) => total.micros),
    feeMicros: sum(({ total }) => total.feeMicros),
    credits: earned.map(({ creatorId, total }) => ({
      creatorId,
      ...{ micros: String(total.micros), feeMicros: String(total.feeMicros) },
    })),
  };
}
