import type { Pacing } from "../../core/values/retry.ts";
import type { Clock } from "../../core/values/time.ts";
import type { FaultKind, Faults, InjectedFault } from "./faults.ts";
import type { Prng } from "./prng.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** Functions of the system by their names; `edge` is what takes engagements. */
export const roles = [
  "edge",
  "count-engagements",
  "settle-creator",
  "settle-earnings",
  "release-holds",
  "price-pools",
  "request-review",
  "apply-review",
  "request-payout",
  "run-payouts",
  "pay-creators",
  "record-payout-result",
  "post-adjustment",
] as const;

/** The auditor only looks, and is never killed. */
export type Role = (typeof roles)[number] | "auditor";

/** Kill the first invocation of a role that makes its n-th I/O call (counted over the whole run). */
export interface CrashPlan {
  readonly role: Role;
  readonly ioCall: number;
  readonly when: "before" | "after";
}

export interface Surroundings {
  readonly clock: VirtualClock;
  readonly faults: Faults;
  readonly prng: Prng;
  readonly trace: (line: () => string) => void;
  readonly crashPlan?: CrashPlan | undefined;
  /** I/O calls made so far, by role. */
  readonly ioCalls: Map<Role, number>;
  /** Services that refuse every call until then, by the fault that loses their answers. */
  readonly outageUntilMs: Map<InjectedFault, number>;
}

export type Outcome<Value> =
  | { readonly outcome: "done"; readonly value: Value }
  | { readonly outcome: "failed"; readonly error: unknown }
  | { readonly outcome: "killed" };

/** A request that may have been carried out: its answer never came. */
export class AnswerLost extends Error {
  override readonly name = "TimeoutError";
}

export class Throttled extends Error {
  override readonly name = "ThrottlingException";
}

const maxClockOffMs = 5 * 60_000;
const answerTimeoutMs = 5_000;
export const crashIn: Record<Role, FaultKind | undefined> = {
  edge: "crashInEdge",
  "count-engagements": "crashInCounting",
  "settle-creator": "crashInSettlement",
  "settle-earnings": "crashInScheduler",
  "release-holds": "crashInRelease",
  "price-pools": "crashInPricing",
  "request-review": "crashInReviewRequest",
  "apply-review": "crashInReview",
  "request-payout": "crashInPayoutRequest",
  "run-payouts": "crashInPayoutRun",
  "pay-creators": "crashInPaying",
  "record-payout-result": "crashInPayoutResult",
  "post-adjustment": "crashInAdjustment",
  auditor: undefined,
};

/**
 * One run of a function. Killed, its promises never go on; what it asked of others still happens
 * to them. Its own clock may be minutes off.
 */
export class Invocation {
  readonly role: Role;
  readonly startedAtMs: number;
  readonly clock: Clock;
  readonly pacing: Pacing;
  readonly #around: Surroundings;
  #alive = true;
  #kill: () => void = () => {};

  constructor(around: Surroundings, role: Role) {
    this.#around = around;
    this.role = role;
    const { clock, faults, prng } = around;
    this.startedAtMs = clock.nowMs();
    const offMs = faults.happens("clockOff") ? prng.int(-maxClockOffMs, maxClockOffMs) : 0;
    this.clock = { nowMs: () => clock.nowMs() + offMs };
    this.pacing = {
      random: () => prng.random(),
      sleep: async (delayMs) => {
        await clock.sleep(delayMs);
        await this.#unlessKilled();
      },
    };
  }

  /** Runs the function until it answers, is killed, or its time is up. */
  async run<Value>(timeoutMs: number, work: () => Promise<Value>): Promise<Outcome<Value>> {
    const { clock, faults } = this.#around;
    const killed = new Promise<Outcome<Value>>((resolve) => {
      this.#kill = () => resolve({ outcome: "killed" });
    });
    clock.at(clock.nowMs() + timeoutMs, () => {
      if (!this.#alive) return;
      faults.met("workerTimedOut");
      this.#die("time is up");
    });
    const done = work().then(
      (value): Outcome<Value> => ({ outcome: "done", value }),
      (error): Outcome<Value> => ({ outcome: "failed", error }),
    );
    const outcome = await Promise.race([done, killed]);
    this.#alive = false;
    return outcome;
  }

  /** A call to something outside, with all that can befall it. */
  async io<Value>(
    what: () => string,
    effect: () => Value | Promise<Value>,
    lost: InjectedFault = "lostAnswer",
  ): Promise<Value> {
    const { clock, faults, prng, trace, ioCalls } = this.#around;
    const call = (ioCalls.get(this.role) ?? 0) + 1;
    ioCalls.set(this.role, call);
    trace(() => `${this.role}: ${what()}`);
    if (this.#crashes(call, "before")) await this.#unlessKilled();
    if (faults.happens("throttled") || this.#isOut(lost)) throw new Throttled("slow down");
    await clock.sleep(this.#onTheWayMs());
    const result = effect();
    if (faults.happens(lost)) {
      Promise.resolve(result).catch(() => {});
      await clock.sleep(answerTimeoutMs);
      await this.#unlessKilled();
      trace(() => `${this.role}: no answer to ${what()}`);
      throw new AnswerLost("no answer came");
    }
    try {
      return await result;
    } finally {
      if (this.#crashes(call, "after")) await this.#unlessKilled();
      await clock.sleep(prng.int(0, 3));
      await this.#unlessKilled();
    }
  }

  #onTheWayMs(): number {
    const { faults, prng } = this.#around;
    if (faults.happens("hangingIo")) return prng.int(1_000, 70_000);
    return faults.happens("slowIo") ? prng.pick([20, 100, 500, 3_000]) : prng.int(0, 3);
  }

  /** A service may be out for a while, longer than anyone's patience. */
  #isOut(service: InjectedFault): boolean {
    const { clock, faults, prng, outageUntilMs } = this.#around;
    if (faults.happens("outage"))
      outageUntilMs.set(service, clock.nowMs() + prng.pick([500, 5_000, 90_000]));
    return faults.active && clock.nowMs() < (outageUntilMs.get(service) ?? 0);
  }

  #crashes(call: number, when: CrashPlan["when"]): boolean {
    const { faults, crashPlan } = this.#around;
    if (this.role === "auditor") return false;
    const planned =
      crashPlan?.role === this.role && crashPlan.ioCall === call && crashPlan.when === when;
    const fault = when === "before" ? "crashBeforeIo" : "crashAfterIo";
    if (!planned && !faults.happens(fault)) return false;
    const kind = crashIn[this.role];
    if (kind) faults.met(kind);
    this.#die(`killed ${when} call ${call}`);
    return true;
  }

  #die(why: string): void {
    this.#around.trace(() => `${this.role}: ${why}`);
    this.#alive = false;
    this.#kill();
  }

  #unlessKilled(): Promise<void> | undefined {
    return this.#alive ? undefined : new Promise(() => {});
  }
}
