import type { UtcMonth } from "../contracts/fields.ts";
import {
  type ArticleId,
  type CreatorId,
  canaryArticleId,
  canaryCreatorId,
} from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import {
  type AccountTotals,
  emptyAccount,
  inPayoutOf,
  type LedgerEntry,
  payableOf,
  totalsAfter,
} from "../ledger/entry.ts";
import { type Proof, type ProofSource, proveMoney } from "../ledger/prove-money.ts";
import { type Micros, micros, zeroMicros } from "../values/micros.ts";
import { monthBefore, utcDayOf, utcMonthOf } from "../values/time.ts";
import { type Counter, effectOfLines } from "./counter.ts";

/** What the publisher owes and has paid all its creators, in micros. */
export interface EarningsSummary {
  /** What was counted and booked until then is in it. */
  readonly asOfMs: number;
  /** What the proof found that read the same. */
  readonly proof: Pick<Proof, "ok" | "quiet">;
  /** The sums of all creators' balances, and what has arrived. */
  readonly payable: Micros;
  readonly pending: Micros;
  readonly held: Micros;
  readonly inPayout: Micros;
  readonly paidOut: Micros;
  /** Months in which something happened, latest first. */
  readonly months: readonly MonthSums[];
  /** Of the latest months: as many as `monthsWithTop`, or fewer where very many articles earn. */
  readonly tops: readonly MonthTop[];
}

export interface MonthSums {
  readonly month: UtcMonth;
  /** By engagements of its days, settled or not, held or not; the publisher's fees come on top. */
  readonly earned: Micros;
  /** Still held of that. */
  readonly held: Micros;
  readonly fees: Micros;
  /** Booked by hand in this month; arrived at creators' banks in this month. */
  readonly adjusted: Micros;
  readonly paidOut: Micros;
}

/** Who and what earned most in a month, the most first; `limits.maxTopEarners` of each. */
export interface MonthTop {
  readonly month: UtcMonth;
  readonly creators: readonly Earner<CreatorId>[];
  readonly articles: readonly Earner<ArticleId>[];
}

export interface Earner<Id> {
  readonly id: Id;
  readonly earned: Micros;
}

/** A year and the month before: what people compare. */
const monthsWithTop = 13;
/**
 * Creators and articles, in each month, whose sums are kept while counters are read: some 150 MB.
 * Beyond it the earliest months go without.
 */
const maxNames = 1_000_000;

type Sums = { earned: bigint; held: bigint; fees: bigint };
type Earned = {
  readonly creators: Map<CreatorId, bigint>;
  readonly articles: Map<ArticleId, bigint>;
};

/** Sums up counters and entries as the proof reads them. */
export class SummingUp {
  readonly #nowMs: () => number;
  readonly #maxNames: number;
  #asOfMs = 0;
  #counted = { payable: 0n, settled: 0n };
  #months = new Map<UtcMonth, Sums>();
  #earned = new Map<UtcMonth, Earned>();
  #names = 0;
  #firstTop = "" as UtcMonth;
  #booked = emptyAccount.totals;
  #bookedIn = new Map<UtcMonth, AccountTotals>();

  constructor(nowMs: () => number, most = maxNames) {
    this.#nowMs = nowMs;
    this.#maxNames = most;
  }

  /** Counters are read, perhaps once more. */
  beginCounters(): void {
    this.#asOfMs = this.#nowMs();
    this.#counted = { payable: 0n, settled: 0n };
    this.#months = new Map();
    this.#earned = new Map();
    this.#names = 0;
    this.#firstTop = monthBefore(utcMonthOf(utcDayOf(this.#asOfMs)), monthsWithTop - 1);
  }

