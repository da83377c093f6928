import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import { type EngagementKind, engagementKinds, kindOf } from "../contracts/kinds.ts";
import { type Counter, type LineTotal, minus, noLine, plus } from "../earnings/counter.ts";
import { type LineParts, parseLineKey } from "../earnings/line.ts";
import type { CountersReader } from "../earnings/read-earnings.ts";
import { type DayRange, isWithin, type UtcDay } from "../values/time.ts";
import type { ExportRow } from "./export-rows.ts";
import type { ExportPage, ExportPayload, ExportSource } from "./export-source.ts";

/** What became of engagements: payable, waiting, worth nothing, or paid by a pool. */
const states = ["paid", "pool", "held", "void"] as const;
type State = (typeof states)[number];

interface Cell {
  readonly day: UtcDay;
  readonly kind: EngagementKind;
  readonly state: State;
  readonly reason: string;
  readonly total: LineTotal;
}

/** Counters that a page reads before it ends with the article that it is at. */
const countersPerPage = 5_000;

/** A creator's own part of what was engaged with: a row for each article, day, kind and state. */
export function earnedRows(counters: CountersReader): ExportSource {
  return {
    columns: [
      { name: "articleId" },
      { name: "day", exact: true },
      { name: "kind" },
      { name: "state" },
      { name: "reason" },
      { name: "engagements", exact: true },
      { name: "micros", exact: true },
      { name: "feeMicros", exact: true },
    ],
    page: (payload, cursor) => page(counters, payload, cursor),
  };
}

/** All of an article is in one page, so that a cursor is the name of an article. */
async function page(
  reader: CountersReader,
  { creatorId, from, to }: ExportPayload,
  cursor: string | undefined,
): Promise<ExportPage> {
  const days: DayRange = { from: from as UtcDay, to: to as UtcDay };
  const rows: ExportRow[] = [];
  let articleId = cursor;
  let cells = new Map<string, Cell>();
  let seen = 0;
  for await (const counter of reader.counters(creatorId as CreatorId, cursor as ArticleId)) {
    if (counter.id.articleId !== articleId) {
      rows.push(...rowsOf(articleId, cells));
      if (seen >= countersPerPage) return { rows, cursor: articleId, percent: 0 };
      articleId = counter.id.articleId;
      cells = new Map();
    }
    seen += 1;
    if (isWithin(days, counter.id.day)) addCounter(cells, counter);
  }
  rows.push(...rowsOf(articleId, cells));
  return { rows, cursor: undefined, percent: 100 };
}

function addCounter(cells: Map<string, Cell>, { id, counted }: Counter): void {
  for (const [key, total] of counted) {
    const line = parseLineKey(key);
    for (const { state, reason = "", change } of effectsOf(line, total)) {
      const kind = kindOf(line.kind);
      const name = [id.day, kind, state, reason].join("\t");
      const before = cells.get(name)?.total ?? noLine;
      cells.set(name, { day: id.day, kind, state, reason, total: plus(before, change) });
    }
  }
}

interface CellChange {
  readonly state: State;
  readonly reason?: LineParts["reason"];
  readonly change: LineTotal;
}

/** What a line does to the cells: counters only ever grow, and undoing is a line of its own. */
function effectsOf({ movement, model, reason }: LineParts, total: LineTotal): CellChange[] {
  const payable: State = model === "pool" ? "pool" : "paid";
  const less = minus(noLine, total);
  const worthless: CellChange = {
    state: "void",
    reason,
    change: { ...noLine, count: total.count },
  };
  switch (movement) {
    case "paid":
      // What a pool pays is for engagements that were counted when they were weighed.
      return [{ state: payable, change: model === "pool" ? { ...total, count: 0n } : total }];
    case "held":
      return [{ state: "held", reason, change: total }];
    case "freed":
      return [
        { state: "held", reason, change: less },
        { state: payable, change: total },
      ];
    case "voided":
      return [{ state: payable, change: less }, worthless];
    case "dropped":
      return [{ state: "held", reason, change: less }, worthless];
    case "void":
      return [worthless];
    case "weighed":
      return [{ state: "pool", change: { ...noLine, count: total.count } }];
    case "unweighed":
      return [{ state: "pool", change: { ...noLine, count: less.count } }, worthless];
    default:
      return assertNever(movement);
  }
}

function assertNever(movement: never): never {
  throw new Error(`unknown movement ${movement}`);
}

function rowsOf(articleId: string | undefined, cells: ReadonlyMap<string, Cell>): ExportRow[] {
  return [...cells.values()].sort(inOrder).flatMap(({ day, kind, state, reason, total }) => {
    const { count, micros, feeMicros } = total;
    if (count === 0n && micros === 0n && feeMicros === 0n) return [];
    return {
      ...{ articleId, day, kind, state },
      ...(reason !== "" && { reason }),
      engagements: Number(count),
      ...{ micros: String(micros), feeMicros: String(feeMicros) },
    };
  });
}

function inOrder(a: Cell, b: Cell): number {
  if (a.day !== b.day) return a.day < b.day ? -1 : 1;
  return (
    engagementKinds.indexOf(a.kind) - engagementKinds.indexOf(b.kind) ||
    states.indexOf(a.state) - states.indexOf(b.state) ||
    (a.reason < b.reason ? -1 : 1)
  );
}
