import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { events } from "../../core/contracts/events.ts";
import { ScheduledFunction } from "../constructs/scheduled-function.ts";
import { WorkerQueue } from "../constructs/worker-queue.ts";
import { nameIn, type Platform } from "../platform.ts";

/** What is payable to creators' banks: a schedule names who may be paid, a queue pays each of them. */
export class PayoutsStack extends Stack {
  readonly runPayouts: ScheduledFunction;
  readonly payCreators: WorkerQueue;

  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "payouts") });
    this.runPayouts = new ScheduledFunction(this, "RunPayouts", {
      platform,
      name: "run-payouts",
      concerns: "money",
      every: Duration.hours(1),
      timeout: Duration.minutes(5),
      needs: {
        // It tells others what to do, and cannot move money itself.
        payoutLists: ["GetItem", "PutItem", "Query", "UpdateItem"],
        accountIndex: ["Query"],
        putEvents: true,
        payoutRules: true,
      },
    });
    this.payCreators = new WorkerQueue(this, "PayCreators", {
      platform,
      name: "pay-creators",
      concerns: "money",
      event: events.payoutsDue,
      batchSize: 5,
      batchingWindow: Duration.seconds(0),
      timeout: Duration.minutes(2),
      needs: {
        tables: { ledger: ["GetItem", "PutItem", "UpdateItem"] },
        putEvents: true,
        payoutRules: true,
      },
    });
  }
}
