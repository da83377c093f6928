import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../../core/contracts/limits.ts";
import { maxCounterShards } from "../../../core/contracts/storage.ts";
import {
  type PlannedTransaction,
  planTransactions,
} from "../../../core/earnings/plan-transactions.ts";
import { decisions, paid } from "./arbitraries.ts";

const options = { lanes: 8, firstShard: 5 };

function actionsOf(transaction: PlannedTransaction): number {
  const counters = transaction.flatMap((group) => group.counters).length;
  const decided = transaction.flatMap((group) => group.decisions);
  const poolUses = decided.filter((decision) => decision.outcome === "counted" && decision.pool);
  return counters + decided.length + poolUses.length;
}

describe("planTransactions", () => {
  test("holds every decision exactly once", () => {
    fc.assert(
      fc.property(decisions, (all) => {
        const planned = planTransactions(all, options)
          .flat(2)
          .flatMap((group) => group.decisions);
        expect(planned.map(({ key }) => key).sort()).toEqual(all.map(({ key }) => key).sort());
      }),
    );
  });

  test("leaves room for the tally in each transaction, and plans no empty one", () => {
    fc.assert(
      fc.property(decisions, (all) => {
        for (const transaction of planTransactions(all, options).flat()) {
          expect(actionsOf(transaction) + 1).toBeLessThanOrEqual(limits.maxTransactionActions);
          expect(actionsOf(transaction)).toBeGreaterThan(0);
        }
      }),
    );
  });

  test("names no counter twice in one transaction, and no shard that does not exist", () => {
    fc.assert(
      fc.property(decisions, fc.nat(maxCounterShards - 1), (all, firstShard) => {
        for (const transaction of planTransactions(all, { lanes: 8, firstShard }).flat()) {
          const counters = transaction.flatMap((group) => group.counters);
          const names = counters.map((counter) => JSON.stringify(counter));
          expect(new Set(names).size).toBe(names.length);
          for (const { shard } of counters) {
            expect(Number.isInteger(shard) && shard >= 0 && shard < maxCounterShards).toBe(true);
          }
        }
      }),
    );
  });

  test("gives each decision the counters of its own article and creators, and refused ones none", () => {
    fc.assert(
      fc.property(decisions, (all) => {
        for (const { counters, decisions: grouped } of planTransactions(all, options).flat(2)) {
          for (const decision of grouped) {
            if (decision.outcome === "rejected") {
              expect(counters).toEqual([]);
              continue;
            }
            const { articleId } = decision.engagement;
            const own = (counter: (typeof counters)[number]) =>
              counter.articleId === articleId &&
              counter.day === decision.day &&
              counter.pool === decision.poolNumber;
            const creators = new Set(counters.filter(own).map(({ creatorId }) => creatorId));
            const credited = decision.credits.every(({ creatorId }) => creators.has(creatorId));
            expect(credited && counters.every(own)).toBe(true);
          }
        }
      }),
    );
  });

  test("D1: spreads a hot counter over as many shards as there are lanes", () => {
    const hot = Array.from({ length: 20 * 98 }, (_, index) => paid("hot", index));
    const lanes = planTransactions(hot, options);
    const shardsByLane = lanes.map(
      (lane) => new Set(lane.flat().map(({ counters }) => counters[0]?.shard)),
    );
    // Within a lane transactions follow each other, so one shard is free when its turn comes.
    for (const shards of shardsByLane) expect(shards.size).toBe(1);
    expect(new Set(shardsByLane.flatMap((shards) => [...shards])).size).toBe(options.lanes);
  });

  test("takes no more transactions than twice what the actions need", () => {
    fc.assert(
      fc.property(decisions, (all) => {
        const transactions = planTransactions(all, options).flat();
        const actions = transactions.reduce((sum, each) => sum + actionsOf(each), 0);
        const fewest = Math.ceil(actions / (limits.maxTransactionActions - 1));
        expect(transactions.length).toBeLessThanOrEqual(2 * fewest);
      }),
    );
  });
});
