/** How fast is too fast: `perSecond` in the long run, up to `burst` at once after a rest. */
export interface Rate {
  /** May be a fraction: 0.2 is one in five seconds. */
  readonly perSecond: number;
  readonly burst: number;
}

/** A rate whose burst is what a second allows. */
export function rateOf(perSecond: number): Rate {
  return { perSecond, burst: Math.max(1, Math.floor(perSecond)) };
}

export type Reservation =
  /** The units are the caller's, to be used after so long. */
  | {
      readonly kind: "reserved";
      readonly waitMs: number;
      /** If nobody reserves more, the whole burst may be had again after so long. */
      readonly fullInMs: number;
    }
  /** Nothing was reserved: the wait would be too long. It would not be after `retryAfterMs`. */
  | { readonly kind: "refused"; readonly retryAfterMs: number };

/**
 * Rate limits that all workers share. No two of them get the same slot, however many ask at once; a
 * call whose answer was lost wastes its slots when it is sent again.
 */
export interface RateLimiter {
  /**
   * Reserves the next slots of what `name` stands for. It may be given another rate at any time.
   * @param units at most `rate.burst`.
   * @param options `maxWaitMs`: the longest wait that is of use; default: none. `idle`: the asker
   *   believes that nothing is reserved beyond now, which saves a write if it is right.
   */
  reserve(
    name: string,
    units: number,
    rate: Rate,
    options?: { readonly maxWaitMs?: number; readonly idle?: boolean },
  ): Promise<Reservation>;
  /** Nobody gets another slot before then: the other side said when to come back. */
  pauseUntil(name: string, rate: Rate, atMs: number): Promise<void>;
}

/**
 * What one reservation asks for, in whole microseconds. All that was reserved before takes the time
 * up to some instant (GCRA's "theoretical arrival time"); this one takes the `costUs` after that.
 */
export interface Claim {
  readonly nowUs: number;
  readonly costUs: number;
  /** What a burst takes; so much may be used ahead of its time. */
  readonly burstUs: number;
  /** The latest end of what was reserved before with which this one need not wait for too long. */
  readonly latestUs: number;
}

export function claimOf(units: number, rate: Rate, maxWaitMs: number, nowMs: number): Claim {
  const { perSecond, burst } = rate;
  if (!(perSecond > 0) || !(units > 0) || units > burst) {
    throw new RangeError(`${units} units of ${burst} at once, ${perSecond} a second: never`);
  }
  const slotUs = slotUsOf(rate);
  const costUs = units * slotUs;
  const burstUs = burst * slotUs;
  const nowUs = Math.floor(nowMs * 1_000);
  return { nowUs, costUs, burstUs, latestUs: nowUs + maxWaitMs * 1_000 + burstUs - costUs };
}

/** What one unit takes. Rounded up, so that it is never faster than the rate. */
function slotUsOf({ perSecond }: Rate): number {
  return Math.ceil(1_000_000 / perSecond);
}

/** What has to be reserved so that the next slot is after `atMs`. */
export function pauseUs(rate: Rate, atMs: number): number {
  return Math.ceil(atMs) * 1_000 + rate.burst * slotUsOf(rate);
}

/** Nothing is reserved beyond now: a limiter does not save up for more than a burst. */
export function isIdle(claim: Claim, reservedToUs: number | undefined): boolean {
  return reservedToUs === undefined || reservedToUs <= claim.nowUs;
}

/** @param reservedToUs the end of what is reserved, this claim included. */
export function granted({ nowUs, burstUs }: Claim, reservedToUs: number): Reservation {
  const msTo = (us: number) => Math.max(0, Math.ceil((us - nowUs) / 1_000));
  return {
    kind: "reserved",
    waitMs: msTo(reservedToUs - burstUs),
    fullInMs: msTo(reservedToUs),
  };
}

/** @param reservedToUs the end of what others reserved; undefined or past: not refused. */
export function refusal(claim: Claim, reservedToUs: number | undefined): Reservation | undefined {
  if (reservedToUs === undefined || isIdle(claim, reservedToUs)) return undefined;
  if (reservedToUs <= claim.latestUs) return undefined;
  return { kind: "refused", retryAfterMs: Math.ceil((reservedToUs - claim.latestUs) / 1_000) };
}
