import type * as z from "zod";
import { isTimedId } from "../values/timed-id.ts";
import { fromUrlSafe, urlSafe } from "../values/url-safe.ts";
import { type Problem, problems } from "./problem.ts";

/** Which part of a list is asked for. */
export interface PageQuery {
  readonly limit: number;
  /** The `nextCursor` of the page before; none for the first. */
  readonly cursor?: string | undefined;
}

export function wrongCursor(): Problem {
  return problems.invalid("cursor: send back a nextCursor exactly as an answer gave it.");
}

/** The number in a cursor of entries or payouts. @throws Problem 400 when no answer gave it. */
export function sequenceOfCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (!/^[1-9]\d{0,9}$/.test(cursor)) throw wrongCursor();
  return Number(cursor);
}

/** @throws Problem 400 when a cursor of a list in order of time is none that an answer gave. */
export function checkTimedCursor(cursor: string | undefined): void {
  if (cursor === undefined || isTimedId(cursor)) return;
  throw wrongCursor();
}

/** Where the next page begins; a page that is not full is the last. */
export function nextCursor<Row>(
  page: readonly Row[],
  limit: number,
  cursorOf: (last: Row) => string,
): { nextCursor?: string } {
  const last = page.at(-1);
  return last && page.length === limit ? { nextCursor: cursorOf(last) } : {};
}

/** A cursor that says after which row of a list by id the next page begins. */
export function afterId(list: string, id: string): string {
  return `${list}.${urlSafe(id)}`;
}

/** The id in such a cursor. @throws Problem 400 when no answer of this list gave it. */
export function idOfCursor<Schema extends z.ZodType>(
  list: string,
  schema: Schema,
  cursor: string | undefined,
): z.infer<Schema> | undefined {
  if (cursor === undefined) return undefined;
  const safe = cursor.startsWith(`${list}.`) ? cursor.slice(list.length + 1) : "";
  const id = schema.safeParse(fromUrlSafe(safe));
  if (!id.success) throw wrongCursor();
  return id.data;
}

/** Rows that one request looks at, at most, however few of them a filter lets through. */
export const maxRowsSeen = 5_000;

/**
 * A page of those rows that match. It may be short, even empty, and not be the last: rows that were
 * looked at in vain are not looked at again.
 */
export async function matchingPage<Row>(
  rows: AsyncIterable<Row>,
  limit: number,
  { matches, cursorOf }: { matches: (row: Row) => boolean; cursorOf: (row: Row) => string },
): Promise<{ rows: readonly Row[]; next: { nextCursor?: string } }> {
  const found: Row[] = [];
  let seen = 0;
  for await (const row of rows) {
    seen += 1;
    if (matches(row)) found.push(row);
    if (found.length === limit || seen === maxRowsSeen) {
      return { rows: found, next: { nextCursor: cursorOf(row) } };
    }
  }
  return { rows: found, next: {} };
}
