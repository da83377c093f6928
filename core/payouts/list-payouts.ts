import type * as z from "zod";
import { creatorIdSchema } from "../contracts/ids.ts";
import { type PayoutState, payoutStates, type payoutsQuerySchema } from "../contracts/queries.ts";
import { entryIdOf } from "../ledger/entry.ts";
import { parseEntryId } from "../ledger/entry-id.ts";
import { audienceOf, type Caller, creatorListed } from "../perimeter/caller.ts";
import { matchingPage, wrongCursor } from "../perimeter/page.ts";
import { problems } from "../perimeter/problem.ts";
import { endOfUtcDayMs, startOfUtcDayMs, type UtcDay } from "../values/time.ts";
import { type Payout, type PayoutStore, presentPayout } from "./payout.ts";

/** Moments of request, ms since the epoch, both included. */
export interface RequestedBetween {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PayoutList extends Pick<PayoutStore, "payouts"> {
  /**
   * Payouts in a state, latest request first; those of one millisecond in any order. It may be a
   * second behind writes.
   */
  inState(state: PayoutState, between: RequestedBetween): AsyncIterable<Payout>;
}

type Query = z.infer<typeof payoutsQuerySchema>;

/** A creator's payouts that are read at once. */
const creatorsPageSize = 100;

/**
 * A page of payouts, latest request first, whatever becomes of them meanwhile. Creators are shown
 * their own.
 * @throws Problem 400 for days in the wrong order, or a cursor that no answer gave; 404 for a creator
 * that is not the caller.
 */
export async function listPayouts(list: PayoutList, caller: Caller, query: Query) {
  const { state, limit } = query;
  const creatorId = creatorListed(caller, query.creatorId);
  const after = placeOfCursor(query.cursor);
  if (after && creatorId !== undefined && after.creatorId !== creatorId) throw wrongCursor();
  const range = rangeOf(query);
  const between = { ...range, toMs: Math.min(range.toMs, after?.requestedAtMs ?? range.toMs) };
  const payouts =
    creatorId === undefined
      ? newestFirst(list, state, between)
      : ofCreator(list, creatorId, between, after?.sequence);
  const matches = (payout: Payout) =>
    (state === undefined || payout.state === state) &&
    payout.requestedAtMs <= between.toMs &&
    (after === undefined || comesAfter(payout, after));
  const { rows, next } = await matchingPage(payouts, limit, { matches, cursorOf });
  const audience = audienceOf(caller);
  return { items: rows.map((payout) => presentPayout(payout, audience)), ...next };
}

type Place = Pick<Payout, "creatorId" | "sequence" | "requestedAtMs">;

function cursorOf(payout: Place): string {
  return `${payout.requestedAtMs}.${entryIdOf(payout)}`;
}

function placeOfCursor(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined;
  const [, time = "", payoutId = ""] = /^([1-9]\d{12})\.(.+)$/.exec(cursor) ?? [];
  const place = parseEntryId(payoutId);
  if (!place || !creatorIdSchema.safeParse(place.creatorId).success) throw wrongCursor();
  return { ...place, requestedAtMs: Number(time) };
}

/** In the order of the list: the latest first, and of one moment by id, the greatest first. */
function comesAfter(payout: Place, before: Place): boolean {
  if (payout.requestedAtMs !== before.requestedAtMs) {
    return payout.requestedAtMs < before.requestedAtMs;
  }
  return entryIdOf(payout) < entryIdOf(before);
}

/** @throws Problem 400 when the days are in the wrong order. */
function rangeOf({ from, to }: Query): RequestedBetween {
  if (from !== undefined && to !== undefined && from > to) {
    const detail = `from (${from}) is after to (${to})`;
    throw problems.invalid(`from: ${detail}`, [{ field: "from", detail }]);
  }
  return {
    fromMs: from === undefined ? 0 : startOfUtcDayMs(from as UtcDay),
    toMs: to === undefined ? Number.MAX_SAFE_INTEGER : endOfUtcDayMs(to as UtcDay) - 1,
  };
}

async function* ofCreator(
  list: Pick<PayoutStore, "payouts">,
  creatorId: Payout["creatorId"],
  { fromMs }: RequestedBetween,
  beforeSequence: number | undefined,
): AsyncGenerator<Payout> {
  let before = beforeSequence;
  while (true) {
    const page = await list.payouts(creatorId, creatorsPageSize, before);
    for (const payout of page) {
      // Numbered in order of time: none that follows is later.
      if (payout.requestedAtMs < fromMs) return;
      yield payout;
    }
    if (page.length < creatorsPageSize) return;
    before = page.at(-1)?.sequence;
  }
}

/** Those of one state, or of all states merged. */
async function* newestFirst(
  list: PayoutList,
  state: PayoutState | undefined,
  between: RequestedBetween,
): AsyncGenerator<Payout> {
  const states = state === undefined ? payoutStates : [state];
  if (between.fromMs > between.toMs) return;
  const lists = states.map((one) => inOrder(list.inState(one, between)));
  const heads: (Payout | undefined)[] = [];
  // One after another, as a payout goes from state to state: one that moves meanwhile shows twice
  // rather than not at all.
  for (const one of lists) heads.push((await one.next()).value);
  let last: Payout | undefined;
  while (true) {
    let at = -1;
    for (const [index, head] of heads.entries()) {
      if (!head) continue;
      const best = heads[at];
      if (!best || comesAfter(best, head)) at = index;
    }
    const next = heads[at];
    if (!next) return;
    if (!last || comesAfter(next, last)) yield next;
    last = next;
    heads[at] = (await lists[at]?.next())?.value;
  }
}

/** Those of one moment by id: an index keeps them in no order. */
async function* inOrder(
  payouts: AsyncIterable<Payout>,
): AsyncGenerator<Payout, undefined, undefined> {
  let same: Payout[] = [];
  const sorted = () => same.sort((a, b) => (comesAfter(a, b) ? 1 : -1));
  for await (const payout of payouts) {
    if (same[0] && same[0].requestedAtMs !== payout.requestedAtMs) {
      yield* sorted();
      same = [];
    }
    same.push(payout);
  }
  yield* sorted();
  return undefined;
}
