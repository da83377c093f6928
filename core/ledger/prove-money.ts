import type { CreatorId } from "../contracts/ids.ts";
import type { Counter } from "../earnings/counter.ts";
import { pendingLines, totalCount, totalMicros } from "../earnings/counter.ts";
import { type Micros, sumMicros } from "../values/micros.ts";
import type { Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import {
  creditOf,
  entryIdOf,
  imbalanceOf,
  type LedgerAccount,
  type LedgerEntry,
  payableTo,
} from "./entry.ts";

export interface Tally {
  readonly engagements: bigint;
  readonly micros: Micros;
  readonly rejected: bigint;
}

/** Everything there is, for the proof. Strongly consistent reads, but no snapshot across items. */
export interface ProofSource {
  readTally(): Promise<Tally>;
  allCounters(): AsyncIterable<Counter>;
  ledger(): AsyncIterable<LedgerItem>;
  /** The same for one creator, to look again when settlement moved under the first look. */
  countersOf(creatorId: CreatorId): AsyncIterable<Counter>;
  entriesOf(creatorId: CreatorId): AsyncIterable<LedgerEntry>;
  readAccount(creatorId: CreatorId): Promise<LedgerAccount>;
}

export type LedgerItem =
  | { readonly entry: LedgerEntry }
  | { readonly account: LedgerAccount & { readonly creatorId: CreatorId } };

export interface Difference {
  readonly what: string;
  readonly creatorId?: CreatorId;
  readonly entryId?: string;
  readonly expected: string;
  readonly actual: string;
}

/** What is known of one creator from each of the three places, in micros unless it says otherwise. */
interface CreatorSums {
  settledInCounters: bigint;
  /** Engagements. */
  settledCount: bigint;
  /** Pending on counters that are not on the due list: nobody would ever settle it. */
  stuck: bigint;
  /** Engagements by line, less engagements by counter. */
  uncounted: bigint;
  inEntries: bigint;
  /** Engagements. */
  countInEntries: bigint;
  /** Entries; the highest number of one; the number that the account is at. */
  entries: bigint;
  highest: bigint;
  accountSequence: bigint;
  inAccount: bigint;
}

function noSums(): CreatorSums {
  return {
    ...{ settledInCounters: 0n, settledCount: 0n, stuck: 0n, uncounted: 0n },
    ...{ inEntries: 0n, countInEntries: 0n, entries: 0n, highest: 0n },
    ...{ accountSequence: 0n, inAccount: 0n },
  };
}

function addCounter(sums: CreatorSums, counter: Counter): void {
  const pending = totalMicros(pendingLines(counter));
  sums.settledInCounters += totalMicros(counter.settled);
  sums.settledCount += totalCount(counter.settled);
  sums.uncounted += totalCount(counter.counted) - counter.engagements;
  if (counter.dueSinceMs === undefined) sums.stuck += pending;
}

function addEntry(sums: CreatorSums, entry: LedgerEntry): void {
  sums.inEntries += creditOf(entry);
  for (const { count } of entry.lines) sums.countInEntries += count;
  sums.entries += 1n;
  if (BigInt(entry.sequence) > sums.highest) sums.highest = BigInt(entry.sequence);
}

function addAccount(sums: CreatorSums, { sequence, settledMicros }: LedgerAccount): void {
  sums.inAccount += settledMicros;
  sums.accountSequence += BigInt(sequence);
}

/** Each pair that must be equal, and what it means when it is not. */
function comparisons(
  sums: CreatorSums,
): readonly [what: string, expected: bigint, actual: bigint][] {
  return [
    [
      "micros that counters call settled differ from the entries",
      sums.inEntries,
      sums.settledInCounters,
    ],
    [
      "engagements that counters call settled differ from the entries",
      sums.countInEntries,
      sums.settledCount,
    ],
    ["the account's micros differ from its entries", sums.inEntries, sums.inAccount],
    ["entries are missing or numbered wrongly", sums.highest, sums.entries],
    ["the account's number differs from its last entry's", sums.highest, sums.accountSequence],
    ["micros are pending that are not due, and would never settle", 0n, sums.stuck],
    ["a counter's lines differ from its engagements", 0n, sums.uncounted],
  ];
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
  for await (const item of source.ledger()) {
    if ("account" in item) {
      addAccount(sumsOf(creators, item.account.creatorId), item.account);
      continue;
    }
    const { entry } = item;
    totals.entries += 1;
    totals.ledger += creditOf(entry);
    addEntry(sumsOf(creators, entry.creatorId), entry);
    differences.push(...differencesIn(entry));
  }
  if (!within(before.micros, totals.counted, after.micros)) {
    differences.push(difference("counters do not match the tally", after.micros, totals.counted));
  }
  if (!within(before.engagements, totals.engagements, after.engagements)) {
    differences.push(
      difference(
        "counted engagements do not match the tally",
        after.engagements,
        totals.engagements,
      ),
    );
  }
  const { differences: stayed, settling } = await lookAgain(deps, creators);
  differences.push(...stayed);
  const quiet = before.engagements === after.engagements && !settling;
  return {
    ok: differences.length === 0,
    asOf: new Date(deps.clock.nowMs()).toISOString(),
    /** False when money moved meanwhile: totals are then of slightly different moments. */
    quiet,
    counted: { engagements: String(after.engagements), micros: String(after.micros) },
    rejected: { engagements: String(after.rejected) },
    counters: { pendingMicros: String(totals.pending) },
    ledger: { entries: totals.entries, micros: String(totals.ledger) },
    differences,
  };
}

export type Proof = Awaited<ReturnType<typeof proveMoney>>;

/** What is wrong with an entry by itself. */
function differencesIn(entry: LedgerEntry): Difference[] {
  const ids = { creatorId: entry.creatorId, entryId: entryIdOf(entry) };
  const imbalance = imbalanceOf(entry);
  const explained = sumMicros(entry.lines.map(({ amountMicros }) => amountMicros));
  const credited = creditOf(entry);
  return [
    ...(imbalance === 0n ? [] : [difference("entry does not sum to zero", 0n, imbalance)]),
    ...[entry.amountMicros, explained]
      .filter((amount) => amount !== credited)
      .map((amount) => difference("entry is not what its lines explain", credited, amount)),
    ...(hasForeignAccount(entry)
      ? [difference("entry posts to an account that is not its own", 0n, credited)]
      : []),
  ].map((found) => ({ ...found, ...ids }));
}

function hasForeignAccount({ creatorId, postings }: LedgerEntry): boolean {
  const own = ["expense:revenue-share", payableTo(creatorId)];
  return postings.some(({ account }) => !own.includes(account));
}

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
    const totals = { counted: 0n, engagements: 0n, pending: 0n, entries: 0, ledger: 0n };
    const before = await deps.source.readTally();
    for await (const counter of deps.source.allCounters()) {
      totals.counted += totalMicros(counter.counted);
      totals.engagements += counter.engagements;
      totals.pending += totalMicros(pendingLines(counter));
      addCounter(sumsOf(creators, counter.id.creatorId), counter);
    }
    const after = await deps.source.readTally();
    const fits =
      within(before.micros, totals.counted, after.micros) &&
      within(before.engagements, totals.engagements, after.engagements);
    if (fits || look === looks - 1) return { before, after, totals, creators };
  }
}