  addCounter({ id, counted, settled }: Counter): void {
    const effect = effectOfLines(counted);
    // Both are of one item at one moment: what is settled meanwhile shows once.
    this.#counted.payable += effect.payable;
    this.#counted.settled += effectOfLines(settled).payable;
    const month = utcMonthOf(id.day);
    const sums = this.#months.get(month) ?? { earned: 0n, held: 0n, fees: 0n };
    this.#months.set(month, sums);
    const earned = effect.payable + effect.held;
    sums.earned += earned;
    sums.held += effect.held;
    sums.fees += effect.fee;
    if (month >= this.#firstTop) this.#addEarned(month, id, earned);
  }

  beginLedger(): void {
    this.#booked = emptyAccount.totals;
    this.#bookedIn = new Map();
  }

  addEntry(entry: LedgerEntry): void {
    const month = utcMonthOf(utcDayOf(entry.bookedAtMs));
    this.#booked = totalsAfter(this.#booked, entry);
    const before = this.#bookedIn.get(month) ?? emptyAccount.totals;
    this.#bookedIn.set(month, totalsAfter(before, entry));
  }

  summary({ ok, quiet }: Pick<Proof, "ok" | "quiet">): EarningsSummary {
    const months = this.#monthSums();
    const { payable, settled } = this.#counted;
    const { adjusted, reserved, returned, confirmed } = this.#booked;
    return {
      asOfMs: this.#asOfMs,
      proof: { ok, quiet },
      payable: payableOf({
        ...emptyAccount.totals,
        ...{ earned: micros(settled), adjusted, reserved, returned },
      }),
      pending: micros(payable - settled),
      held: micros(months.reduce((sum, { held }) => sum + held, 0n)),
      inPayout: inPayoutOf(this.#booked),
      paidOut: confirmed,
      months,
      tops: [...this.#earned].map(([month, { creators, articles }]) => ({
        month,
        creators: mostOf(creators, canaryCreatorId),
        articles: mostOf(articles, canaryArticleId),
      })),
    };
  }

  #monthSums(): MonthSums[] {
    const names = [...new Set([...this.#months.keys(), ...this.#bookedIn.keys()])];
    return names
      .sort()
      .reverse()
      .map((month) => {
        const sums = this.#months.get(month);
        const booked = this.#bookedIn.get(month);
        return {
          month,
          earned: micros(sums?.earned ?? 0n),
          held: micros(sums?.held ?? 0n),
          fees: micros(sums?.fees ?? 0n),
          adjusted: booked?.adjusted ?? zeroMicros,
          paidOut: booked?.confirmed ?? zeroMicros,
        };
      });
  }

  #addEarned(month: UtcMonth, { creatorId, articleId }: Counter["id"], earned: bigint): void {
    const own: Earned = this.#earned.get(month) ?? { creators: new Map(), articles: new Map() };
    this.#earned.set(month, own);
    this.#names -= own.creators.size + own.articles.size;
    own.creators.set(creatorId, (own.creators.get(creatorId) ?? 0n) + earned);
    own.articles.set(articleId, (own.articles.get(articleId) ?? 0n) + earned);
    this.#names += own.creators.size + own.articles.size;
    if (this.#names > this.#maxNames) this.#forgetEarliest();
  }

  #forgetEarliest(): void {
    const [earliest, next] = [...this.#earned.keys()].sort();
    const forgotten = earliest === undefined ? undefined : this.#earned.get(earliest);
    if (earliest === undefined || !forgotten) return;
    this.#names -= forgotten.creators.size + forgotten.articles.size;
    this.#earned.delete(earliest);
    // A part of a month would pass for all of it.
    this.#firstTop = next ?? monthBefore(earliest, -1);
  }
}

/** What is read from the source passes through, and is summed up on its way. */
export function summedUp(source: ProofSource, sums: SummingUp): ProofSource {
  return {
    ...source,
    async *allCounters() {
      sums.beginCounters();
      for await (const counter of source.allCounters()) {
        sums.addCounter(counter);
        yield counter;
      }
    },
    async *ledger() {
      sums.beginLedger();
      for await (const item of source.ledger()) {
        if ("entry" in item) sums.addEntry(item.entry);
        yield item;
      }
    },
  };
}

/** Those that earned something, the most first; of those who earned alike, by id. */
function mostOf<Id extends string>(earned: ReadonlyMap<Id, bigint>, canary: Id): Earner<Id>[] {
  return [...earned]
    .filter(([id, amount]) => amount > 0n && id !== canary)
    .sort(([a, one], [b, other]) => (one === other ? (a < b ? -1 : 1) : one > other ? -1 : 1))
    .slice(0, limits.maxTopEarners)
    .map(([id, amount]) => ({ id, earned: micros(amount) }));
}

/** The proof, and the sums of what it read. */
export async function proveAndSumUp(deps: Parameters<typeof proveMoney>[0]) {
  const sums = new SummingUp(() => deps.clock.nowMs());
  const proof = await proveMoney({ ...deps, source: summedUp(deps.source, sums) });
  return { proof, summary: sums.summary(proof) };
}
