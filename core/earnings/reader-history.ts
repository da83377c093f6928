import type { ArticleGroupId } from "../contracts/ids.ts";
import type { EngagementKind } from "../contracts/kinds.ts";
import type { EngagementState, Presentation } from "./count-once.ts";
import type { ImpressionKey, ReaderDay } from "./impression-key.ts";

/** What is recorded of a reader on a day. */
export interface ReaderDayHistory {
  readonly recorded: ReadonlyMap<ImpressionKey, RecordedEngagement>;
  /** `<view token> <request>`: where several requests presented one token for the same thing. */
  readonly presentedBy: ReadonlySet<string>;
  /** Weight used in pools. */
  readonly poolWeights: ReadonlyMap<ArticleGroupId, bigint>;
  /** There is more than was read: the reader is far over any rate. */
  readonly truncated: boolean;
}

export interface RecordedEngagement {
  readonly kind: EngagementKind;
  readonly occurredAtMs: number;
  readonly state: EngagementState | "rejected";
  /** Why it is held, void or rejected. */
  readonly reason?: string | undefined;
  readonly presentation?: Presentation | undefined;
}

export const noHistory: ReaderDayHistory = {
  recorded: new Map(),
  presentedBy: new Set(),
  poolWeights: new Map(),
  truncated: false,
};

/** What readers did before, from their impression keys. */
export interface ReaderHistory {
  /** Strongly consistent; a day of which nothing is recorded is absent. */
  read(days: readonly ReaderDay[]): Promise<ReadonlyMap<ReaderDay, ReaderDayHistory>>;
  /** Remembers requests as a set, so that doing it again after a crash changes nothing. */
  addPresentedBy(day: ReaderDay, requests: readonly string[], expiresAtMs: number): Promise<void>;
}