function sumsOf(creators: Map<CreatorId, CreatorSums>, creatorId: CreatorId): CreatorSums {
  const sums = creators.get(creatorId) ?? noSums();
  creators.set(creatorId, sums);
  return sums;
}

function agree(sums: CreatorSums): boolean {
  return comparisons(sums).every(([, expected, actual]) => expected === actual);
}

/** A settlement between or under two reads looks like a difference; one that stays is one. */
async function lookAgain(
  deps: Deps,
  first: ReadonlyMap<CreatorId, CreatorSums>,
): Promise<{ differences: Difference[]; settling: boolean }> {
  let off: [CreatorId, CreatorSums | undefined][] = [...first].filter(([, sums]) => !agree(sums));
  for (let look = 0; look < looks && off.length > 0; look += 1) {
    await pause(deps, look);
    const again: typeof off = [];
    for (const [creatorId] of off) again.push([creatorId, await readSums(deps.source, creatorId)]);
    off = again.filter(([, sums]) => !sums || !agree(sums));
  }
  const differences = off.flatMap(([creatorId, sums]) =>
    sums ? differencesOf(creatorId, sums) : [],
  );
  // Settled at every look: nothing is known to be wrong, and the proof is not of one moment.
  return { differences, settling: off.some(([, sums]) => !sums) };
}

/** Undefined when a settlement came in between: such a look proves nothing. */
async function readSums(
  source: ProofSource,
  creatorId: CreatorId,
): Promise<CreatorSums | undefined> {
  const sums = noSums();
  const account = await source.readAccount(creatorId);
  addAccount(sums, account);
  for await (const counter of source.countersOf(creatorId)) addCounter(sums, counter);
  for await (const entry of source.entriesOf(creatorId)) addEntry(sums, entry);
  const { sequence } = await source.readAccount(creatorId);
  return sequence === account.sequence ? sums : undefined;
}

function differencesOf(creatorId: CreatorId, sums: CreatorSums): Difference[] {
  return comparisons(sums)
    .filter(([, expected, actual]) => expected !== actual)
    .map(([what, expected, actual]) => ({ ...difference(what, expected, actual), creatorId }));
}

function difference(what: string, expected: bigint, actual: bigint): Difference {
  return { what, expected: String(expected), actual: String(actual) };
}
