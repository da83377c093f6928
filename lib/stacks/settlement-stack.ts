import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { events } from "../../core/contracts/events.ts";
import { ScheduledFunction } from "../constructs/scheduled-function.ts";
import { WorkerQueue } from "../constructs/worker-queue.ts";
import { nameIn, type Platform } from "../platform.ts";

/**
 * Counters into ledger: a schedule finds the creators due, a queue settles each of them. What takes
 * part in a pool is given its price first, by a schedule of its own.
 */
export class SettlementStack extends Stack {
  readonly settleEarnings: ScheduledFunction;
  readonly settleCreator: WorkerQueue;
  readonly pricePools: ScheduledFunction;

  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "settlement") });
    this.settleEarnings = new ScheduledFunction(this, "SettleEarnings", {
      platform,
      name: "settle-earnings",
      timeout: Duration.seconds(60),
      needs: { dueIndex: ["Query"], putEvents: true },
    });
    this.settleCreator = new WorkerQueue(this, "SettleCreator", {
      platform,
      name: "settle-creator",
      event: events.settlementDue,
      batchSize: 10,
      batchingWindow: Duration.seconds(0),
      timeout: Duration.seconds(60),
      needs: {
        tables: {
          earningsCounters: ["BatchGetItem", "UpdateItem"],
          // Entries are immutable: nothing may delete one.
          ledger: ["GetItem", "PutItem", "UpdateItem"],
        },
        dueIndex: ["Query"],
        putEvents: true,
        settlementRules: true,
        holdRules: true,
      },
    });
    this.pricePools = new ScheduledFunction(this, "PricePools", {
      platform,
      name: "price-pools",
      every: Duration.hours(1),
      // A counter is two writes, some hundreds a second; what is left the next run does.
      timeout: Duration.minutes(10),
      memoryMb: 1_024,
      needs: {
        tables: {
          earningsCounters: ["BatchGetItem", "UpdateItem"],
          registry: ["BatchGetItem", "Query"],
        },
        poolPlans: ["GetItem", "PutItem", "UpdateItem"],
        dueIndex: ["Query"],
        poolRules: true,
      },
    });
  }
}
