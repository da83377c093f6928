import { tallyShards } from "../contracts/storage.ts";
import type { Counter, CounterId } from "../earnings/counter.ts";
import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";
import { type Clock, endOfUtcDayMs } from "../values/time.ts";
import { counterIdOf, needsCounter, type Ruling } from "./change-engagement.ts";
import { counterName, planReview } from "./plan-review.ts";
import type { DecidedIn, ReviewTable, StoredKey } from "./review-table.ts";

export interface ChangeDeps {
  readonly table: Pick<ReviewTable, "readKeys" | "readCounters" | "commit">;
  readonly clock: Clock;
  readonly pacing: Pacing;
  /** How long after its end a pool's day stays open for what comes late. */
  readonly poolOpenMs: number;
}

/** What is decided, about which engagements. */
export interface Decided extends Ruling {
  /** Whether it applies to a key, as the key is now. */
  matches(key: StoredKey): boolean;
  /** The part of a review that decided it; undefined when no review did. */
  readonly segment: DecidedIn | undefined;
}

export interface Worked {
  readonly changed: number;
  readonly skipped: number;
  /** False when time was up first. */
  readonly finished: boolean;
}

/** In a row, without a single key changed. */
const maxFruitlessRounds = 10;
const backoff: Backoff = { baseMs: 20, capMs: 1_000 };

/**
 * Changes all of these keys that match, in as many rounds as it takes beside others' writes. Each
 * changes once, together with the money it stands for.
 * @throws when some stay contended, or wait for their pool's day to be shared out.
 */
export async function changeKeys(
  deps: ChangeDeps,
  decided: Decided,
  keys: readonly StoredKey[],
  deadlineMs: number,
): Promise<Worked> {
  let open = keys.filter((key) => applies(deps, decided, key));
  let notYet = 0;
  let changed = 0;
  let skipped = 0;
  let fruitless = 0;
  while (open.length > 0) {
    const plan = planReview(rulesOf(deps, decided), open, await countersOf(deps, open));
    skipped += plan.skipped;
    notYet += plan.notYet;
    const left = [...plan.later];
    const before = changed;
    for (const transaction of plan.transactions) {
      const nowMs = deps.clock.nowMs();
      if (nowMs >= deadlineMs) return { changed, skipped, finished: false };
      const shard = Math.floor(deps.pacing.random() * tallyShards);
      const outcome = await deps.table.commit(decided.segment, transaction, shard, nowMs);
      if (outcome === "committed") changed += transaction.keys.length;
      else left.push(...transaction.keys.map(({ from }) => from));
    }
    if (left.length === 0) break;
    fruitless = changed > before ? 0 : fruitless + 1;
    if (fruitless === maxFruitlessRounds) throw new Error(`${left.length} keys stayed contended`);
    await deps.pacing.sleep(backoffMs(fruitless, backoff, deps.pacing.random));
    const again = await deps.table.readKeys(left.map(({ key }) => key));
    open = again.filter((key) => applies(deps, decided, key));
  }
  if (notYet > 0) {
    throw new Error(`${notYet} keys wait for their pool to be shared out; they are tried again`);
  }
  return { changed, skipped, finished: true };
}

/** DynamoDB deletes expired items days late; until then they must not count as present. */
function applies({ clock }: ChangeDeps, { matches }: Decided, key: StoredKey): boolean {
  return key.expiresAtMs >= clock.nowMs() && matches(key);
}

function rulesOf({ clock, poolOpenMs }: ChangeDeps, ruling: Ruling) {
  const nowMs = clock.nowMs();
  return {
    ...ruling,
    isPoolOpen: (day: CounterId["day"]) => nowMs < endOfUtcDayMs(day) + poolOpenMs,
  };
}

async function countersOf(
  { table }: ChangeDeps,
  keys: readonly StoredKey[],
): Promise<Map<string, Counter>> {
  const ids = new Map<string, CounterId>();
  for (const key of keys) {
    for (const credit of key.credits) {
      if (!needsCounter(key, credit)) continue;
      const id = counterIdOf(key, credit);
      ids.set(counterName(id), id);
    }
  }
  const counters = await table.readCounters([...ids.values()]);
  return new Map(counters.map((counter) => [counterName(counter.id), counter]));
}
