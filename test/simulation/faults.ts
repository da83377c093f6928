import { entryTypes } from "../../core/ledger/entry.ts";
import type { Prng } from "./prng.ts";

/** Faults that chance brings about; each with how likely it is where it may happen. */
export const usualRates = {
  crashBeforeIo: 0.008,
  crashAfterIo: 0.008,
  slowIo: 0.05,
  hangingIo: 0.003,
  lostAnswer: 0.02,
  throttled: 0.02,
  cancelledForCapacity: 0.05,
  tornTransaction: 0.3,
  slowTransaction: 0.2,
  staleIndex: 0.3,
  putEventsPartlyFailed: 0.1,
  putEventsAnswerLost: 0.05,
  busDeliversTwice: 0.05,
  busDeliversLate: 0.05,
  deliveredTwiceAtOnce: 0.1,
  deletedButRedelivered: 0.05,
  delayedForDays: 0.02,
  schedulerTwice: 0.2,
  schedulerSilent: 0.2,
  clockOff: 0.5,
  readAmidWrites: 0.03,
  settlementAmidWrites: 0.1,
  releaseAmidWrites: 0.01,
  pricingAmidWrites: 0.02,
  reviewAmidWrites: 0.01,
  payoutAmidWrites: 0.02,
  outage: 0.002,
} as const;

export type InjectedFault = keyof typeof usualRates;

/** What comes of them, or lies in the scenario: counted, because a run that never met it is no test. */
const metFaults = [
  "crashInEdge",
  "crashInCounting",
  "crashInSettlement",
  "crashInScheduler",
  "crashInRelease",
  "crashInPricing",
  "crashInReview",
  "crashInReviewRequest",
  "crashInPayoutRequest",
  "crashInPayoutRun",
  "crashInPaying",
  "crashInPayoutResult",
  "crashInAdjustment",
  "workerTimedOut",
  "workersSideBySide",
  "transactionConflict",
  "readConflict",
  "duplicateBesideConflict",
  "retriedOnAnotherShard",
  "ownKeysFoundAfterLostAnswer",
  "settlementRaced",
  "settlementsOverlapped",
  "duplicateEngagement",
  "redeliveredInOneBatch",
  "deadLettered",
  "redriven",
  "redrivenAfterDays",
  "redrivenTwice",
  "poisonMessage",
  "otherSchemaVersion",
  "olderSchemaVersion",
  "unknownArticle",
  "pricedByAnOlderCard",
  "publishersFee",
  "sharedArticle",
  "sharesChanged",
  "articlesOwnCard",
  "creatorsOwnCard",
  "cardsOfTwoScopes",
  "lateForItsMonth",
  "weighedInPool",
  "lateForItsPool",
  "poolPriced",
  "poolUnspent",
  "leapDay",
  "counterBeyond2To53",
  "stormOnOneCreator",
  "severalEventsInOneRequest",
  "expiredItemStillThere",
  "expiredItemGone",
  "requestSentAgain",
  "everythingPresentedAgain",
  "presentedAtDedupeHorizon",
  "balanceRead",
  "balanceReadUnderTornCommit",
  "proofDuringRun",
  "moderatedLater",
  "voidedByReview",
  "voidedAfterItsRelease",
  "voidedInPool",
  "releasedByReview",
  "releasedByTime",
  "reviewAskedTwice",
  "payoutRefused",
  "payoutAskedTwice",
  "payoutResultTwice",
  "payoutResultContradicted",
  "payoutLeftOpen",
  "payoutRunTwice",
  "adjustmentAskedTwice",
  "negativeBalance",
  "statementOfAMonth",
] as const;

/** Whatever the rules may say of an engagement, and every type of entry: each must come about. */
const verdicts = [
  "paid",
  "held.over_rate",
  "held.token_reuse",
  "held.unmoderated",
  "void.bot",
  "void.self_view",
  "void.comment_rejected",
  "void.reader_cap",
  "void.over_rate",
  "void.token_reuse",
] as const;
type VerdictKind = `verdict ${(typeof verdicts)[number]}`;
type EntryKind = `entry ${(typeof entryTypes)[number]}`;

export type FaultKind = InjectedFault | (typeof metFaults)[number] | VerdictKind | EntryKind;

export const faultKinds: readonly FaultKind[] = [
  ...(Object.keys(usualRates) as InjectedFault[]),
  ...metFaults,
  ...verdicts.map((verdict) => `verdict ${verdict}` as const),
  ...entryTypes.map((type) => `entry ${type}` as const),
];

export type Coverage = Record<FaultKind, number>;

export function emptyCoverage(): Coverage {
  return Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Coverage;
}

export function addCoverage(total: Coverage, more: Coverage): void {
  for (const kind of faultKinds) total[kind] += more[kind];
}

/**
 * Decides when faults happen, and counts those that did. Each seed has its own mix: some kinds are
 * off, others frequent, because faults that come together find what a mild mix of all never does.
 */
export class Faults {
  readonly coverage = emptyCoverage();
  readonly #prng: Prng;
  readonly #nowMs: () => number;
  readonly #rates: Record<InjectedFault, number>;
  #active = true;
  #pausedUntilMs = 0;

  constructor(
    prng: Prng,
    rates: Partial<Record<InjectedFault, number>> | undefined,
    nowMs: () => number,
  ) {
    this.#prng = prng;
    this.#nowMs = nowMs;
    const mix = prng.fork("mix");
    this.#rates = { ...usualRates };
    for (const kind of Object.keys(usualRates) as InjectedFault[]) {
      const intensity = mix.chance(0.35) ? 0 : mix.pick([0.5, 1, 1, 2, 4]);
      this.#rates[kind] = rates ? (rates[kind] ?? 0) : Math.min(0.9, usualRates[kind] * intensity);
    }
  }

  /** Whether it happens here and now. */
  happens(kind: InjectedFault): boolean {
    // Clocks stay off when all else is well again.
    if (this.#rates[kind] === 0 || !(this.active || kind === "clockOff")) return false;
    const happens = this.#prng.chance(this.#rates[kind]);
    if (happens) this.coverage[kind] += 1;
    return happens;
  }

  /** True where this kind never happens in this run, so that the oracle may be stricter. */
  never(kind: InjectedFault): boolean {
    return this.#rates[kind] === 0;
  }

  get active(): boolean {
    return this.#active && this.#nowMs() >= this.#pausedUntilMs;
  }

  /** All is well for a while. */
  pause(untilMs: number): void {
    this.#pausedUntilMs = untilMs;
  }

  met(kind: FaultKind, times = 1): void {
    this.coverage[kind] += times;
  }

  /** @param verdict `paid`, `held.over_rate` … */
  metVerdict(verdict: string): void {
    this.met(`verdict ${verdict}` as VerdictKind);
  }

  metEntry(type: string): void {
    this.met(`entry ${type}` as EntryKind);
  }

  stop(): void {
    this.#active = false;
  }
}
