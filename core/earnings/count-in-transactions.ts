import { maxCounterShards, tallyShards } from "../contracts/storage.ts";
import { chunk } from "../values/group-by.ts";
import { type Micros, sumMicros } from "../values/micros.ts";
import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import type { CountOnce, Decision, Recorded } from "./count-once.ts";
import { addLine, type CounterId, type LineKey, type LineTotal } from "./counter.ts";
import type { ImpressionKey } from "./impression-key.ts";
import {
  type PlannedGroup,
  type PlannedTransaction,
  planTransactions,
} from "./plan-transactions.ts";

/** One atomic write: every key must be new, then everything is added; or nothing happens. */
export interface CountingTransaction {
  readonly decisions: readonly Decision[];
  readonly additions: readonly CounterAddition[];
  readonly tally: TallyAddition;
}

export interface CounterAddition {
  readonly id: CounterId;
  readonly lines: ReadonlyMap<LineKey, LineTotal>;
}

/** Totals that the proof compares with the counters; kept apart from them on purpose. */
export interface TallyAddition {
  readonly shard: number;
  readonly engagements: number;
  readonly micros: Micros;
  readonly rejected: number;
}

export type CommitOutcome =
  | { readonly outcome: "committed" }
  /** Nothing was written: `duplicates` index into `decisions`; `contended`: others held an item. */
  | {
      readonly outcome: "cancelled";
      readonly duplicates: readonly number[];
      readonly contended: boolean;
    }
  /** It can never be written as it is; trying again is of no use. */
  | { readonly outcome: "impossible"; readonly reason: string };

export interface CountingTable {
  /** @throws when it cannot be known whether the write happened (a time-out, a lost answer). */
  commit(transaction: CountingTransaction): Promise<CommitOutcome>;
}

interface Deps {
  readonly table: CountingTable;
  readonly clock: Clock;
  readonly pacing: Pacing;
  /** Told of errors that a retry may heal, so that they are seen. */
  readonly onRetry?: (error: unknown, attempt: number) => void;
}

const attemptsPerTurn = 8;
const backoff: Backoff = { baseMs: 20, capMs: 2_000 };
const lanes = 8;

/**
 * The plain layout of the counting step: conditional puts of impression keys and counter ADDs in
 * one transaction. Duplicates cancel it and name themselves; they are dropped and the rest tried
 * again. After a lost answer the retry finds its own keys there, and they count as duplicates.
 */
export function countInTransactions(deps: Deps): CountOnce {
  return {
    async record(decisions, deadlineMs) {
      const results = new Map<ImpressionKey, Recorded>();
      for (const { key } of decisions) results.set(key, "undecided");
      const firstShard = Math.floor(deps.pacing.random() * maxCounterShards);
      const plan = planTransactions(decisions, { lanes, firstShard });
      await Promise.all(plan.map((lane) => workThrough(deps, lane, deadlineMs, results)));
      return results;
    },
  };
}

/**
 * One after the other; what cannot be written in its turn waits at the end of the lane, so that one
 * busy creator holds up no other. A throttled table is waited for as long as there is time: giving
 * up early would spend one of the few receives that a message has before it counts as poison.
 */
async function workThrough(
  deps: Deps,
  lane: readonly PlannedTransaction[],
  deadlineMs: number,
  results: Map<ImpressionKey, Recorded>,
): Promise<void> {
  const waiting = [...lane];
  for (;;) {
    const next = waiting.shift();
    if (!next || deps.clock.nowMs() >= deadlineMs) return;
    waiting.push(...(await takeTurn(deps, next, deadlineMs, results)));
  }
}

/** @returns what is left to be tried in a later turn. */
async function takeTurn(
  deps: Deps,
  planned: PlannedTransaction,
  deadlineMs: number,
  results: Map<ImpressionKey, Recorded>,
): Promise<PlannedTransaction[]> {
  let groups = planned;
  for (let attempt = 0; attempt < attemptsPerTurn; attempt += 1) {
    if (deps.clock.nowMs() >= deadlineMs) return [];
    const transaction = transactionOf(groups, deps.pacing.random);
    const outcome = await tryCommit(deps, transaction, attempt);
    if (outcome === "unknown") {
      await deps.pacing.sleep(backoffMs(attempt, backoff, deps.pacing.random));
      continue;
    }
    if (outcome.outcome === "committed") {
      for (const { key } of transaction.decisions) results.set(key, "recorded");
      return [];
    }
    if (outcome.outcome === "impossible") {
      deps.onRetry?.(new Error(outcome.reason), attempt);
      return halvesOf(groups);
    }
    const duplicates = new Set<Decision>();
    for (const index of outcome.duplicates) {
      const decision = transaction.decisions[index];
      if (!decision) continue;
      duplicates.add(decision);
      results.set(decision.key, "duplicate");
    }
    groups = withoutDuplicates(groups, duplicates);
    if (groups.length === 0) return [];
    if (!outcome.contended && duplicates.size > 0) continue;
    // A rival holds the counter: another shard of it is free.
    groups = groups.map((group) => onAnotherShard(group, deps.pacing.random));
    await deps.pacing.sleep(backoffMs(attempt, backoff, deps.pacing.random));
  }
  return [groups];
}

/** Halving finds the one that spoils a transaction, which alone is given up and stays undecided. */
function halvesOf(groups: PlannedTransaction): PlannedTransaction[] {
  if (groups.length > 1) return chunk(groups, Math.ceil(groups.length / 2));
  return groups.flatMap(({ counter, decisions }) => {
    if (decisions.length < 2) return [];
    const halves = chunk(decisions, Math.ceil(decisions.length / 2));
    return halves.map((half) => [{ counter, decisions: half }]);
  });
}

async function tryCommit(deps: Deps, transaction: CountingTransaction, attempt: number) {
  try {
    return await deps.table.commit(transaction);
  } catch (error) {
    deps.onRetry?.(error, attempt);
    return "unknown";
  }
}

function transactionOf(groups: PlannedTransaction, random: () => number): CountingTransaction {
  const decisions = groups.flatMap((group) => group.decisions);
  const paid = decisions.flatMap((decision) => (decision.outcome === "paid" ? [decision] : []));
  return {
    decisions,
    additions: groups.flatMap(({ counter, decisions: grouped }) =>
      counter ? [{ id: counter, lines: linesOf(grouped) }] : [],
    ),
    tally: {
      shard: Math.floor(random() * tallyShards),
      engagements: paid.length,
      micros: sumMicros(paid.map(({ micros }) => micros)),
      rejected: decisions.length - paid.length,
    },
  };
}

function linesOf(decisions: readonly Decision[]): Map<LineKey, LineTotal> {
  const lines = new Map<LineKey, LineTotal>();
  for (const decision of decisions) {
    if (decision.outcome === "rejected") continue;
    addLine(lines, decision.line, { count: 1n, micros: decision.micros });
  }
  return lines;
}

function withoutDuplicates(
  groups: PlannedTransaction,
  duplicates: ReadonlySet<Decision>,
): PlannedGroup[] {
  return groups
    .map(({ counter, decisions }) => ({
      counter,
      decisions: decisions.filter((decision) => !duplicates.has(decision)),
    }))
    .filter(({ decisions }) => decisions.length > 0);
}

function onAnotherShard({ counter, decisions }: PlannedGroup, random: () => number): PlannedGroup {
  const shard = Math.floor(random() * maxCounterShards);
  return { counter: counter && { ...counter, shard }, decisions };
}
