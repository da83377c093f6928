import { type CreatorId, canaryArticleId, canaryCreatorId } from "../contracts/ids.ts";
import { type Counter, effectOfLines, pendingLines } from "../earnings/counter.ts";
import { parseLineKey } from "../earnings/line.ts";
import { chunk } from "../values/group-by.ts";
import type { Micros } from "../values/micros.ts";
import type { Pacing } from "../values/retry.ts";
import { type Clock, hourMs } from "../values/time.ts";
import { checkChain, checkEntry, type Difference, difference } from "./check-entry.ts";
import {
  addCounter,
  addEntry,
  addPayout,
  agree,
  type CreatorSums,
  differencesOf,
  grownOf,
  type KnownPayout,
  noSums,
  type Overdue,
} from "./creator-sums.ts";
import {
  emptyAccount,
  heldOf,
  inPayoutOf,
  type LedgerAccount,
  type LedgerEntry,
  payableOf,
} from "./entry.ts";

/** Totals that are kept apart from the counters. All but `states` only grow. */
export interface Tally {
  /** Engagements that were counted: one for each impression key. */
  readonly engagements: bigint;
  /** What was added to counters' `events`. */
  readonly events: bigint;
  /** Ever earned, payable or held; and ever voided of that. */
  readonly micros: Micros;
  readonly voidedMicros: Micros;
  readonly rejected: bigint;
  /** Engagements by what became of them: `paid`, `held.over_rate`, `void.bot` … */
  readonly states: ReadonlyMap<string, bigint>;
}

export interface OpenPayout {
  readonly creatorId: CreatorId;
  readonly amountMicros: Micros;
}

/** Everything there is, for the proof. Strongly consistent reads, but no snapshot across items. */
export interface ProofSource {
  readTally(): Promise<Tally>;
  allCounters(): AsyncIterable<Counter>;
  /** Entries of one creator come together, in the order of their numbers. */
  ledger(): AsyncIterable<LedgerItem>;
  /** The same for one creator, to look again when money moved under the first look. */
  countersOf(creatorId: CreatorId): AsyncIterable<Counter>;
  entriesOf(creatorId: CreatorId): AsyncIterable<LedgerEntry>;
  payoutsOf(creatorId: CreatorId): AsyncIterable<KnownPayout>;
  openPayoutsOf(creatorId: CreatorId): AsyncIterable<OpenPayout>;
  readAccount(creatorId: CreatorId): Promise<LedgerAccount>;
}

export type LedgerItem =
  | { readonly entry: LedgerEntry }
  | { readonly account: LedgerAccount & { readonly creatorId: CreatorId } }
  | { readonly payout: KnownPayout }
  | { readonly openPayout: OpenPayout };

/** The pauses between them sum to three seconds, whatever is off: the whole must fit a request. */
const looks = 5;
const firstPauseMs = 100;
/** Looked at again side by side: a monthly run moves the money of everyone under the first look. */
const creatorsAtOnce = 16;
/** Holds are released and pools priced every hour; this much later something is wrong. */
const overdueAfterMs = 26 * hourMs;
/** The longest that a pool's day may stay open. */
const maxPoolOpenMs = 48 * hourMs;

interface Deps {
  readonly source: ProofSource;
  readonly clock: Clock;
  /** How to wait before a second look. */
  readonly pacing: Pick<Pacing, "sleep">;
  /** How long money that was held waits. */
  readonly holdMs: number;
}

/**
 * Checks that money adds up, now: the tally equals the counters, what counters call settled equals
 * the ledger, every entry sums to zero and follows from the one before it, each account equals its
 * entries, and what is on its way to creators equals the payouts that are open. It may run while
 * money moves: totals that only grow are compared as bounds. A transaction shows item by item while
 * it commits, so whatever seems off is looked at again a little later, and only what stays is a
 * difference.
 */
