import { limits } from "../contracts/limits.ts";
import { maxCounterShards } from "../contracts/storage.ts";
import { chunk, groupBy } from "../values/group-by.ts";
import type { Decision } from "./count-once.ts";
import type { CounterId } from "./counter.ts";

/** Decisions that share their counters (or have none), and the shard of those that takes their sum. */
export interface PlannedGroup {
  /** One for each creator of the article. */
  readonly counters: readonly CounterId[];
  readonly decisions: readonly Decision[];
}

/** The groups that one transaction commits together. */
export type PlannedTransaction = readonly PlannedGroup[];

// One action is the tally's.
const room = limits.maxTransactionActions - 1;

/** Its impression key, and what its reader uses of a pool. */
const actionsOfDecision = (decision: Decision) =>
  decision.outcome === "counted" && decision.pool ? 2 : 1;

function actionsOf({ counters, decisions }: PlannedGroup): number {
  return decisions.reduce((sum, decision) => sum + actionsOfDecision(decision), counters.length);
}

/**
 * Packs decisions into transactions with as few counter ADDs as can be, since each costs as much
 * as an impression key. A counter that fills whole transactions is hot: those go to `lanes`
 * different shards of it, so that they can run side by side; everything else uses shard 0.
 * @returns one list of transactions for each lane; those of one lane run one after the other.
 */
export function planTransactions(
  decisions: readonly Decision[],
  { lanes, firstShard }: { lanes: number; firstShard: number },
): PlannedTransaction[][] {
  const plan: PlannedTransaction[][] = Array.from({ length: lanes }, () => []);
  const rest: PlannedGroup[] = [];
  for (const group of groupBy(decisions, groupKey).values()) {
    const size = chunkSize(group);
    const chunks = chunk(group, size);
    chunks.forEach((part, index) => {
      const full = part.length === size;
      const lane = index % lanes;
      const shard = full ? (firstShard + lane) % maxCounterShards : 0;
      const planned = { counters: countersOf(part[0], shard), decisions: part };
      if (full) plan[lane]?.push([planned]);
      else rest.push(planned);
    });
  }
  fill(rest).forEach((transaction, index) => {
    plan[index % lanes]?.push(transaction);
  });
  return plan;
}

/** Decisions of one group that fill a transaction. */
function chunkSize(group: readonly Decision[]): number {
  const left = room - countersOf(group[0], 0).length;
  return Math.floor(left / Math.max(...group.map(actionsOfDecision)));
}

function groupKey(decision: Decision): string {
  if (decision.outcome === "rejected") return "";
  const creators = decision.credits.map(({ creatorId }) => creatorId).sort();
  return [articleKey(decision), ...creators].join("\t");
}

/** Only counters of one article, day and pool can be the same ones. */
function articleKey(decision: Decision | undefined): string {
  if (decision?.outcome !== "counted") return "";
  return [decision.engagement.articleId, decision.day, decision.poolNumber ?? ""].join("\t");
}

/** Those of a group are the same for all its decisions. */
function countersOf(decision: Decision | undefined, shard: number): CounterId[] {
  if (decision?.outcome !== "counted") return [];
  const { engagement, day, poolNumber, credits } = decision;
  const pool = poolNumber === undefined ? {} : { pool: poolNumber };
  const { articleId } = engagement;
  return credits.map(({ creatorId }) => ({ creatorId, articleId, day, shard, ...pool }));
}

/**
 * First fit, largest first: what is small goes where room is left. An article whose creators changed
 * in the middle of a day has groups that share counters: an item may be in a transaction only once.
 */
function fill(groups: readonly PlannedGroup[]): PlannedTransaction[] {
  const bins: { left: number; groups: PlannedGroup[]; articles: Set<string> }[] = [];
  let firstOpen = 0;
  for (const group of groups.toSorted((a, b) => actionsOf(b) - actionsOf(a))) {
    const size = actionsOf(group);
    const article = articleKey(group.decisions[0]);
    const fits = (bin: (typeof bins)[number]) =>
      bin.left >= size && (article === "" || !bin.articles.has(article));
    const found = bins.findIndex((bin, index) => index >= firstOpen && fits(bin));
    const bin = bins[found] ?? { left: room, groups: [], articles: new Set() };
    if (found === -1) bins.push(bin);
    bin.groups.push(group);
    bin.articles.add(article);
    bin.left -= size;
    while ((bins[firstOpen]?.left ?? room) < 2) firstOpen += 1;
  }
  return bins.map((bin) => bin.groups);
}
