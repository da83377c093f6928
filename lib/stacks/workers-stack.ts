import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { events } from "../../core/contracts/events.ts";
import { WorkerQueue } from "../constructs/worker-queue.ts";
import { nameIn, type Platform } from "../platform.ts";

/** Work that follows from accepted engagements: one queue for each kind of work. */
export class WorkersStack extends Stack {
  readonly countEngagements: WorkerQueue;

  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "workers") });
    this.countEngagements = new WorkerQueue(this, "CountEngagements", {
      platform,
      name: "count-engagements",
      concerns: "money",
      event: events.engagementsAccepted,
      batchSize: 1_000,
      batchingWindow: Duration.seconds(1),
      timeout: Duration.seconds(60),
      needs: {
        tables: {
          impressionKeys: ["BatchGetItem", "PutItem", "Query", "UpdateItem"],
          earningsCounters: ["BatchGetItem", "UpdateItem"],
          registry: ["BatchGetItem", "Query"],
        },
        // What reviews did to engagements that are recorded after them.
        reviewProgress: ["UpdateItem"],
        dedupeTtl: true,
        trafficRules: true,
        poolRules: true,
      },
    });
  }
}
