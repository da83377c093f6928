import type { CreatorId } from "../contracts/ids.ts";
import type { Counter } from "../earnings/counter.ts";
import { pendingLines, totalMicros } from "../earnings/counter.ts";
import { type Micros, micros } from "../values/micros.ts";
import type { Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import { creditOf, entryIdOf, imbalanceOf, type LedgerAccount, type LedgerEntry } from "./entry.ts";

export interface Tally {
  readonly events: bigint;
  readonly micros: Micros;
  readonly rejected: bigint;
}

/** Everything there is, for the proof. Strongly consistent reads, but no snapshot across items. */
export interface ProofSource {
  readTally(): Promise<Tally>;
  allCounters(): AsyncIterable<Counter>;
  allEntries(): AsyncIterable<LedgerEntry>;
  allAccounts(): AsyncIterable<LedgerAccount & { readonly creatorId: CreatorId }>;
  /** The same for one creator, to look again when settlement moved under the first look. */
  countersOf(creatorId: CreatorId): AsyncIterable<Counter>;
  entriesOf(creatorId: CreatorId): AsyncIterable<LedgerEntry>;
  readAccount(creatorId: CreatorId): Promise<LedgerAccount>;
}

export interface Difference {
  readonly what: string;
  readonly creatorId?: CreatorId;
  readonly entryId?: string;
  readonly expectedMicros: string;
  readonly actualMicros: string;
}

interface CreatorSums {
  settledInCounters: bigint;
  inEntries: bigint;
  inAccount: bigint;
}

/** The pauses between them sum to three seconds, whatever is off: the whole must fit a request. */
const looks = 5;
const firstPauseMs = 100;

interface Deps {
  readonly source: ProofSource;
  readonly clock: Clock;
  /** How to wait before a second look. */
  readonly pacing: Pick<Pacing, "sleep">;
}

/**
 * Checks that money adds up, now: the tally equals the counters, what counters call settled equals
 * the ledger and each account, and every entry sums to zero. It may run while money moves: totals
 * that only grow are compared as bounds. A transaction shows item by item while it commits, so
 * whatever seems off is looked at again a little later, and only what stays is a difference.
 */
export async function proveMoney(deps: Deps) {
  const { source } = deps;
  const { before, after, totals, creators } = await countAll(deps);
  const differences: Difference[] = [];
  for await (const entry of source.allEntries()) {
    totals.entries += 1;
    totals.ledger += creditOf(entry);
    sumsOf(creators, entry.creatorId).inEntries += creditOf(entry);
    if (imbalanceOf(entry) !== 0n) {
      differences.push({
        ...difference("entry does not sum to zero", 0n, imbalanceOf(entry)),
        creatorId: entry.creatorId,
        entryId: entryIdOf(entry),
      });
    }
  }
  for await (const account of source.allAccounts()) {
    sumsOf(creators, account.creatorId).inAccount += account.settledMicros;
  }
  if (!within(before.micros, totals.counted, after.micros)) {
    differences.push(difference("counters do not match the tally", after.micros, totals.counted));
  }
  if (!within(before.events, totals.events, after.events)) {
    differences.push(
      difference("counted engagements do not match the tally", after.events, totals.events),
    );
  }
  differences.push(...(await lookAgain(deps, creators)));
  const quiet = before.events === after.events;
  return {
    ok: differences.length === 0,
    asOf: new Date(deps.clock.nowMs()).toISOString(),
    /** False when engagements were counted meanwhile: totals are then of slightly different moments. */
    quiet,
    counted: { engagements: String(after.events), micros: String(after.micros) },
    rejected: { engagements: String(after.rejected) },
    counters: { pendingMicros: String(totals.pending) },
    ledger: { entries: totals.entries, micros: String(totals.ledger) },
    differences,
  };
}

export type Proof = Awaited<ReturnType<typeof proveMoney>>;

function within(low: bigint, value: bigint, high: bigint): boolean {
  return low <= value && value <= high;
}

async function pause({ pacing }: Deps, look: number): Promise<void> {
  if (look > 0) await pacing.sleep(firstPauseMs * 2 ** look);
}

/** All counters, and the tally before and after them; again while the one does not fit the other. */
async function countAll(deps: Deps) {
  for (let look = 0; ; look += 1) {
    await pause(deps, look);
    const creators = new Map<CreatorId, CreatorSums>();
    const totals = { counted: 0n, events: 0n, pending: 0n, entries: 0, ledger: 0n };
    const before = await deps.source.readTally();
    for await (const counter of deps.source.allCounters()) {
      totals.counted += totalMicros(counter.counted);
      totals.events += counter.events;
      totals.pending += totalMicros(pendingLines(counter));
      sumsOf(creators, counter.id.creatorId).settledInCounters += totalMicros(counter.settled);
    }
    const after = await deps.source.readTally();
    const fits =
      within(before.micros, totals.counted, after.micros) &&
      within(before.events, totals.events, after.events);
    if (fits || look === looks - 1) return { before, after, totals, creators };
  }
}

function sumsOf(creators: Map<CreatorId, CreatorSums>, creatorId: CreatorId): CreatorSums {
  const sums = creators.get(creatorId) ?? { settledInCounters: 0n, inEntries: 0n, inAccount: 0n };
  creators.set(creatorId, sums);
  return sums;
}

function agree({ settledInCounters, inEntries, inAccount }: CreatorSums): boolean {
  return settledInCounters === inEntries && inEntries === inAccount;
}

/** A settlement between or under two reads looks like a difference; one that stays is one. */
async function lookAgain(
  deps: Deps,
  first: ReadonlyMap<CreatorId, CreatorSums>,
): Promise<Difference[]> {
  let off = [...first].filter(([, sums]) => !agree(sums));
  for (let look = 0; look < looks && off.length > 0; look += 1) {
    await pause(deps, look);
    const again: typeof off = [];
    for (const [creatorId] of off) again.push([creatorId, await readSums(deps.source, creatorId)]);
    off = again.filter(([, sums]) => !agree(sums));
  }
  return off.flatMap(([creatorId, sums]) => differencesOf(creatorId, sums));
}

async function readSums(source: ProofSource, creatorId: CreatorId): Promise<CreatorSums> {
  const account = await source.readAccount(creatorId);
  const sums = { settledInCounters: 0n, inEntries: 0n, inAccount: account.settledMicros as bigint };
  for await (const { settled } of source.countersOf(creatorId)) {
    sums.settledInCounters += totalMicros(settled);
  }
  for await (const entry of source.entriesOf(creatorId)) sums.inEntries += creditOf(entry);
  return sums;
}

function differencesOf(creatorId: CreatorId, sums: CreatorSums): Difference[] {
  const inEntries = sums.inEntries;
  return [
    { what: "counters' settled part differs from the ledger", actual: sums.settledInCounters },
    { what: "account differs from its entries", actual: sums.inAccount },
  ]
    .filter(({ actual }) => actual !== inEntries)
    .map(({ what, actual }) => ({ ...difference(what, inEntries, actual), creatorId }));
}

function difference(what: string, expected: bigint, actual: bigint): Difference {
  return { what, expectedMicros: String(micros(expected)), actualMicros: String(micros(actual)) };
}
