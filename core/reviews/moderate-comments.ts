import type { AcceptedEngagement } from "../contracts/events.ts";
import type { ModerationState } from "../contracts/kinds.ts";
import type { EngagementState } from "../earnings/count-once.ts";
import type { ImpressionKey } from "../earnings/impression-key.ts";
import type { Presented } from "../earnings/presented-again.ts";
import { chunk } from "../values/group-by.ts";
import { type ChangeDeps, changeKeys, type Decided } from "./change-keys.ts";

/** What a publisher's moderators decided on a comment. */
export type Moderation = Exclude<ModerationState, "pending">;

export interface ModerateDeps extends ChangeDeps {
  /** Told why comments could not be changed; their messages go back to the queue. */
  readonly onNotModerated?: (error: unknown) => void;
}

export interface Moderated {
  /** Impression keys that are paid or void now, and waited before. */
  readonly changed: number;
  /** Keys that may still wait: their reports must come again. */
  readonly failed: readonly ImpressionKey[];
}

/** A browser's word on it is never taken, whatever it sends. */
export function moderationOf(engagement: AcceptedEngagement): Moderation | undefined {
  const { kind, channel, comment } = engagement;
  if (kind !== "comment" || channel !== "publisher") return undefined;
  return comment === undefined || comment.moderation === "pending" ? undefined : comment.moderation;
}

/** Of each key the report that counts: the first, or the first that says how a comment was moderated. */
export function reportsThatCount(presented: readonly Presented[]): Map<ImpressionKey, Presented> {
  const reports = new Map<ImpressionKey, Presented>();
  for (const item of presented) {
    const first = reports.get(item.key);
    if (!first || (!moderationOf(first.engagement) && moderationOf(item.engagement))) {
      reports.set(item.key, item);
    }
  }
  return reports;
}

interface Recorded {
  readonly state: EngagementState | "rejected";
  readonly reason?: string | undefined;
}

/**
 * Whether a decision changes a recorded comment. An approval frees what waits for nothing else; a
 * rejected comment earns nothing, whatever it was held for.
 */
export function decides(moderation: Moderation, { state, reason }: Recorded): boolean {
  return state === "held" && (moderation === "rejected" || reason === "unmoderated");
}

const rulings: Readonly<Record<Moderation, Omit<Decided, "matches" | "segment">>> = {
  // One that time has freed is marked all the same: a later decision must find it decided.
  approved: { decision: "release", voidReason: "comment_rejected", marksFreed: true },
  rejected: { decision: "void", voidReason: "comment_rejected", marksFreed: true },
};

/**
 * Carries out decisions on comments that were counted as unmoderated, as a review would: each key
 * changes state once, together with its money. Killed anywhere or told again, it finds done what is
 * done; and what was decided in another way since stays so.
 * @param deadlineMs when to stop; what is left then is among the failed.
 */
export async function moderateComments(
  deps: ModerateDeps,
  decisions: ReadonlyMap<ImpressionKey, Moderation>,
  deadlineMs: number,
): Promise<Moderated> {
  const total = { changed: 0, failed: [] as ImpressionKey[] };
  for (const moderation of ["approved", "rejected"] as const) {
    const keys = [...decisions.keys()].filter((key) => decisions.get(key) === moderation);
    const { changed, failed } = await moderate(deps, moderation, keys, deadlineMs);
    total.changed += changed;
    total.failed.push(...failed);
  }
  return total;
}

/** In halves when it could not be done whole: what is contended must not keep the rest waiting. */
async function moderate(
  deps: ModerateDeps,
  moderation: Moderation,
  keys: readonly ImpressionKey[],
  deadlineMs: number,
): Promise<Moderated> {
  if (keys.length === 0) return { changed: 0, failed: [] };
  const matches = (recorded: Recorded) => decides(moderation, recorded);
  const decided: Decided = { ...rulings[moderation], segment: undefined, matches };
  try {
    const stored = await deps.table.readKeys(keys);
    const { changed, finished } = await changeKeys(deps, decided, stored, deadlineMs);
    return { changed, failed: finished ? [] : keys };
  } catch (error) {
    deps.onNotModerated?.(error);
    if (keys.length === 1 || deps.clock.nowMs() >= deadlineMs) return { changed: 0, failed: keys };
    const total = { changed: 0, failed: [] as ImpressionKey[] };
    for (const half of chunk(keys, Math.ceil(keys.length / 2))) {
      const { changed, failed } = await moderate(deps, moderation, half, deadlineMs);
      total.changed += changed;
      total.failed.push(...failed);
    }
    return total;
  }
}