export async function proveMoney(deps: Deps) {
  const { before, after, totals, creators } = await countAll(deps);
  const differences: Difference[] = [];
  const ledger = {
    ...{ entries: 0, payable: 0n, held: 0n, inPayout: 0n, fees: 0n },
    ...{ adjusted: 0n, paidOut: 0n },
  };
  let last: LedgerEntry | undefined;
  for await (const item of deps.source.ledger()) {
    if ("openPayout" in item) {
      sumsOf(creators, item.openPayout.creatorId).openPayouts += item.openPayout.amountMicros;
      continue;
    }
    if ("payout" in item) {
      addPayout(sumsOf(creators, item.payout.creatorId), item.payout);
      continue;
    }
    if ("account" in item) {
      sumsOf(creators, item.account.creatorId).account = item.account;
      continue;
    }
    const { entry } = item;
    ledger.entries += 1;
    addEntry(sumsOf(creators, entry.creatorId), entry);
    const previous = last?.creatorId === entry.creatorId ? last : undefined;
    differences.push(...checkEntry(entry), ...checkNext(previous, entry));
    last = entry;
  }
  for (const { totals: own } of creators.values()) {
    ledger.payable += payableOf(own);
    ledger.held += heldOf(own);
    ledger.inPayout += inPayoutOf(own);
    ledger.fees += own.fees;
    ledger.adjusted += own.adjusted;
    ledger.paidOut += own.confirmed;
  }
  const decided = [...after.states.values()].reduce((sum, count) => sum + count, 0n);
  if (decided !== after.engagements) {
    const what = "engagements differ from the sum of their states";
    differences.push(difference(what, after.engagements, decided, "count"));
  }
  for (const [name, of, unit] of bounds) {
    if (within(of(before), totals.grown[name], of(after))) continue;
    const what = `counters do not match the tally: ${name}`;
    differences.push(difference(what, of(after), totals.grown[name], unit));
  }
  const { differences: stayed, settling } = await lookAgain(deps, creators);
  differences.push(...stayed);
  const quiet = before.events === after.events && !settling;
  return {
    ok: differences.length === 0,
    asOf: new Date(deps.clock.nowMs()).toISOString(),
    /** False when money moved meanwhile: totals are then of slightly different moments. */
    quiet,
    counted: {
      engagements: String(after.engagements),
      micros: String(after.micros),
      voidedMicros: String(after.voidedMicros),
    },
    rejected: { engagements: String(after.rejected) },
    counters: {
      pendingMicros: String(totals.pendingPayable),
      pendingHeldMicros: String(totals.pendingHeld),
    },
    ledger: {
      entries: ledger.entries,
      payableMicros: String(ledger.payable),
      heldMicros: String(ledger.held),
      inPayoutMicros: String(ledger.inPayout),
      paidOutMicros: String(ledger.paidOut),
      /** In what is payable, or was: booked by hand, on top of what was earned. */
      adjustedMicros: String(ledger.adjusted),
      feeMicros: String(ledger.fees),
    },
    creators: creators.size,
    /** What of all that is the canary's: it is proven like everything, and no reader's. */
    canary: {
      creatorId: canaryCreatorId,
      engagements: String(totals.canary.engagements),
      micros: String(totals.canary.micros),
      entries: Number(creators.get(canaryCreatorId)?.entries ?? 0n),
      note: canaryNote,
    },
    differences,
  };
}

const canaryNote =
  "These are in the totals above: views that the system reports of itself to see that views arrive. " +
  "They are worth nothing.";

export type Proof = Awaited<ReturnType<typeof proveMoney>>;

/** What grows in the counters, and the total of it that the tally keeps. */
const bounds = [
  ["events", ({ events }: Tally): bigint => events, "count"],
  ["micros", ({ micros }: Tally): bigint => micros, "micros"],
  ["voidedMicros", ({ voidedMicros }: Tally): bigint => voidedMicros, "micros"],
] as const;

