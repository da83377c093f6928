import type { ArticleId, CreatorId, ReaderId } from "../../../core/contracts/ids.ts";
import type { HoldReason } from "../../../core/contracts/kinds.ts";
import {
  addLine,
  afterDrain,
  type Counter,
  type CounterId,
  heldMicros,
  type Lines,
  type LineTotal,
  noLine,
  pendingLines,
} from "../../../core/earnings/counter.ts";
import { type ImpressionKey, readerDayOf } from "../../../core/earnings/impression-key.ts";
import { type LineKey, lineKey, parseLineKey, withMovement } from "../../../core/earnings/line.ts";
import type { HoldTable } from "../../../core/earnings/release-holds.ts";
import { counterName } from "../../../core/reviews/plan-review.ts";
import { noProgress, type Review, type SegmentProgress } from "../../../core/reviews/review.ts";
import type {
  DecidedIn,
  Guard,
  ReviewTable,
  ReviewTransaction,
  StoredKey,
} from "../../../core/reviews/review-table.ts";
import { micros } from "../../../core/values/micros.ts";
import { endOfUtcDayMs, type UtcDay, utcDayOf } from "../../../core/values/time.ts";
import { sha256 } from "./arbitraries.ts";

type ListedCounter = Counter & { readonly listedMs?: number | undefined };

/** An engagement to be counted. `pool`: it takes part in a pool instead of having a price. */
export interface Counting {
  readonly reader: string;
  readonly articleId: string;
  readonly state: "paid" | "held";
  readonly reason?: HoldReason;
  readonly pool?: boolean;
  readonly sharesVersion?: number;
  /** Of the creators of the article, in order. */
  readonly amounts: readonly { readonly micros: bigint; readonly fee: bigint }[];
}

/** Counters, impression keys, tally and reviews, whole and in memory, with a clock that is set. */
export class MemoryReviews {
  nowMs = Date.parse("2028-02-27T12:00:00Z");
  pageSize = 7;
  readonly counters = new Map<string, ListedCounter>();
  readonly keys = new Map<ImpressionKey, StoredKey>();
  /** How often reviews changed each key. */
  readonly changes = new Map<ImpressionKey, number>();
  /** How often later moderation did. */
  readonly moderated = new Map<ImpressionKey, number>();
  readonly tally = { events: 0n, voidedMicros: 0n, states: new Map<string, number>() };
  readonly reviews = new Map<string, Review>();
  readonly progress = new Map<string, SegmentProgress>();
  readonly given = new Map<CreatorId, { payable: bigint; held: bigint }>();
  /** Runs before each write, when others' writes may come in between. */
  between: () => Promise<void> = async () => {};
  /** Runs after each write, when its answer may be lost. */
  after: () => Promise<void> = async () => {};
  readonly clock = { nowMs: () => this.nowMs };

  /** Of what a reader does today. */
  keyOf({ reader, articleId }: Pick<Counting, "reader" | "articleId">): ImpressionKey {
    const day = readerDayOf(sha256, "p", reader as ReaderId, utcDayOf(this.nowMs));
    return `${day}/${articleId}` as ImpressionKey;
  }

  count(counting: Counting): void {
    const { articleId, state, reason, pool = false, amounts } = counting;
    const day = utcDayOf(this.nowMs);
    const key = this.keyOf(counting);
    if (this.keys.has(key)) return;
    const movement = pool ? "weighed" : state;
    const line = lineKey({
      ...{ kind: "view", card: "1", sharesVersion: counting.sharesVersion ?? 1, movement },
      model: pool ? "pool" : "rates",
      ...(reason === undefined || pool ? {} : { reason }),
    });
    const stored: StoredKey = {
      key,
      state: pool ? "paid" : state,
      reason: pool ? undefined : reason,
      articleId: articleId as ArticleId,
      countedAtMs: this.nowMs,
      reviewId: undefined,
      expiresAtMs: endOfUtcDayMs(day) + 90 * 86_400_000,
      ...{ day, shard: 0, pool: pool ? 1 : undefined },
      credits: amounts.map(({ micros: amount, fee }, index) => ({
        creatorId: `creator-${index}` as CreatorId,
        line,
        total: pool
          ? { ...noLine, count: 1n, weight: amount + 1n }
          : { ...noLine, count: 1n, micros: micros(amount), feeMicros: micros(fee) },
      })),
    };
    this.keys.set(stored.key, stored);
    for (const { creatorId, total } of stored.credits) {
      this.#add(this.#idOf(stored, creatorId), new Map([[line, total]]));
    }
    this.#addState(stored.state, stored.reason, 1);
  }

