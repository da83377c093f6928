import { limits } from "../contracts/limits.ts";
import { maxCounterShards } from "../contracts/storage.ts";
import { chunk, groupBy } from "../values/group-by.ts";
import type { Decision } from "./count-once.ts";
import type { CounterId } from "./counter.ts";

/** Decisions that share one counter (or none), and the shard of it that takes their sum. */
export interface PlannedGroup {
  readonly counter: CounterId | undefined;
  readonly decisions: readonly Decision[];
}

/** The groups that one transaction commits together. */
export type PlannedTransaction = readonly PlannedGroup[];

// One action is the tally's.
const room = limits.maxTransactionActions - 1;

const actionsOf = ({ counter, decisions }: PlannedGroup) => decisions.length + (counter ? 1 : 0);

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
    const chunks = chunk(group, room - 1);
    chunks.forEach((part, index) => {
      const full = part.length === room - 1;
      const lane = index % lanes;
      const shard = full ? (firstShard + lane) % maxCounterShards : 0;
      const planned = { counter: counterOf(part[0], shard), decisions: part };
      if (full) plan[lane]?.push([planned]);
      else rest.push(planned);
    });
  }
  fill(rest).forEach((transaction, index) => {
    plan[index % lanes]?.push(transaction);
  });
  return plan;
}

function groupKey(decision: Decision): string {
  if (decision.outcome === "rejected") return "";
  const { creatorId, articleId, day } = decision.counter;
  return `${creatorId}\t${articleId}\t${day}`;
}

function counterOf(decision: Decision | undefined, shard: number): CounterId | undefined {
  return decision?.outcome === "paid" ? { ...decision.counter, shard } : undefined;
}

/** First fit, largest first: what is small goes where room is left. */
function fill(groups: readonly PlannedGroup[]): PlannedTransaction[] {
  const bins: { left: number; groups: PlannedGroup[] }[] = [];
  let firstOpen = 0;
  for (const group of groups.toSorted((a, b) => b.decisions.length - a.decisions.length)) {
    const size = actionsOf(group);
    let at = firstOpen;
    while (at < bins.length && (bins[at]?.left ?? 0) < size) at += 1;
    const bin = bins[at] ?? { left: room, groups: [] };
    if (at === bins.length) bins.push(bin);
    bin.groups.push(group);
    bin.left -= size;
    while ((bins[firstOpen]?.left ?? room) < 2) firstOpen += 1;
  }
  return bins.map((bin) => bin.groups);
}