/** An entry after the one before it, which is undefined for a creator's first. */
function checkNext(previous: LedgerEntry | undefined, entry: LedgerEntry): Difference[] {
  // A gap is found by number, and would only be told again here.
  if (entry.sequence !== (previous?.sequence ?? 0) + 1) return [];
  const found = checkChain((previous ?? emptyAccount).totals, entry);
  const earlier = entry.bookedAtMs < (previous?.bookedAtMs ?? 0);
  return earlier
    ? [
        ...found,
        {
          ...difference(
            "an entry is booked before its predecessor (ms)",
            BigInt(previous?.bookedAtMs ?? 0),
            BigInt(entry.bookedAtMs),
            "ms",
          ),
          creatorId: entry.creatorId,
        },
      ]
    : found;
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
    const grown = { events: 0n, micros: 0n, voidedMicros: 0n };
    const canary = { engagements: 0n, micros: 0n };
    const totals = { grown, canary, pendingPayable: 0n, pendingHeld: 0n };
    const before = await deps.source.readTally();
    for await (const counter of deps.source.allCounters()) {
      const { micros, voided } = grownOf(counter);
      grown.events += counter.events;
      grown.micros += micros;
      grown.voidedMicros += voided;
      const pending = effectOfLines(pendingLines(counter));
      totals.pendingPayable += pending.payable;
      totals.pendingHeld += pending.held;
      addCounter(sumsOf(creators, counter.id.creatorId), counter, overdueAt(deps));
      if (isCanary(counter)) {
        canary.engagements += decidedIn(counter);
        canary.micros += micros;
      }
    }
    const after = await deps.source.readTally();
    const fits = bounds.every(([what, of]) => within(of(before), grown[what], of(after)));
    if (fits || look === looks - 1) return { before, after, totals, creators };
  }
}

function isCanary({ id: { articleId, creatorId } }: Counter): boolean {
  return articleId === canaryArticleId && creatorId === canaryCreatorId;
}

/** Engagements, whatever became of each; not what was changed about them later. */
function decidedIn({ counted }: Counter): bigint {
  let engagements = 0n;
  for (const [key, { count }] of counted) {
    const { movement } = parseLineKey(key);
    if (movement === "paid" || movement === "held" || movement === "void") engagements += count;
  }
  return engagements;
}

function overdueAt({ clock, holdMs }: Deps): Overdue {
  const latestMs = clock.nowMs() - overdueAfterMs;
  return { heldBeforeMs: latestMs - holdMs, pooledBeforeMs: latestMs - maxPoolOpenMs };
}

function sumsOf(creators: Map<CreatorId, CreatorSums>, creatorId: CreatorId): CreatorSums {
  const sums = creators.get(creatorId) ?? noSums();
  creators.set(creatorId, sums);
  return sums;
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
    for (const some of chunk(off, creatorsAtOnce)) {
      const sums = await Promise.all(some.map(([creatorId]) => readSums(deps, creatorId)));
      again.push(...some.map(([creatorId], at): (typeof off)[number] => [creatorId, sums[at]]));
    }
    off = again.filter(([, sums]) => !sums || !agree(sums));
  }
  const differences = off.flatMap(([creatorId, sums]) =>
    sums ? differencesOf(creatorId, sums) : [],
  );
  // Settled at every look: nothing is known to be wrong, and the proof is not of one moment.
  return { differences, settling: off.some(([, sums]) => !sums) };
}

/** Undefined when an entry was booked in between: such a look proves nothing. */
async function readSums(deps: Deps, creatorId: CreatorId): Promise<CreatorSums | undefined> {
  const { source } = deps;
  const sums = noSums();
  sums.account = await source.readAccount(creatorId);
  for await (const counter of source.countersOf(creatorId)) {
    addCounter(sums, counter, overdueAt(deps));
  }
  for await (const entry of source.entriesOf(creatorId)) addEntry(sums, entry);
  for await (const payout of source.payoutsOf(creatorId)) addPayout(sums, payout);
  for await (const { amountMicros } of source.openPayoutsOf(creatorId)) {
    sums.openPayouts += amountMicros;
  }
  const { sequence } = await source.readAccount(creatorId);
  return sequence === sums.account.sequence ? sums : undefined;
}
