import type { Letter, LetterStep } from "./letter.ts";

/** Letters that somebody sent back to their queues, at a rate. */
export interface Redrive {
  readonly redriveId: string;
  readonly letterIds: readonly string[];
  readonly ratePerSecond: number;
  readonly by: string;
  readonly note: string;
  readonly requestedAtMs: number;
  /** How many of them have had their turn. */
  readonly done: number;
}

export interface AuditEntry {
  readonly atMs: number;
  readonly by: string;
  readonly action: "redrive" | "discard" | "edit";
  readonly note: string;
  readonly letterIds: readonly string[];
  readonly redriveId?: string;
}

export interface ActionStore {
  /** @param id makes a repetition the same entry. */
  audit(entry: AuditEntry, id: string): Promise<void>;
  readAudit(
    limit: number,
    cursor: string | undefined,
  ): Promise<{ readonly entries: readonly AuditEntry[]; readonly nextCursor?: string }>;
  putRedrive(redrive: Redrive): Promise<void>;
  readRedrive(redriveId: string): Promise<Redrive | undefined>;
}

/** `discarded`: somebody did, before anyone said what came of it. */
export type RedriveOutcome =
  | "queued"
  | "waiting"
  | "succeeded"
  | "failed-again"
  | "discarded"
  | "skipped";

/** What one redrive has come to for a letter. */
export function outcomeOf(
  { done, letterIds, redriveId }: Redrive,
  letter: Pick<Letter, "state" | "history"> | undefined,
  at: number,
): RedriveOutcome {
  const own = letter?.history.filter((step) => step.redriveId === redriveId) ?? [];
  const last: LetterStep["what"] | undefined = own.at(-1)?.what;
  if (last === "succeeded" || last === "failed-again") return last;
  if (last === "redriven") return letter?.state === "discarded" ? "discarded" : "waiting";
  return at < Math.min(done, letterIds.length) ? "skipped" : "queued";
}
