import { type EngagementKind, kindOf } from "../contracts/kinds.ts";
import { effectOf, type LineTotal } from "./counter.ts";
import type { LineParts, Movement } from "./line.ts";

const fieldOf = {
  view: "views",
  read: "reads",
  reaction: "reactions",
  comment: "comments",
  search_visit: "searchVisits",
} as const satisfies Record<EngagementKind, string>;

/** Micros as decimal strings. Counts are of engagements; an article's creators share each. */
export type PresentedSums = Readonly<
  Record<(typeof fieldOf)[EngagementKind], number> &
    Record<"micros" | "paidMicros" | "heldMicros" | "feeMicros", string> & {
      /** Still held, by reason; void, whether from the start or later. */
      held: Readonly<Record<string, number>>;
      void: Readonly<Record<string, number>>;
    }
>;

/** What a line's count says of engagements: that they count, that they wait, that they are void. */
const changes: Readonly<Record<Movement, { counts: bigint; held: bigint; void: bigint }>> = {
  paid: { counts: 1n, held: 0n, void: 0n },
  held: { counts: 1n, held: 1n, void: 0n },
  freed: { counts: 0n, held: -1n, void: 0n },
  voided: { counts: -1n, held: 0n, void: 1n },
  dropped: { counts: -1n, held: -1n, void: 1n },
  void: { counts: 0n, held: 0n, void: 1n },
  weighed: { counts: 1n, held: 0n, void: 0n },
  unweighed: { counts: -1n, held: 0n, void: 1n },
};

/** Lines of counters, summed up for whom they pay. */
export class EarningsSums {
  readonly #counts = new Map<EngagementKind, bigint>();
  readonly #held = new Map<string, bigint>();
  readonly #void = new Map<string, bigint>();
  #payableMicros = 0n;
  #heldMicros = 0n;
  #feeMicros = 0n;

  add({ kind, model, movement, reason = "manual" }: LineParts, total: LineTotal): void {
    const effect = effectOf(movement, total);
    this.#payableMicros += effect.payable;
    this.#heldMicros += effect.held;
    this.#feeMicros += effect.fee;
    // What a pool pays is for engagements that were counted when they were weighed.
    if (model === "pool" && movement === "paid") return;
    const change = changes[movement];
    add(this.#counts, kindOf(kind), change.counts * total.count);
    add(this.#held, reason, change.held * total.count);
    add(this.#void, reason, change.void * total.count);
  }

  present(): PresentedSums {
    const names = Object.keys(fieldOf) as EngagementKind[];
    const counts = names.map((kind) => [fieldOf[kind], Number(this.#counts.get(kind) ?? 0n)]);
    return {
      ...(Object.fromEntries(counts) as Record<(typeof fieldOf)[EngagementKind], number>),
      micros: String(this.#payableMicros + this.#heldMicros),
      paidMicros: String(this.#payableMicros),
      heldMicros: String(this.#heldMicros),
      feeMicros: String(this.#feeMicros),
      held: presentReasons(this.#held),
      void: presentReasons(this.#void),
    };
  }
}

function add<Name>(sums: Map<Name, bigint>, name: Name, more: bigint): void {
  if (more !== 0n) sums.set(name, (sums.get(name) ?? 0n) + more);
}

/** Those that there are, by name. */
function presentReasons(sums: ReadonlyMap<string, bigint>): Record<string, number> {
  const present = [...sums].filter(([, count]) => count !== 0n);
  return Object.fromEntries(
    present
      .map(([reason, count]) => [reason, Number(count)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
