import type { VoidReason } from "../contracts/kinds.ts";
import type { Credit } from "../earnings/count-once.ts";
import type { Counter, CounterId, LineTotal } from "../earnings/counter.ts";
import { type LineKey, parseLineKey, withMovement } from "../earnings/line.ts";
import { isHoldOver } from "../earnings/release-holds.ts";
import type { Micros } from "../values/micros.ts";
import type { UtcDay } from "../values/time.ts";
import type { ReviewDecision } from "./review.ts";
import type { Guard, KeyChange, StoredKey } from "./review-table.ts";

/** What a decision on one engagement adds to the counter of one creator. */
export interface Undoing {
  readonly id: CounterId;
  readonly line: LineKey;
  readonly total: LineTotal;
  readonly guard: Guard;
}

export interface Change {
  readonly key: KeyChange;
  readonly undoings: readonly Undoing[];
}

/**
 * `nothing-to-do`: time has freed it already. `not-yet`: its pool's day is over and not shared out;
 * what it will be worth is being written down.
 */
export type ChangeOutcome = Change | "nothing-to-do" | "not-yet";

/** What is decided on engagements, whoever decides. */
export interface Ruling {
  readonly decision: ReviewDecision;
  /** Why what it voids is void. */
  readonly voidReason: VoidReason;
  /** Whether an engagement that time has freed is marked as paid when it is released. */
  readonly marksFreed: boolean;
}

/** What is decided, and what it depends on beside the counters. */
export interface ReviewRules extends Ruling {
  /** Whether a pool's day still takes engagements in, and so lets them go. */
  isPoolOpen(day: UtcDay): boolean;
}

/** Counters as read, with what is about to be added to them in the same transaction. */
export interface SeenCounters {
  counter(id: CounterId): Counter | undefined;
  /** Of a line, with what is about to be added. */
  line(id: CounterId, key: LineKey): LineTotal;
}

const noGuard: Guard = { without: new Set() };

export function counterIdOf(key: StoredKey, { creatorId }: Pick<Credit, "creatorId">): CounterId {
  const { articleId, day, shard, pool } = key;
  return { creatorId, articleId, day, shard, ...(pool === undefined ? {} : { pool }) };
}

/**
 * Whether undoing a credit depends on what its counter says: on whether its hold is over, or its
 * pool's day priced.
 */
export function needsCounter({ state }: StoredKey, { line }: Credit): boolean {
  return state === "held" || parseLineKey(line).movement === "weighed";
}

/** What a decision does to an engagement. */
export function changeOf(rules: ReviewRules, key: StoredKey, seen: SeenCounters): ChangeOutcome {
  if (rules.decision === "release") {
    if (key.state === "void") return restorationOf(key);
    const undoings = key.credits.flatMap((credit) => releaseOf(key, credit, seen));
    if (undoings.length === 0 && !rules.marksFreed) return "nothing-to-do";
    return { key: { from: key, state: "paid" }, undoings };
  }
  const undoings: Undoing[] = [];
  for (const credit of key.credits) {
    const undoing = voidingOf(rules, key, credit, seen);
    if (undoing === "not-yet") return undoing;
    undoings.push(undoing);
  }
  return { key: { from: key, state: "void", reason: rules.voidReason }, undoings };
}

/** Earns anew what a review voided. What a pool's day was worth to it is for an adjustment to say. */
function restorationOf(key: StoredKey): Change | "nothing-to-do" {
  const earned = key.credits.every(({ line }) => {
    const { model, movement } = parseLineKey(line);
    return model === "rates" && (movement === "paid" || movement === "held");
  });
  if (!earned) return "nothing-to-do";
  const undoings = key.credits.map((credit) => ({
    id: counterIdOf(key, credit),
    line: withMovement(credit.line, "paid"),
    ...{ total: credit.total, guard: noGuard },
  }));
  return { key: { from: key, state: "paid" }, undoings };
}

/** Each creator's counter has an end of hold of its own: what time has freed is not freed again. */
function releaseOf(key: StoredKey, credit: Credit, seen: SeenCounters): Undoing[] {
  const id = counterIdOf(key, credit);
  if (isOver(key, id, seen)) return [];
  const guard = holdGuard(seen.counter(id));
  const { reason } = parseLineKey(credit.line);
  const line = withMovement(credit.line, "freed", reason);
  return [{ id, line, total: credit.total, guard }];
}

function voidingOf(
  rules: ReviewRules,
  key: StoredKey,
  credit: Credit,
  seen: SeenCounters,
): Undoing | "not-yet" {
  const id = counterIdOf(key, credit);
  const { movement, reason } = parseLineKey(credit.line);
  if (movement === "weighed") return poolVoidingOf(rules, id, credit, seen);
  const voided = withMovement(credit.line, "voided", rules.voidReason);
  if (key.state !== "held") return { id, line: voided, total: credit.total, guard: noGuard };
  const guard = holdGuard(seen.counter(id));
  const line = isOver(key, id, seen) ? voided : withMovement(credit.line, "dropped", reason);
  return { id, line, total: credit.total, guard };
}

function isOver({ countedAtMs }: StoredKey, id: CounterId, seen: SeenCounters): boolean {
  const counter = seen.counter(id);
  return counter !== undefined && isHoldOver(counter, countedAtMs);
}

function holdGuard(counter: Counter | undefined): Guard {
  return { ...noGuard, freedAtMs: { seen: counter?.freedAtMs } };
}

/**
 * While its day is open an engagement just leaves the pool. Once the day is shared out it gives back
 * its part of what its line was awarded. Parts are differences of rounded-down sums, so that those of
 * all engagements of a line give back the award, to the micro, in whatever order they are voided.
 */
function poolVoidingOf(
  { isPoolOpen, voidReason }: ReviewRules,
  id: CounterId,
  { line, total }: Credit,
  seen: SeenCounters,
): Undoing | "not-yet" {
  const unweighed = withMovement(line, "unweighed");
  // A kind that weighs nothing is never awarded anything: there is no day to wait for.
  if (total.weight === 0n) return { id, line: unweighed, total, guard: noGuard };
  const award = withMovement(line, "paid");
  const counter = seen.counter(id);
  const awarded = counter?.counted.get(award);
  if (!counter || !awarded) {
    // The plan of a day that is over may be made already, by what weighed then.
    if (!isPoolOpen(id.day)) return "not-yet";
    const guard = { ...noGuard, without: new Set([award]) };
    return { id, line: unweighed, total, guard };
  }
  const voided = withMovement(line, "voided", voidReason);
  const before = seen.line(id, voided).weight;
  const part = (amount: bigint) =>
    (amount * (before + total.weight)) / awarded.weight - (amount * before) / awarded.weight;
  const micros = part(awarded.micros) as Micros;
  const feeMicros = part(awarded.feeMicros) as Micros;
  const guard = { ...noGuard, events: counter.events };
  return { id, line: voided, total: { ...total, micros, feeMicros }, guard };
}
