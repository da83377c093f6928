import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { redriveRequested } from "../../core/contracts/events.ts";
import { ScheduledFunction } from "../constructs/scheduled-function.ts";
import { WorkerQueue } from "../constructs/worker-queue.ts";
import { nameIn, type Platform } from "../platform.ts";

/** What failed for good, kept and counted until somebody has seen to it. */
export class DeadLettersStack extends Stack {
  readonly archiveDeadLetters: ScheduledFunction;
  readonly redriveDeadLetters: WorkerQueue;

  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "dead-letters") });
    this.archiveDeadLetters = new ScheduledFunction(this, "ArchiveDeadLetters", {
      platform,
      name: "archive-dead-letters",
      timeout: Duration.seconds(55),
      needs: {
        tables: {
          deadLetters: ["BatchGetItem", "GetItem", "PutItem", "UpdateItem"],
          jobs: ["GetItem"],
        },
        deadLetterIndex: ["Query"],
        deadLetterQueues: ["DeleteMessage", "GetQueueUrl", "ReceiveMessage"],
      },
    });
    this.redriveDeadLetters = new WorkerQueue(this, "RedriveDeadLetters", {
      platform,
      name: "redrive-dead-letters",
      event: redriveRequested,
      batchSize: 1,
      batchingWindow: Duration.seconds(0),
      // At its rate it sends one letter after the other; what is left is another message.
      timeout: Duration.minutes(2),
      maxConcurrency: 2,
      memoryMb: 512,
      needs: {
        tables: {
          deadLetters: ["BatchGetItem", "GetItem", "PutItem", "UpdateItem"],
          jobs: ["GetItem", "PutItem"],
        },
        redrives: true,
        putEvents: true,
      },
    });
  }
}
