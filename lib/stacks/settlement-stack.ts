import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { events } from "../../core/contracts/events.ts";
import { printedMetric } from "../constructs/printed-metric.ts";
import { alarmPeriod, RunbookAlarm } from "../constructs/runbook-alarm.ts";
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
      concerns: "money",
      timeout: Duration.seconds(60),
      needs: { dueIndex: ["Query"], putEvents: true },
    });
    this.settleCreator = new WorkerQueue(this, "SettleCreator", {
      platform,
      name: "settle-creator",
      concerns: "money",
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
    this.alarmOnLag(platform);
    this.pricePools = new ScheduledFunction(this, "PricePools", {
      platform,
      name: "price-pools",
      concerns: "money",
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
  /** Says that settlement does not do its work, whatever the reason, and though it may well run. */
  private alarmOnLag(platform: Platform): void {
    const { settings } = platform;
    const { settlementLagSeconds } = settings.alarms;
    new RunbookAlarm(this, "LagAlarm", {
      platform,
      subject: "settle-creator",
      symptom: "lag",
      concerns: "money",
      description: `What a creator earned ${settlementLagSeconds} s ago is not in the ledger.`,
      metric: printedMetric(settings, {
        service: "settle-creator",
        name: "SettlementLag",
        statistic: "Maximum",
        period: alarmPeriod,
      }),
      threshold: settlementLagSeconds,
    });
  }
}
