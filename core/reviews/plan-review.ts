import type { CreatorId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import { stateName } from "../earnings/count-once.ts";
import {
  addLine,
  type Counter,
  type CounterId,
  effectOf,
  type LineTotal,
  noLine,
  plus,
} from "../earnings/counter.ts";
import { type LineKey, parseLineKey } from "../earnings/line.ts";
import {
  type Change,
  changeOf,
  counterIdOf,
  type ReviewRules,
  type SeenCounters,
} from "./change-engagement.ts";
import type { Guard, KeyChange, ReviewTransaction, StoredKey } from "./review-table.ts";

export interface ReviewPlan {
  readonly transactions: readonly ReviewTransaction[];
  /** Keys that match and have nothing to change: time was faster than the review. */
  readonly skipped: number;
  /** Keys whose counter must be read again after one of the transactions. */
  readonly later: readonly StoredKey[];
  /** Keys of a pool's day that is being shared out. */
  readonly notYet: number;
}

/** A transaction also adds to the tally and to the segment's progress. */
const actionsOfEvery = 2;
/** An expression holds 4 KB: of this many lines that is all their sums, and what guards them. */
const maxLinesOfCounter = 40;

export function counterName({ creatorId, articleId, day, shard, pool }: CounterId): string {
  return [creatorId, articleId, day, shard, pool ?? ""].join("\t");
}

/**
 * As few transactions as there can be, since each costs a round trip and holds its counters: keys of
 * the same counters go together, and what they add to one counter is one action.
 */
export function planReview(
  rules: ReviewRules,
  keys: readonly StoredKey[],
  counters: ReadonlyMap<string, Counter>,
): ReviewPlan {
  const transactions: ReviewTransaction[] = [];
  const later: StoredKey[] = [];
  let skipped = 0;
  let notYet = 0;
  let draft = new Draft(counters);
  /** Read-modify-writes: after the first transaction that holds one, what was read is old. */
  const spent = new Set<string>();
  const isSpent = (key: StoredKey) =>
    key.credits.some((credit) => spent.has(counterName(counterIdOf(key, credit))));
  const close = () => {
    if (draft.size > 0) transactions.push(draft.transaction());
    for (const name of draft.unrepeatable()) spent.add(name);
    draft = new Draft(counters);
  };
  for (const key of byCounter(keys)) {
    let change = changeOf(rules, key, draft);
    if (typeof change === "object" && !draft.fits(change)) {
      close();
      change = changeOf(rules, key, draft);
    }
    if (change === "nothing-to-do") skipped += 1;
    else if (change === "not-yet") notYet += 1;
    else if (isSpent(key)) later.push(key);
    else draft.add(change);
  }
  close();
  return { transactions, skipped, later, notYet };
}

function byCounter(keys: readonly StoredKey[]): StoredKey[] {
  const nameOf = (key: StoredKey) =>
    key.credits.map((credit) => counterName(counterIdOf(key, credit))).join("\n");
  const named = keys.map((key) => ({ key, name: nameOf(key) }));
  named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return named.map(({ key }) => key);
}

interface DraftAddition {
  readonly id: CounterId;
  readonly lines: Map<LineKey, LineTotal>;
  guard: Guard;
}

/** A transaction that is being filled. */
class Draft implements SeenCounters {
  readonly #counters: ReadonlyMap<string, Counter>;
  readonly #keys: KeyChange[] = [];
  readonly #additions = new Map<string, DraftAddition>();
  readonly #creators = new Map<CreatorId, { payableMicros: bigint; heldMicros: bigint }>();
  readonly #states = new Map<string, number>();

  constructor(counters: ReadonlyMap<string, Counter>) {
    this.#counters = counters;
  }

  get size(): number {
    return this.#keys.length;
  }

  counter(id: CounterId): Counter | undefined {
    return this.#counters.get(counterName(id));
  }

  line(id: CounterId, key: LineKey): LineTotal {
    const stored = this.counter(id)?.counted.get(key) ?? noLine;
    const added = this.#additions.get(counterName(id))?.lines.get(key) ?? noLine;
    return plus(stored, added);
  }

  fits({ undoings }: Change): boolean {
    const counters = new Set(this.#additions.keys());
    const creators = new Set(this.#creators.keys());
    for (const { id, line } of undoings) {
      const lines = this.#additions.get(counterName(id))?.lines;
      if (lines && lines.size >= maxLinesOfCounter && !lines.has(line)) return false;
      counters.add(counterName(id));
      creators.add(id.creatorId);
    }
    const actions = this.#keys.length + 1 + counters.size + creators.size + actionsOfEvery;
    return actions <= limits.maxTransactionActions;
  }

  add({ key, undoings }: Change): void {
    this.#keys.push(key);
    this.#addState(stateName(key.from), -1);
    this.#addState(stateName(key), 1);
    for (const { id, line, total, guard } of undoings) {
      const name = counterName(id);
      const addition = this.#additions.get(name) ?? { id, lines: new Map(), guard };
      addLine(addition.lines, line, total);
      addition.guard = bothOf(addition.guard, guard);
      this.#additions.set(name, addition);
      const { payable, held } = effectOf(parseLineKey(line).movement, total);
      const before = this.#creators.get(id.creatorId) ?? { payableMicros: 0n, heldMicros: 0n };
      this.#creators.set(id.creatorId, {
        payableMicros: before.payableMicros + payable,
        heldMicros: before.heldMicros + held,
      });
    }
  }

  /** Counters that a second transaction could not add to without reading them again. */
  unrepeatable(): string[] {
    return [...this.#additions].flatMap(([name, { guard }]) =>
      guard.events === undefined ? [] : [name],
    );
  }

  transaction(): ReviewTransaction {
    return {
      keys: this.#keys,
      additions: [...this.#additions.values()],
      creators: this.#creators,
      states: this.#states,
    };
  }

  #addState(name: string, by: number): void {
    this.#states.set(name, (this.#states.get(name) ?? 0) + by);
  }
}

function bothOf(a: Guard, b: Guard): Guard {
  return { ...a, ...b, without: new Set([...a.without, ...b.without]) };
}
