import { tallyShards } from "../contracts/storage.ts";
import { chunk } from "../values/group-by.ts";
import { type Micros, sumMicros } from "../values/micros.ts";
import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";
import { type Clock, dayMs, utcDayOf } from "../values/time.ts";
import {
  type Counter,
  type CounterId,
  type Lines,
  type LineTotal,
  minus,
  noLine,
  pendingLines,
} from "./counter.ts";
import { type LineKey, parseLineKey, withMovement } from "./line.ts";

/** Counters that wait for the end of a hold. Each write fails when the counter changed since. */
export interface HoldTable {
  /**
   * Counters listed under the UTC day that a moment lies in, in pages. The list may lag behind; what
   * a counter holds does not.
   */
  holdsEndingOn(epochMs: number): AsyncIterable<readonly CounterId[]>;
  /** Strongly consistent; one that does not exist is absent. */
  readCounters(ids: readonly CounterId[]): Promise<readonly Counter[]>;
  /** Adds the lines, to counter and tally, and lists the counter as one with something to settle. */
  free(counter: Counter, lines: Lines, tallyShard: number, nowMs: number): Promise<HoldOutcome>;
  /** Lists the counter under the day on which its hold is over, or nowhere. */
  list(counter: Counter, freeFromMs: number | undefined): Promise<HoldOutcome>;
}

type HoldOutcome = "committed" | "raced";

interface Deps {
  readonly table: HoldTable;
  readonly clock: Clock;
  readonly pacing: Pacing;
  /** How long money that was held waits. */
  readonly holdMs: number;
}

export interface ReleaseResult {
  /** Counters whose hold was over. */
  readonly freed: number;
  readonly freedMicros: Micros;
  /** Counters that others kept changing: the next run looks at them again. */
  readonly raced: number;
  /** False when time was up before the end of the list: the next run goes on. */
  readonly finished: boolean;
}

/** What becomes of a counter that is listed as one whose hold ends. */
type HoldDecision =
  /** `isAll`: no more lines are to be freed after these. */
  | { readonly outcome: "free"; readonly lines: Lines; readonly isAll: boolean }
  | { readonly outcome: "wait"; readonly freeFromMs: number }
  | { readonly outcome: "nothing-held" };

/** A counter that no run looked at for longer than this is found by the proof. */
const daysBack = 60;
const maxAttempts = 5;
/** An expression holds 4 KB: the sums of this many lines. */
const maxLinesPerWrite = 50;
const backoff: Backoff = { baseMs: 20, capMs: 500 };
const countersAtOnce = 16;

/**
 * Sets free what was held and is neither dropped nor released, in every counter whose hold is over.
 * Killed at any point, run twice or beside itself, it frees nothing twice: each counter is freed in
 * one write, which only succeeds on what was read.
 * @param deadlineMs when to stop; the next run goes on.
 */
export async function releaseHolds(deps: Deps, deadlineMs: number): Promise<ReleaseResult> {
  const total = { freed: 0, freedMicros: 0n as Micros, raced: 0 };
  const nowMs = deps.clock.nowMs();
  for (let ago = daysBack; ago >= 0; ago -= 1) {
    const listedMs = nowMs - ago * dayMs;
    for await (const ids of deps.table.holdsEndingOn(listedMs)) {
      for (const group of chunk(ids, countersAtOnce)) {
        if (deps.clock.nowMs() >= deadlineMs) return { ...total, finished: false };
        const counters = await deps.table.readCounters(group);
        const released = await Promise.all(
          counters.map((counter) => release(deps, counter, listedMs)),
        );
        for (const one of released) {
          if (one === "raced") total.raced += 1;
          else if (one > 0n) total.freed += 1;
          if (one !== "raced") total.freedMicros = sumMicros([total.freedMicros, one]);
        }
      }
    }
  }
  return { ...total, finished: true };
}

/** @returns how much was freed, in micros. */
async function release(deps: Deps, listed: Counter, listedMs: number): Promise<bigint | "raced"> {
  let freedMicros = 0n;
  let counter: Counter | undefined = listed;
  for (let attempt = 0; counter && attempt < maxAttempts; ) {
    const nowMs = deps.clock.nowMs();
    const decision = decideHold(counter, deps.holdMs, nowMs);
    if (isListedRight(counter, decision, listedMs)) return freedMicros;
    if ((await carryOut(deps, counter, decision, nowMs)) === "committed") {
      if (decision.outcome !== "free") return freedMicros;
      freedMicros += sumMicros([...decision.lines.values()].map(({ micros }) => micros));
      if (decision.isAll) return freedMicros;
    } else {
      await deps.pacing.sleep(backoffMs(attempt, backoff, deps.pacing.random));
      attempt += 1;
    }
    [counter] = await deps.table.readCounters([listed.id]);
  }
  return "raced";
}

/** Nothing is to be written: the next run, or the next settlement, does what there is to do. */
function isListedRight(counter: Counter, decision: HoldDecision, listedMs: number): boolean {
  if (decision.outcome === "free") return false;
  // Settlement lists it where it belongs when what is pending is settled.
  if (counter.dueSinceMs !== undefined || pendingLines(counter).size > 0) return true;
  return decision.outcome === "wait" && utcDayOf(decision.freeFromMs) === utcDayOf(listedMs);
}

async function carryOut(
  { table, pacing }: Deps,
  counter: Counter,
  decision: HoldDecision,
  nowMs: number,
): Promise<HoldOutcome> {
  if (decision.outcome === "free") {
    const tallyShard = Math.floor(pacing.random() * tallyShards);
    return await table.free(counter, decision.lines, tallyShard, nowMs);
  }
  return await table.list(counter, decision.outcome === "wait" ? decision.freeFromMs : undefined);
}

/** A later hold restarts the clock for the whole counter: it keeps only when it was held last. */
function decideHold(counter: Counter, holdMs: number, nowMs: number): HoldDecision {
  const lines = linesToFree(counter);
  if (lines.size === 0) return { outcome: "nothing-held" };
  const freeFromMs = (counter.heldAtMs ?? nowMs) + holdMs;
  if (freeFromMs > nowMs) return { outcome: "wait", freeFromMs };
  const some = [...lines].slice(0, maxLinesPerWrite);
  return { outcome: "free", lines: new Map(some), isAll: some.length === lines.size };
}

/** What is held, less what was dropped and freed for the same reason, as lines that free it. */
export function linesToFree({ counted }: Pick<Counter, "counted">): Map<LineKey, LineTotal> {
  const lines = new Map<LineKey, LineTotal>();
  for (const [key, total] of counted) {
    const { movement, reason } = parseLineKey(key);
    if (movement !== "held") continue;
    const freed = withMovement(key, "freed", reason);
    const dropped = counted.get(withMovement(key, "dropped", reason)) ?? noLine;
    const left = minus(minus(total, dropped), counted.get(freed) ?? noLine);
    if (left.count > 0n) lines.set(freed, left);
  }
  return lines;
}

/**
 * Clocks are minutes apart, and a hold lasts a day at least: what was counted this long before a
 * counter was freed was freed with it, and nothing that was held later was.
 */
const freedMarginMs = dayMs / 2;

/** Whether what a counter held since `countedAtMs` has become payable by the end of its hold. */
export function isHoldOver({ freedAtMs }: Pick<Counter, "freedAtMs">, countedAtMs: number) {
  return freedAtMs !== undefined && countedAtMs <= freedAtMs - freedMarginMs;
}
