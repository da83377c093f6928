import { maxCounterShards, tallyShards } from "../contracts/storage.ts";
import { chunk } from "../values/group-by.ts";
import { sumMicros } from "../values/micros.ts";
import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import {
  type CountedDecision,
  type CountOnce,
  type Decision,
  type Recorded,
  stateName,
} from "./count-once.ts";
import { addLine, type CounterAddition, type LineTotal, movesMoney } from "./counter.ts";
import type {
  CountingTable,
  CountingTransaction,
  ReaderPoolUse,
  TallyAddition,
} from "./counting-table.ts";
import type { ImpressionKey } from "./impression-key.ts";
import type { LineKey } from "./line.ts";
import {
  type PlannedGroup,
  type PlannedTransaction,
  planTransactions,
} from "./plan-transactions.ts";

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
    const done = new Set<ImpressionKey>();
    const settle = (key: ImpressionKey, result: Recorded) => {
      done.add(key);
      results.set(key, result);
    };
    for (const { key } of staleIn(transaction, outcome.overCap)) settle(key, "stale");
    for (const index of outcome.duplicates) {
      const decision = transaction.decisions[index];
      if (decision) settle(decision.key, "duplicate");
    }
    groups = without(groups, done);
    if (groups.length === 0) return [];
    if (!outcome.contended && done.size > 0) continue;
    // A rival holds the counter: another shard of it is free.
    groups = groups.map((group) => onAnotherShard(group, deps.pacing.random));
    await deps.pacing.sleep(backoffMs(attempt, backoff, deps.pacing.random));
  }
  return [groups];
}

/** Halving finds the one that spoils a transaction, which alone is given up and stays undecided. */
function halvesOf(groups: PlannedTransaction): PlannedTransaction[] {
  if (groups.length > 1) return chunk(groups, Math.ceil(groups.length / 2));
  return groups.flatMap(({ counters, decisions }) => {
    if (decisions.length < 2) return [];
    const halves = chunk(decisions, Math.ceil(decisions.length / 2));
    return halves.map((half) => [{ counters, decisions: half }]);
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
  const decisions = groups.flatMap(({ counters, decisions }) => {
    const shard = counters[0]?.shard ?? 0;
    return decisions.map((decision) => ({ ...decision, shard }));
  });
  return {
    decisions,
    additions: groups.flatMap(additionsOf),
    poolUses: poolUsesOf(decisions),
    tally: tallyOf(decisions, Math.floor(random() * tallyShards)),
  };
}

const isCounted = (decision: Decision): decision is CountedDecision =>
  decision.outcome === "counted";

function additionsOf({ counters, decisions }: PlannedGroup): CounterAddition[] {
  const counted = decisions.filter(isCounted);
  return counters.map((id) => {
    const lines = new Map<LineKey, LineTotal>();
    for (const { credits } of counted) {
      const own = credits.find(({ creatorId }) => creatorId === id.creatorId);
      if (own) addLine(lines, own.line, own.total);
    }
    return { id, lines };
  });
}

/** One for each reader and pool: an item may be in a transaction once. */
function poolUsesOf(decisions: readonly Decision[]): ReaderPoolUse[] {
  const uses = new Map<string, ReaderPoolUse>();
  for (const decision of decisions.filter(isCounted)) {
    if (!decision.pool) continue;
    const { readerDay, group, weight, cap } = decision.pool;
    const before = uses.get(`${readerDay} ${group}`)?.weight ?? 0n;
    uses.set(`${readerDay} ${group}`, {
      ...{ readerDay, group, cap, expiresAtMs: decision.expiresAtMs },
      weight: before + weight,
    });
  }
  return [...uses.values()];
}

function tallyOf(decisions: readonly Decision[], shard: number): TallyAddition {
  const counted = decisions.filter(isCounted);
  const credits = counted.flatMap((decision) => decision.credits);
  const states = new Map<string, number>();
  for (const decision of counted) {
    const name = stateName(decision);
    states.set(name, (states.get(name) ?? 0) + 1);
  }
  return {
    shard,
    engagements: counted.length,
    events: BigInt(credits.length),
    micros: sumMicros(
      credits.flatMap(({ line, total }) => (movesMoney(line) ? [total.micros] : [])),
    ),
    rejected: decisions.length - counted.length,
    states,
  };
}

/** Decisions whose reader has used up the weight in a pool since they were made. */
function staleIn(
  { decisions, poolUses }: CountingTransaction,
  overCap: readonly number[],
): Decision[] {
  return overCap.flatMap((index) => {
    const use = poolUses[index];
    return decisions.filter(
      (decision) =>
        isCounted(decision) &&
        decision.pool?.group === use?.group &&
        decision.pool?.readerDay === use?.readerDay,
    );
  });
}

function without(groups: PlannedTransaction, done: ReadonlySet<ImpressionKey>): PlannedGroup[] {
  return groups
    .map(({ counters, decisions }) => ({
      counters,
      decisions: decisions.filter(({ key }) => !done.has(key)),
    }))
    .filter(({ decisions }) => decisions.length > 0);
}

function onAnotherShard({ counters, decisions }: PlannedGroup, random: () => number): PlannedGroup {
  const shard = Math.floor(random() * maxCounterShards);
  return { counters: counters.map((id) => ({ ...id, shard })), decisions };
}
