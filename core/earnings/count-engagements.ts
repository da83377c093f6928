import { engagementsAccepted } from "../contracts/events.ts";
import { canaryArticleId } from "../contracts/ids.ts";
import type { Delivery } from "../messaging/delivery.ts";
import { readEvent, UnreadableEvent } from "../messaging/read-event.ts";
import {
  decides,
  type ModerateDeps,
  type Moderation,
  moderateComments,
  moderationOf,
  reportsThatCount,
} from "../reviews/moderate-comments.ts";
import { type Arrival, type ReviewLaterDeps, reviewLater } from "../reviews/review-later.ts";
import type { CountedPlace } from "../tracing/trace-step.ts";
import type { Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import {
  type CountOnce,
  type Decision,
  type Recorded,
  type RejectedDecision,
  stateName,
} from "./count-once.ts";
import { type DecideDeps, decideEngagement, type Registry } from "./decide-engagement.ts";
import {
  type ImpressionKey,
  impressionKeyOf,
  readerDayIn,
  type Sha256Hex,
} from "./impression-key.ts";
import type { Presented } from "./presented-again.ts";
import { readReaders } from "./read-readers.ts";
import { type RegistryDeps, readRegistry } from "./read-registry.ts";
import type { ReaderHistory } from "./reader-history.ts";

export interface CountDeps extends DecideDeps, RegistryDeps {
  readonly history: ReaderHistory;
  readonly countOnce: CountOnce;
  /** For what is decided on engagements that are recorded: by moderators, and by reviews. */
  readonly reviewTable: ModerateDeps["table"];
  readonly reviews: ReviewLaterDeps["reviews"];
  readonly onNotModerated?: (error: unknown) => void;
  readonly onNotReviewed?: (error: unknown) => void;
  readonly pacing: Pacing;
  readonly clock: Clock;
  readonly sha256: Sha256Hex;
  readonly publisherId: string;
  /** Told where engagements of a message went that were counted just now, if it wants to know. */
  readonly follow?: {
    isFollowed(deliveryId: string): boolean;
    onCounted(deliveryId: string, places: readonly CountedPlace[]): void;
  };
  /** Told of each message that can never be counted; it goes to the DLQ. */
  readonly onUnreadable?: (deliveryId: string, error: UnreadableEvent) => void;
}

export interface CountResult {
  /** Deliveries to return to the queue: unreadable, or holding an engagement still undecided. */
  readonly failedIds: readonly string[];
  /** Impression keys decided now, counted or rejected. */
  readonly recorded: number;
  readonly rejected: readonly RejectedDecision[];
  /** Of those counted: test views that the system reports of itself. */
  readonly canaries: number;
  /** Of those counted: how many are `paid`, `held.over_rate`, `void.bot` … */
  readonly states: ReadonlyMap<string, number>;
  readonly duplicates: number;
  /** Comments that waited for their moderation, and are paid or void now. */
  readonly moderated: number;
  /** Engagements that a review decided on which was requested before they were recorded. */
  readonly reviewed: number;
}

/** Deciding again is needed when a reader's weight in a pool was used up meanwhile: rarely once. */
const maxRounds = 3;

/**
 * Counts the engagements of a batch of messages, each impression key once.
 * @param deadlineMs when to stop and return the rest to the queue.
 */
export async function countEngagements(
  deps: CountDeps,
  deliveries: readonly Delivery[],
  deadlineMs: number,
): Promise<CountResult> {
  const failed = new Set<string>();
  const keysByDelivery = new Map<string, ImpressionKey[]>();
  const presented: Presented[] = [];
  for (const delivery of deliveries) {
    const read = readDelivery(deps, delivery);
    if (!read) {
      failed.add(delivery.id);
      continue;
    }
    keysByDelivery.set(
      delivery.id,
      read.map(({ key }) => key),
    );
    presented.push(...read);
  }
  const counted = await countPresented(deps, presented, deadlineMs);
  const { results, decisions, unreviewed, moderated, reviewed } = counted;
  const told = new Set<ImpressionKey>();
  for (const [id, keys] of keysByDelivery) {
    // Fails closed: a key that the counting step did not speak of is undecided too.
    const decided = (key: ImpressionKey) => isRecorded(results.get(key)) && !unreviewed.has(key);
    if (!keys.every(decided)) failed.add(id);
    // What came twice in one batch was news the first time.
    const news = keys.filter((key) => !told.has(key));
    for (const key of news) told.add(key);
    if (deps.follow?.isFollowed(id)) deps.follow.onCounted(id, placesOf(news, results, decisions));
  }
  const summary = summarise(decisions, results, presented.length);
  return { failedIds: [...failed], ...summary, moderated, reviewed };
}

const isRecorded = (result: Recorded | undefined): boolean =>
  result === "recorded" || result === "duplicate";

/** Those of what has an amount: void engagements are in no entry. */
function placesOf(
  keys: readonly ImpressionKey[],
  results: ReadonlyMap<ImpressionKey, Recorded>,
  decisions: ReadonlyMap<ImpressionKey, Decision>,
): CountedPlace[] {
  const places = new Map<string, CountedPlace>();
  for (const key of keys) {
    const decision = decisions.get(key);
    if (results.get(key) !== "recorded" || decision?.outcome !== "counted") continue;
    if (decision.state === "void") continue;
    const { articleId } = decision.engagement;
    for (const { creatorId } of decision.credits) {
      places.set(`${creatorId}\t${articleId}\t${decision.day}`, {
        ...{ creatorId, articleId, day: decision.day },
      });
    }
  }
  return [...places.values()];
}

function readDelivery(deps: CountDeps, { id, body }: Delivery): Presented[] | undefined {
  try {
    const { engagements, traceparent, acceptedAtMs } = readEvent(engagementsAccepted, body);
    const short = (text: string) => deps.sha256(text).slice(0, 12);
    // The same for every redelivery of one acceptance, so that those are never held against a reader.
    const request = short(`${traceparent} ${acceptedAtMs}`);
    return engagements.map((engagement) => ({
      key: impressionKeyOf(deps.sha256, deps.publisherId, engagement),
      ...{ engagement, acceptedAtMs },
      presentation:
        engagement.tokenId === undefined
          ? undefined
          : { token: short(engagement.tokenId), request },
    }));
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error;
    deps.onUnreadable?.(id, error);
    return undefined;
  }
}

async function countPresented(
  deps: CountDeps,
  presented: readonly Presented[],
  deadlineMs: number,
): Promise<{
  results: Map<ImpressionKey, Recorded>;
  decisions: Map<ImpressionKey, Decision>;
  unreviewed: Set<ImpressionKey>;
  moderated: number;
  reviewed: number;
}> {
  const results = new Map<ImpressionKey, Recorded>();
  const decisions = new Map<ImpressionKey, Decision>();
  const unreviewed = new Set<ImpressionKey>();
  const firsts = reportsThatCount(presented);
  let moderated = 0;
  let reviewed = 0;
  if (firsts.size === 0) return { results, decisions, unreviewed, moderated, reviewed };
  // Said before anything is tried: whatever time runs out for is undecided, and no duplicate.
  for (const key of firsts.keys()) results.set(key, "undecided");
  const articleIds = [...firsts.values()].map(({ engagement }) => engagement.articleId);
  const registry = await readRegistry(deps, articleIds);
  const acceptedAtMs = earliestAcceptances(presented);
  for (const group of groupsOfReaders([...firsts.values()])) {
    if (deps.clock.nowMs() >= deadlineMs) break;
    const counting = { deps, presented, registry, deadlineMs, results, decisions };
    moderated += await moderateGroup(counting, group, await countGroup(counting, group));
    const later = await reviewGroup(counting, group, acceptedAtMs);
    reviewed += later.changed;
    for (const key of later.failed) unreviewed.add(key);
  }
  return { results, decisions, unreviewed, moderated, reviewed };
}

function earliestAcceptances(presented: readonly Presented[]): Map<ImpressionKey, number> {
  const earliest = new Map<ImpressionKey, number>();
  for (const { key, acceptedAtMs } of presented) {
    earliest.set(key, Math.min(acceptedAtMs, earliest.get(key) ?? acceptedAtMs));
  }
  return earliest;
}

/** Engagements that are decided and recorded before the next ones are looked at, at least. */
const groupSize = 5_000;

/**
 * A reader's engagements stay together, or the second group would not know of the first. In groups,
 * so that a batch too large for its time records a part, and not nothing each time it is tried.
 */
function groupsOfReaders(items: readonly Presented[]): Presented[][] {
  const groups: Presented[][] = [];
  for (const ofReader of Map.groupBy(items, ({ key }) => readerDayIn(key)).values()) {
    const last = groups.at(-1);
    if (last && last.length < groupSize) last.push(...ofReader);
    else groups.push([...ofReader]);
  }
  return groups;
}

interface Counting {
  readonly deps: CountDeps;
  readonly presented: readonly Presented[];
  readonly registry: Registry;
  readonly deadlineMs: number;
  readonly results: Map<ImpressionKey, Recorded>;
  readonly decisions: Map<ImpressionKey, Decision>;
}

/** @returns keys that were found recorded, and do not wait for moderation. */
async function countGroup(
  { deps, presented, registry, deadlineMs, results, decisions }: Counting,
  group: readonly Presented[],
): Promise<ReadonlySet<ImpressionKey>> {
  const known = new Set<ImpressionKey>();
  let open = group;
  for (let round = 0; round < maxRounds && open.length > 0; round += 1) {
    const days = new Set(open.map(({ key }) => readerDayIn(key)));
    const ofThese = presented.filter(({ key }) => days.has(readerDayIn(key)));
    const { readers, histories } = await readReaders(deps, registry, ofThese, open);
    const nowMs = deps.clock.nowMs();
    const decided: Decision[] = [];
    for (const { key, engagement, presentation } of open) {
      const recorded = histories.get(readerDayIn(key))?.recorded.get(key);
      if (recorded) {
        // An exact read, so this is certain; the transaction it would spoil is spared.
        results.set(key, "duplicate");
        const moderation = moderationOf(engagement);
        if (!moderation || !decides(moderation, recorded)) known.add(key);
        continue;
      }
      const decision = decideEngagement(deps, registry, readers, nowMs, {
        ...{ key, engagement, presentation },
      });
      readers.add(decision);
      decided.push(decision);
      decisions.set(key, decision);
    }
    for (const [key, result] of await deps.countOnce.record(decided, deadlineMs)) {
      results.set(key, result);
    }
    open = open.filter(({ key }) => results.get(key) === "stale");
  }
  return known;
}

/**
 * What is a duplicate as an engagement may be news as a decision on a comment. It may also have been
 * counted just now by a rival, and so be in no history yet.
 * @returns how many comments changed; what could not be changed is undecided.
 */
async function moderateGroup(
  { deps, deadlineMs, results }: Counting,
  group: readonly Presented[],
  known: ReadonlySet<ImpressionKey>,
): Promise<number> {
  const decisions = new Map<ImpressionKey, Moderation>();
  for (const { key, engagement } of group) {
    const moderation = moderationOf(engagement);
    const isNews = results.get(key) === "duplicate" && !known.has(key);
    if (moderation && isNews) decisions.set(key, moderation);
  }
  const table = deps.reviewTable;
  const { changed, failed } = await moderateComments({ ...deps, table }, decisions, deadlineMs);
  for (const key of failed) results.set(key, "undecided");
  return changed;
}

/** Duplicates too: who recorded them may have been killed before any review was looked for. */
async function reviewGroup(
  { deps, deadlineMs, results }: Counting,
  group: readonly Presented[],
  acceptedAtMs: ReadonlyMap<ImpressionKey, number>,
) {
  const arrivals = group
    .filter(({ key }) => isRecorded(results.get(key)))
    .map((one): Arrival => ({ ...one, acceptedAtMs: acceptedAtMs.get(one.key) ?? 0 }));
  return await reviewLater({ ...deps, table: deps.reviewTable }, arrivals, deadlineMs);
}

function summarise(
  decisions: ReadonlyMap<ImpressionKey, Decision>,
  results: ReadonlyMap<ImpressionKey, Recorded>,
  presented: number,
) {
  let [recorded, canaries] = [0, 0];
  const rejected: RejectedDecision[] = [];
  const states = new Map<string, number>();
  for (const [key, result] of results) {
    const decision = decisions.get(key);
    if (result !== "recorded" || !decision) continue;
    recorded += 1;
    if (decision.outcome === "rejected") {
      rejected.push(decision);
      continue;
    }
    if (decision.engagement.articleId === canaryArticleId) canaries += 1;
    const name = stateName(decision);
    states.set(name, (states.get(name) ?? 0) + 1);
  }
  const undecided = [...results.values()].filter(
    (result) => result === "undecided" || result === "stale",
  ).length;
  return { recorded, rejected, canaries, states, duplicates: presented - recorded - undecided };
}
