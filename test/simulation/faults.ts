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
  outage: 0.002,
} as const;

export type InjectedFault = keyof typeof usualRates;

/** What comes of them, or lies in the scenario: counted, because a run that never met it is no test. */
const metFaults = [
  "crashInEdge",
  "crashInCounting",
  "crashInSettlement",
  "crashInScheduler",
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
  "deadLettered",
  "redriven",
  "redrivenAfterDays",
  "redrivenTwice",
  "poisonMessage",
  "otherSchemaVersion",
  "unknownArticle",
  "pricedByAnOlderCard",
  "articleMoved",
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
] as const;

export type FaultKind = InjectedFault | (typeof metFaults)[number];

export const faultKinds: readonly FaultKind[] = [
  ...(Object.keys(usualRates) as InjectedFault[]),
  ...metFaults,
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
  readonly #rates: Record<InjectedFault, number>;
  #active = true;

  constructor(prng: Prng, rates: Partial<Record<InjectedFault, number>> | undefined) {
    this.#prng = prng;
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
    if (this.#rates[kind] === 0 || !(this.#active || kind === "clockOff")) return false;
    const happens = this.#prng.chance(this.#rates[kind]);
    if (happens) this.coverage[kind] += 1;
    return happens;
  }

  /** True where this kind never happens in this run, so that the oracle may be stricter. */
  never(kind: InjectedFault): boolean {
    return this.#rates[kind] === 0;
  }

  get active(): boolean {
    return this.#active;
  }

  met(kind: FaultKind, times = 1): void {
    this.coverage[kind] += times;
  }

  stop(): void {
    this.#active = false;
  }
}
