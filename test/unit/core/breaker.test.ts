import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  admit,
  type Breaker,
  type BreakerRules,
  type CallOutcome,
  closedBreaker,
  recorded,
} from "../../../core/pacing/breaker.ts";

const startMs = 1_900_000_000_000;
const rules: BreakerRules = {
  ...{ failuresToOpen: 3, shareToOpen: 0.5, minCalls: 10, windowMs: 60_000 },
  ...{ coolDownMs: 1_000, maxCoolDownMs: 10_000, probes: 2, probeTimeoutMs: 500 },
};

const anyRules: fc.Arbitrary<BreakerRules> = fc.record({
  failuresToOpen: fc.integer({ min: 1, max: 6 }),
  shareToOpen: fc.constantFrom(0.3, 0.5, 1),
  minCalls: fc.integer({ min: 1, max: 10 }),
  windowMs: fc.integer({ min: 1, max: 5_000 }),
  coolDownMs: fc.integer({ min: 1, max: 3_000 }),
  maxCoolDownMs: fc.integer({ min: 3_000, max: 20_000 }),
  probes: fc.integer({ min: 1, max: 3 }),
  probeTimeoutMs: fc.integer({ min: 1, max: 2_000 }),
});

type Step =
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "call" }
  | { readonly do: "answer"; readonly call: number; readonly outcome: CallOutcome };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("wait" as const), ms: fc.nat(4_000) }),
    fc.record({ do: fc.constant("call" as const) }),
    fc.record({
      do: fc.constant("answer" as const),
      call: fc.nat(30),
      outcome: fc.constantFrom<CallOutcome>("succeeded", "failed", "failed"),
    }),
  ),
  { maxLength: 80 },
);

/** Runs calls that overlap, answer late or never; `look` sees every step. */
function run(
  law: BreakerRules,
  all: readonly Step[],
  look: (before: Breaker, after: Breaker, nowMs: number) => void = () => {},
  random = () => 0.5,
) {
  let [breaker, nowMs] = [closedBreaker(startMs), startMs];
  const pending: number[] = [];
  const admitted = new Map<number, number>();
  for (const step of all) {
    const before = breaker;
    if (step.do === "wait") nowMs += step.ms;
    else if (step.do === "call") {
      const { admission, next } = admit(breaker, law, nowMs);
      breaker = next ?? breaker;
      if (admission.kind === "admitted") {
        pending.push(admission.epoch);
        admitted.set(admission.epoch, (admitted.get(admission.epoch) ?? 0) + 1);
        if (breaker.state === "half-open") {
          expect(admitted.get(breaker.epoch)).toBeLessThanOrEqual(law.probes);
        }
      } else {
        expect(admission.retryAtMs).toBeGreaterThan(nowMs);
        expect(breaker.state).not.toBe("closed");
      }
    } else if (pending.length > 0) {
      const [epoch = 0] = pending.splice(step.call % pending.length, 1);
      const { outcome } = step;
      breaker = recorded(breaker, law, { epoch, outcome }, nowMs, random) ?? breaker;
      if (epoch !== before.epoch) expect(breaker).toBe(before);
    }
    look(before, breaker, nowMs);
  }
  return { breaker, nowMs };
}

describe("a circuit breaker", () => {
  test("lets through no more than its probes, and does not listen to calls of another time", () => {
    fc.assert(
      fc.property(anyRules, steps, (law, all) => {
        run(law, all, (before, after, nowMs) => {
          if (before.state === after.state && before.epoch === after.epoch) return;
          expect(after.epoch).toBe(before.epoch + 1);
          expect(after.sinceMs).toBe(nowMs);
          const allowed = ["closed>open", "open>half-open", "half-open>half-open"];
          allowed.push("half-open>open", "half-open>closed");
          expect(allowed).toContain(`${before.state}>${after.state}`);
        });
      }),
    );
  });

  test("cools down for longer each time, within its bounds", () => {
    fc.assert(
      fc.property(
        anyRules,
        steps,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (law, all, chance) => {
          const look = (_: Breaker, after: Breaker) => {
            if (after.state !== "open") return;
            const leastMs = Math.min(law.maxCoolDownMs, law.coolDownMs * 2 ** (after.openings - 1));
            expect(after.probeAtMs - after.sinceMs).toBeGreaterThanOrEqual(leastMs);
            expect(after.probeAtMs - after.sinceMs).toBeLessThanOrEqual(leastMs * 1.5);
          };
          run(law, all, look, () => chance);
        },
      ),
    );
  });

  test("wherever it stands, it closes once its probes succeed", () => {
    fc.assert(
      fc.property(anyRules, steps, (law, all) => {
        let { breaker, nowMs } = run(law, all);
        nowMs += law.maxCoolDownMs * 2 + law.probeTimeoutMs;
        for (let probe = 0; probe < law.probes; probe += 1) {
          const { admission, next } = admit(breaker, law, nowMs);
          if (admission.kind !== "admitted")
            return expect.unreachable("it must let a probe through");
          const { epoch } = admission;
          const call = { epoch, outcome: "succeeded" } as const;
          breaker = recorded(next ?? breaker, law, call, nowMs, () => 0) ?? expect.unreachable();
        }
        expect(breaker.state).toBe("closed");
      }),
    );
  });

  const having = (outcomes: readonly CallOutcome[]) =>
    outcomes.reduce<Breaker>(
      (breaker, outcome) =>
        recorded(breaker, rules, { epoch: breaker.epoch, outcome }, startMs, () => 0) ?? breaker,
      closedBreaker(startMs),
    );

  test("opens after failures in a row, not after as many with a success between them", () => {
    expect(having(["failed", "failed", "succeeded", "failed", "failed"]).state).toBe("closed");
    expect(having(["failed", "failed", "failed"])).toMatchObject({
      ...{ state: "open", openings: 1, probeAtMs: startMs + 1_000 },
    });
  });

  test("opens when half of a window's calls failed", () => {
    const half = Array.from({ length: 4 }, () => ["failed", "succeeded"] as const).flat();
    expect(having(half).state).toBe("closed");
    expect(having([...half, "failed", "failed"]).state).toBe("open");
  });

  test("Q7: a probe that was killed is replaced by another one", () => {
    const open = having(["failed", "failed", "failed"]);
    const nowMs = startMs + 1_000;
    const first = admit(open, rules, nowMs);
    const second = admit(first.next ?? open, rules, nowMs);
    const third = admit(second.next ?? open, rules, nowMs);
    expect(third).toEqual({ admission: { kind: "refused", retryAtMs: nowMs + 500 } });
    expect(admit(second.next ?? open, rules, nowMs + 500)).toMatchObject({
      admission: { kind: "admitted" },
      next: { state: "half-open", begun: 1 },
    });
  });
});