  /** Shares out the days of pools that are over, as `price-pools` would. */
  pricePools(dailyMicros: bigint): void {
    for (const counter of this.counters.values()) {
      const { pool, day } = counter.id;
      if (pool === undefined || this.nowMs < endOfUtcDayMs(day)) continue;
      for (const [key, total] of [...counter.counted]) {
        const award = withMovement(key, "paid");
        if (parseLineKey(key).movement !== "weighed" || counter.counted.has(award)) continue;
        const out = counter.counted.get(withMovement(key, "unweighed")) ?? noLine;
        const weight = total.weight - out.weight;
        if (weight === 0n) continue;
        const amounts = { micros: micros(dailyMicros), feeMicros: micros(dailyMicros / 7n) };
        const count = total.count - out.count;
        this.#add(counter.id, new Map([[award, { count, weight, ...amounts }]]));
      }
    }
  }

  settle(holdMs: number): void {
    for (const [name, counter] of this.counters) {
      if (counter.dueSinceMs === undefined) continue;
      const drained = afterDrain(counter, [...pendingLines(counter).keys()], 1);
      const waits = drained.heldAtMs !== undefined && heldMicros(drained) > 0n;
      const listedMs = waits ? (drained.heldAtMs ?? 0) + holdMs : undefined;
      this.counters.set(name, { ...drained, dueSinceMs: undefined, listedMs });
    }
  }

  get holds(): HoldTable {
    const listed = (dayMs: number) =>
      [...this.counters.values()].filter(
        ({ listedMs }) => listedMs !== undefined && utcDayOf(listedMs) === utcDayOf(dayMs),
      );
    const write = async (seen: Counter, apply: (now: ListedCounter) => void) => {
      await this.between();
      const now = this.#counter(seen.id);
      if (!now || now.events !== seen.events || now.drains !== seen.drains) return "raced" as const;
      apply(now);
      await this.after();
      return "committed" as const;
    };
    return {
      holdsEndingOn: async function* (dayMs) {
        yield listed(dayMs).map(({ id }) => id);
      },
      readCounters: async (ids) => this.#read(ids),
      free: (counter, lines, _shard, nowMs) =>
        write(counter, () => {
          this.#add(counter.id, lines);
          this.#change(counter.id, { freedAtMs: nowMs });
        }),
      list: (counter, freeFromMs) =>
        write(counter, ({ id }) => this.#change(id, { listedMs: freeFromMs })),
    };
  }

  get table(): ReviewTable {
    return {
      page: async ({ filter }, _segment, cursor) => {
        const days = [...this.keys.values()].filter(
          ({ key }) => filter.readerId === undefined || this.#isOf(key, filter.readerId),
        );
        const from = Number(cursor ?? 0);
        const next = from + this.pageSize;
        const last = next >= days.length;
        return { keys: days.slice(from, next), cursor: last ? undefined : String(next) };
      },
      readKeys: async (keys) => keys.flatMap((key) => this.keys.get(key) ?? []),
      readCounters: async (ids) => this.#read(ids),
      commit: async (place, transaction) => {
        await this.between();
        const { keys, additions, creators, states } = transaction;
        const actions = keys.length + additions.length + creators.size + 2;
        if (actions > 100) throw new Error(`${actions} actions`);
        const asRead = ({ key, state, reason }: StoredKey) => {
          const now = this.keys.get(key);
          return now?.state === state && now.reason === reason;
        };
        const isFree = keys.every(({ from }) => asRead(from));
        if (!isFree || !additions.every(({ id, guard }) => this.#holds(id, guard))) return "raced";
        for (const { from, state, reason } of keys) {
          const reviewId = place?.reviewId ?? from.reviewId;
          this.keys.set(from.key, { ...from, state, reason, reviewId });
          const changes = place ? this.changes : this.moderated;
          changes.set(from.key, (changes.get(from.key) ?? 0) + 1);
        }
        for (const { id, lines } of additions) this.#add(id, lines);
        for (const [name, by] of states) this.#addState(name, undefined, by);
        if (place) this.#advance(place, keys.length, creators);
        await this.after();
        return "committed";
      },
    };
  }

  readonly store = {
    read: async (reviewId: string) => this.reviews.get(reviewId),
    requestedSince: async (sinceMs: number) =>
      [...this.reviews.values()].filter(({ requestedAtMs }) => requestedAtMs >= sinceMs),
    segment: async (reviewId: string, segment: DecidedIn["segment"]) =>
      this.progress.get(`${reviewId}/${segment}`) ?? noProgress,
    advance: async (
      { reviewId, segment }: { reviewId: string; segment: number },
      seen: SegmentProgress,
      step: { cursor: string | undefined; skipped: number; nowMs: number },
    ) => {
      await this.between();
      const place = `${reviewId}/${segment}`;
      const now = this.progress.get(place) ?? noProgress;
      if (now.cursor !== seen.cursor || now.finishedAtMs !== undefined) return now;
      const next = {
        ...now,
        ...(step.cursor === undefined ? { finishedAtMs: step.nowMs } : { cursor: step.cursor }),
        skipped: now.skipped + step.skipped,
      };
      this.progress.set(place, next);
      await this.after();
      return next;
    },
  };

  /** What a transaction does to the review that decided it. */
  #advance(
    { reviewId, segment }: DecidedIn,
    changed: number,
    creators: ReviewTransaction["creators"],
  ): void {
    for (const [creatorId, { payableMicros, heldMicros: held }] of creators) {
      const before = this.given.get(creatorId) ?? { payable: 0n, held: 0n };
      const payable = before.payable + payableMicros;
      this.given.set(creatorId, { payable, held: before.held + held });
    }
    const place = `${reviewId}/${segment}`;
    const before = this.progress.get(place) ?? noProgress;
    this.progress.set(place, { ...before, changed: before.changed + changed });
  }

  #idOf({ articleId, day, shard, pool }: StoredKey, creatorId: CreatorId): CounterId {
    return { creatorId, articleId, day, shard, ...(pool === undefined ? {} : { pool }) };
  }

  #isOf(key: ImpressionKey, readerId: ReaderId): boolean {
    const day = key.slice(0, key.lastIndexOf("/")).slice(-10) as UtcDay;
    return key.startsWith(readerDayOf(sha256, "p", readerId, day));
  }

