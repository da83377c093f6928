import type { ArticleGroupId } from "../contracts/ids.ts";
import { hourMs } from "../values/time.ts";
import type { Decision } from "./count-once.ts";
import { type ImpressionKey, type ReaderDay, readerDayIn } from "./impression-key.ts";
import { mostOfOneToken } from "./presented-again.ts";
import { noHistory, type ReaderDayHistory } from "./reader-history.ts";

interface Running {
  readonly byHour: Map<number, number>;
  inDay: number;
  comments: number;
  presentations: number;
  readonly poolWeights: Map<ArticleGroupId, bigint>;
}

/** What readers did: before, from their history, and so far in the batch that is being decided. */
export class ReaderDays {
  readonly #histories: ReadonlyMap<ReaderDay, ReaderDayHistory>;
  readonly #running = new Map<ReaderDay, Running>();

  constructor(histories: ReadonlyMap<ReaderDay, ReaderDayHistory>) {
    this.#histories = histories;
  }

  setPresentations(day: ReaderDay, presentations: number): void {
    this.#of(day).presentations = presentations;
  }

  add(decision: Decision): void {
    const running = this.#of(readerDayIn(decision.key));
    const { occurredAtMs, kind } = decision.engagement;
    const hour = Math.floor(occurredAtMs / hourMs);
    running.byHour.set(hour, (running.byHour.get(hour) ?? 0) + 1);
    running.inDay += 1;
    if (decision.outcome !== "counted") return;
    if (kind === "comment" && decision.state !== "void") running.comments += 1;
    if (!decision.pool) return;
    const { readerDay, group, weight } = decision.pool;
    const { poolWeights } = this.#of(readerDay);
    poolWeights.set(group, (poolWeights.get(group) ?? 0n) + weight);
  }

  /** Of the reader and day that a key belongs to. */
  around(key: ImpressionKey, occurredAtMs: number) {
    const { byHour, inDay, comments, presentations } = this.#of(readerDayIn(key));
    const inHour = byHour.get(Math.floor(occurredAtMs / hourMs)) ?? 0;
    return { inHour, inDay, commentsInDay: comments, presentations };
  }

  poolWeight(day: ReaderDay, group: ArticleGroupId): bigint {
    return this.#of(day).poolWeights.get(group) ?? 0n;
  }

  #of(day: ReaderDay): Running {
    const known = this.#running.get(day);
    if (known) return known;
    const { recorded, presentedBy, poolWeights, truncated } = this.#histories.get(day) ?? noHistory;
    const byHour = new Map<number, number>();
    let comments = 0;
    for (const { occurredAtMs, kind, state } of recorded.values()) {
      const hour = Math.floor(occurredAtMs / hourMs);
      byHour.set(hour, (byHour.get(hour) ?? 0) + 1);
      if (kind === "comment" && (state === "paid" || state === "held")) comments += 1;
    }
    const running: Running = {
      byHour,
      inDay: truncated ? Number.POSITIVE_INFINITY : recorded.size,
      comments,
      presentations: mostOfOneToken(presentedBy),
      poolWeights: new Map(poolWeights),
    };
    this.#running.set(day, running);
    return running;
  }
}
