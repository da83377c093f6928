import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import type { UtcDay } from "../values/time.ts";

/** `refused`: the caller has to change something (4xx). */
export type StepOutcome = "ok" | "refused" | "failed";

/** Where counted engagements wait to be settled. */
export interface CountedPlace {
  readonly creatorId: CreatorId;
  readonly articleId: ArticleId;
  readonly day: UtcDay;
}

/** What a step says in which a message was archived as a dead letter. */
export const letterStep = "kept as a dead letter";

/**
 * One step in the life of a request: which function did what, when, and how it ended. Names and ids,
 * no payload: what it was about is read where it is kept, by whoever may.
 */
export interface TraceStep {
  readonly traceId: string;
  readonly spanId: string;
  /** The step it follows from; of the first: the caller's own, if there is one. */
  readonly parentId?: string;
  /** UTC milliseconds since the epoch. */
  readonly atMs: number;
  readonly durationMs: number;
  /** The function. */
  readonly service: string;
  /** `answered POST /v1/jobs 202`, `took JobRequested`, `ran`. */
  readonly step: string;
  readonly outcome: StepOutcome;
  /** Class of the error, or code of the problem. */
  readonly error?: string;
  /** The event that was taken from a queue, how often its message was received, and how old it was. */
  readonly event?: string;
  readonly attempt?: number;
  readonly waitedMs?: number;
  /** The message is not done: it goes back to its queue. */
  readonly returned?: true;
  /** And comes out of it again after so long; absent: when its visibility time-out is over. */
  readonly againInMs?: number;
  /** What it put on the bus, how many of each. */
  readonly put?: Readonly<Record<string, number>>;
  /** Of these, what comes on the bus at a time of its own: when the last of each does, UTC ms. */
  readonly later?: Readonly<Record<string, number>>;
  /** What came of it, in a word or two: `job succeeded`, `3 counted`. */
  readonly result?: string;
  /** `jobId`, `entryId`, `deliveryId`, `messageId` … */
  readonly ids?: Readonly<Record<string, string>>;
  /** Ledger entries that it booked, the first of them. */
  readonly entries?: readonly string[];
  /** Where the engagements went that it counted, the first of them. */
  readonly counted?: readonly CountedPlace[];
}

export interface TraceTable {
  /** A trace's steps by time, at most so many. */
  read(traceId: string, limit: number): Promise<readonly TraceStep[]>;
}