  #counter(id: CounterId): ListedCounter | undefined {
    return this.counters.get(counterName(id));
  }

  #read(ids: readonly CounterId[]): Counter[] {
    return ids.flatMap((id) => this.#counter(id) ?? []);
  }

  #holds(id: CounterId, { freedAtMs, events, without }: Guard): boolean {
    const counter = this.#counter(id);
    return (
      (!freedAtMs || counter?.freedAtMs === freedAtMs.seen) &&
      (events === undefined || counter?.events === events) &&
      [...without].every((line) => !counter?.counted.has(line))
    );
  }

  #change(id: CounterId, change: Partial<ListedCounter>): void {
    const counter = this.#counter(id);
    if (counter) this.counters.set(counterName(id), { ...counter, ...change });
  }

  /** What `addToCounter` does, and its part of the tally. */
  #add(id: CounterId, lines: Lines): void {
    const before = this.#counter(id) ?? emptyCounter(id);
    const counted = new Map<LineKey, LineTotal>(before.counted);
    let { events, heldAtMs, dueSinceMs, listedMs } = before;
    for (const [key, total] of lines) {
      addLine(counted, key, total);
      events += total.count;
      this.tally.events += total.count;
      const { movement } = parseLineKey(key);
      if (movement === "held") heldAtMs = this.nowMs;
      if (movement === "voided" || movement === "dropped") this.tally.voidedMicros += total.micros;
      if (movement === "weighed" || movement === "unweighed") continue;
      dueSinceMs ??= this.nowMs;
      listedMs = undefined;
    }
    const after = { ...before, counted, events, heldAtMs, dueSinceMs, listedMs };
    this.counters.set(counterName(id), after);
  }

  #addState(state: string, reason: string | undefined, by: number): void {
    const name = reason === undefined ? state : `${state}.${reason}`;
    this.tally.states.set(name, (this.tally.states.get(name) ?? 0) + by);
  }
}

function emptyCounter(id: CounterId): ListedCounter {
  return {
    ...{ id, counted: new Map(), settled: new Map(), events: 0n, drains: 0 },
    ...{ dueSinceMs: undefined, heldAtMs: undefined, freedAtMs: undefined },
  };
}
