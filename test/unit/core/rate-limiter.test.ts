import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Claim,
  claimOf,
  granted,
  isIdle,
  type Rate,
  type Reservation,
  refusal,
} from "../../../core/pacing/rate-limiter.ts";

/** What the adapter's conditional update does, without rivals. */
function reserve(reservedToUs: number | undefined, claim: Claim) {
  const refused = refusal(claim, reservedToUs);
  if (refused) return { reservation: refused, reservedToUs };
  const fromUs = isIdle(claim, reservedToUs) ? claim.nowUs : (reservedToUs ?? 0);
  const toUs = fromUs + claim.costUs;
  return { reservation: granted(claim, toUs), reservedToUs: toUs };
}

const rates: fc.Arbitrary<Rate> = fc.record({
  perSecond: fc.oneof(fc.integer({ min: 1, max: 500 }), fc.constantFrom(0.01, 0.3, 2.5, 33.3)),
  burst: fc.integer({ min: 1, max: 20 }),
});
const asks = fc.array(
  fc.record({
    afterMs: fc.nat(2_000),
    units: fc.integer({ min: 1, max: 20 }),
    maxWaitMs: fc.oneof(fc.constant(0), fc.nat(5_000)),
  }),
  { maxLength: 60 },
);

interface Use {
  readonly atMs: number;
  readonly units: number;
}

/** Everyone uses what was reserved just when it may. */
function usesOf(rate: Rate, all: { afterMs: number; units: number; maxWaitMs: number }[]): Use[] {
  let nowMs = 1_900_000_000_000;
  let reservedToUs: number | undefined;
  const uses: Use[] = [];
  for (const { afterMs, units: wanted, maxWaitMs } of all) {
    nowMs += afterMs;
    const units = Math.min(wanted, rate.burst);
    const before = reservedToUs;
    const answer = reserve(reservedToUs, claimOf(units, rate, maxWaitMs, nowMs));
    reservedToUs = answer.reservedToUs;
    const { reservation } = answer;
    if (reservation.kind === "reserved") {
      expect(reservation.waitMs).toBeLessThanOrEqual(maxWaitMs);
      uses.push({ atMs: nowMs + reservation.waitMs, units });
    } else {
      expect(reservedToUs).toBe(before);
      const again = (delayMs: number): Reservation["kind"] =>
        reserve(before, claimOf(units, rate, maxWaitMs, nowMs + delayMs)).reservation.kind;
      expect(again(reservation.retryAfterMs)).toBe("reserved");
      expect(again(reservation.retryAfterMs - 1)).toBe("refused");
    }
  }
  return uses;
}

describe("a rate limit", () => {
  test("no stretch of time sees more than a burst and its rate", () => {
    fc.assert(
      fc.property(rates, asks, (rate, all) => {
        const uses = usesOf(rate, all);
        for (let first = 0; first < uses.length; first += 1) {
          let units = 0;
          for (const use of uses.slice(first)) {
            units += use.units;
            // A wait is rounded up to whole milliseconds.
            const stretchMs = use.atMs - (uses[first]?.atMs ?? 0) + 1;
            expect(units).toBeLessThanOrEqual(rate.burst + (stretchMs * rate.perSecond) / 1_000);
          }
        }
      }),
    );
  });

  test("whoever waits as told loses nothing: slots follow each other without gaps", () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 50 }), (rate, more) => {
        const count = rate.burst + more;
        const all = Array.from({ length: count }, () => ({
          ...{ afterMs: 0, units: 1, maxWaitMs: Number.MAX_SAFE_INTEGER / 1e6 },
        }));
        const uses = usesOf(rate, all);
        const [first, last] = [uses[0], uses.at(-1)];
        const slotMs = Math.ceil(1_000_000 / rate.perSecond) / 1_000;
        expect((last?.atMs ?? 0) - (first?.atMs ?? 0)).toBe(Math.ceil(more * slotMs));
      }),
    );
  });

  test("a reservation larger than the burst can never be, and says so", () => {
    expect(() => claimOf(3, { perSecond: 1, burst: 2 }, 0, 0)).toThrow(/3 units of 2 at once/);
    expect(() => claimOf(1, { perSecond: 0, burst: 2 }, 0, 0)).toThrow(RangeError);
  });
});
