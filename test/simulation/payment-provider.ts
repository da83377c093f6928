import { recordPayoutResult } from "../../core/payouts/record-payout-result.ts";
import { Problem } from "../../core/perimeter/problem.ts";
import type { Prng } from "./prng.ts";
import type { World } from "./world.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;

/**
 * Carries payouts out as a bank does: each id once, however often it is told; answers late, twice,
 * or with a word and then its opposite; and of some it never says anything.
 */
export class PaymentProvider {
  /** What it was told to pay, by payout id, in micros. */
  readonly payouts = new Map<string, string>();
  readonly #world: World;
  readonly #prng: Prng;

  constructor(world: World, prng: Prng) {
    this.#world = world;
    this.#prng = prng;
  }

  told(detail: string): void {
    const { payoutId, amountMicros } = JSON.parse(detail);
    const { oracle, faults } = this.#world;
    const known = this.payouts.get(payoutId);
    oracle.expect(
      (known ?? amountMicros) === amountMicros,
      () => `payout ${payoutId} is of ${known} and of ${amountMicros}`,
    );
    this.payouts.set(payoutId, amountMicros);
    if (known !== undefined) return;
    const fate = this.#prng.pick(["paid", "paid", "paid", "failed", "silence"] as const);
    if (fate === "silence") {
      faults.met("payoutLeftOpen");
      return;
    }
    const times = this.#prng.pick([1, 1, 2]);
    if (times > 1) faults.met("payoutResultTwice");
    for (let time = 0; time < times; time += 1) this.#later(() => this.#answer(payoutId, fate));
    if (this.#prng.chance(0.15)) this.#later(() => this.#contradict(payoutId));
  }

  #later(what: () => Promise<unknown>): void {
    const { clock } = this.#world;
    const afterMs = this.#prng.pick([0, 50, 1_000, 5 * minuteMs, 2 * dayMs]);
    clock.at(clock.nowMs() + afterMs, () => void what());
  }

  async #answer(payoutId: string, status: "paid" | "failed"): Promise<unknown> {
    const result = status === "paid" ? { status } : { status, reason: "account closed" };
    const by = { bookedBy: "publisher:p", traceId: "0".repeat(32) };
    return await this.#world.persist("record-payout-result", (parts) =>
      recordPayoutResult(parts, payoutId, result, by),
    );
  }

  /** Whatever was said first holds; the other is refused, or says the same. */
  async #contradict(payoutId: string): Promise<void> {
    const answers = [await this.#answer(payoutId, "paid"), await this.#answer(payoutId, "failed")];
    const refused = answers.filter((answer) => answer instanceof Problem).length;
    this.#world.faults.met("payoutResultContradicted");
    this.#world.oracle.expect(
      refused === 1,
      () => `payout ${payoutId} was both paid and failed: ${refused} refused`,
    );
  }
}
