import { isTimedId } from "../values/timed-id.ts";
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
