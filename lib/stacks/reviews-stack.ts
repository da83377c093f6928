import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { events } from "../../core/contracts/events.ts";
import { ScheduledFunction } from "../constructs/scheduled-function.ts";
import { WorkerQueue } from "../constructs/worker-queue.ts";
import { nameIn, type Platform } from "../platform.ts";

/** What becomes of money that waits: a person decides, or its time is over. */
export class ReviewsStack extends Stack {
  readonly applyReview: WorkerQueue;
  readonly releaseHolds: ScheduledFunction;

  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "reviews") });
    this.applyReview = new WorkerQueue(this, "ApplyReview", {
      platform,
      name: "apply-review",
      concerns: "money",
      event: events.reviewRequested,
      // One message may hold all the work that there is time for.
      batchSize: 1,
      batchingWindow: Duration.seconds(0),
      // Tried again every half hour, which outlasts a pool's day being shared out.
      timeout: Duration.minutes(5),
      needs: {
        tables: {
          impressionKeys: ["BatchGetItem", "Query", "Scan", "UpdateItem"],
          earningsCounters: ["BatchGetItem", "UpdateItem"],
          registry: ["GetItem"],
        },
        reviewProgress: ["UpdateItem"],
        putEvents: true,
        poolRules: true,
      },
    });
    this.releaseHolds = new ScheduledFunction(this, "ReleaseHolds", {
      platform,
      name: "release-holds",
      concerns: "money",
      every: Duration.hours(1),
      timeout: Duration.minutes(5),
      needs: {
        tables: { earningsCounters: ["BatchGetItem", "UpdateItem"] },
        dueIndex: ["Query"],
        holdRules: true,
      },
    });
  }
}
