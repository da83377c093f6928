import type * as z from "zod";
import type { ArticleGroupId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { putArticleGroupSchema } from "../contracts/registry-bodies.ts";
import { Problem } from "../perimeter/problem.ts";
import { type Clock, endOfUtcDayMs, utcDayOf } from "../values/time.ts";
import { tooManyVersions, untilWritten } from "./until-written.ts";

export type GroupTerms =
  | { readonly model: "rates" }
  | {
      readonly model: "pool";
      /** Shared every UTC day among the group's articles by weight, whole. */
      readonly dailyMicros: bigint;
      /** The weight that one reader can give in a day. */
      readonly readerCap: bigint;
    };

/** How a group's articles are paid for, from the start of a UTC day on. */
export type GroupVersion = GroupTerms & {
  readonly version: number;
  readonly effectiveFromMs: number;
};

export interface ArticleGroup {
  readonly groupId: ArticleGroupId;
  /** Counts up from 1 in the order in which groups came to be: part of a pool's bucket. */
  readonly number: number;
  /** Oldest first. */
  readonly versions: readonly GroupVersion[];
  readonly revision: number;
}

export interface ArticleGroupStore {
  /** Every group, strongly consistent; there are few. */
  list(): Promise<readonly ArticleGroup[]>;
  /**
   * `raced` when the stored revision is not `group.revision - 1` (0: there is none yet), or when a
   * new group's number is another's by now.
   */
  put(group: ArticleGroup): Promise<"put" | "raced">;
}

const byRates: GroupTerms = { model: "rates" };

/** What holds for a group at a moment; one that was never put is paid by rates. */
export function groupTermsInForce(group: ArticleGroup | undefined, atMs: number): GroupTerms {
  return group?.versions.findLast(({ effectiveFromMs }) => effectiveFromMs <= atMs) ?? byRates;
}

/** At most one comes into force a day; with all of these a group's item stays below 400 KB. */
const maxGroupVersions = 1_000;

/**
 * Clocks are minutes apart and an engagement may lie minutes ahead: this long before a day begins, it
 * may be that someone counts by its terms already.
 */
const settledBeforeMs = 15 * 60_000;

/**
 * Changes how a group is paid for, from the start of the next UTC day on, because a pool is a whole
 * day's; in the last minutes of a day, from the one after. What was put for that day before is
 * replaced by it. Until its first day a new group is paid by rates.
 * @throws Problem 409 when there are too many groups or versions, or other writers keep winning.
 */
export async function putArticleGroup(
  { groups, clock }: { groups: ArticleGroupStore; clock: Clock },
  groupId: ArticleGroupId,
  body: z.infer<typeof putArticleGroupSchema>,
): Promise<ArticleGroup> {
  const terms = termsOf(body);
  return await untilWritten(`article group ${groupId}`, async () => {
    const all = await groups.list();
    const stored = all.find((group) => group.groupId === groupId);
    const group = stored
      ? changedGroup(stored, terms, clock.nowMs())
      : newGroup(all, groupId, terms, clock.nowMs());
    if (group === stored) return group;
    return (await groups.put(group)) === "put" ? group : "raced";
  });
}

export function changedGroup(stored: ArticleGroup, terms: GroupTerms, nowMs: number): ArticleGroup {
  const latest = stored.versions.at(-1);
  if (latest && sameTerms(latest, terms)) return stored;
  const effectiveFromMs = nextStartMs(nowMs);
  const effective = stored.versions.filter((version) => version.effectiveFromMs < effectiveFromMs);
  if (effective.length >= maxGroupVersions) {
    throw tooManyVersions(`Article group ${stored.groupId}`, maxGroupVersions);
  }
  // A version that is replaced leaves its number behind: no number ever stood for two things.
  const version = (latest?.version ?? 0) + 1;
  return {
    ...stored,
    versions: [...effective, { ...terms, version, effectiveFromMs }],
    revision: stored.revision + 1,
  };
}

function newGroup(
  all: readonly ArticleGroup[],
  groupId: ArticleGroupId,
  terms: GroupTerms,
  nowMs: number,
): ArticleGroup {
  if (all.length >= limits.maxArticleGroups) {
    throw new Problem(
      409,
      "too-many-article-groups",
      "Too many article groups",
      `There are ${all.length} article groups, which is the limit; change one of them instead.`,
    );
  }
  return {
    groupId,
    number: Math.max(0, ...all.map(({ number }) => number)) + 1,
    versions: [{ ...terms, version: 1, effectiveFromMs: nextStartMs(nowMs) }],
    revision: 1,
  };
}

function nextStartMs(nowMs: number): number {
  return endOfUtcDayMs(utcDayOf(nowMs + settledBeforeMs));
}

function termsOf(body: z.infer<typeof putArticleGroupSchema>): GroupTerms {
  if (body.model === "rates") return byRates;
  const { dailyMicros, readerCap } = body;
  return { model: "pool", dailyMicros: BigInt(dailyMicros), readerCap: BigInt(readerCap) };
}

function sameTerms(some: GroupTerms, others: GroupTerms): boolean {
  if (some.model === "rates" || others.model === "rates") return some.model === others.model;
  return some.dailyMicros === others.dailyMicros && some.readerCap === others.readerCap;
}

/** The public shape: what holds now, and every version, oldest first. */
export function presentArticleGroup(group: ArticleGroup, nowMs: number) {
  return {
    groupId: group.groupId,
    ...presentTerms(groupTermsInForce(group, nowMs)),
    versions: group.versions.map((version) => ({
      version: version.version,
      effectiveFrom: new Date(version.effectiveFromMs).toISOString(),
      ...presentTerms(version),
    })),
  };
}

/** As they were put; by contract small enough for JSON numbers. */
function presentTerms(terms: GroupTerms) {
  if (terms.model === "rates") return { model: terms.model };
  const { model, dailyMicros, readerCap } = terms;
  return { model, dailyMicros: Number(dailyMicros), readerCap: Number(readerCap) };
}
