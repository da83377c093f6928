import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { ScheduledFunction } from "../constructs/scheduled-function.ts";
import { nameIn, type Platform } from "../platform.ts";

/** What failed for good, kept and counted until somebody has seen to it. */
export class DeadLettersStack extends Stack {
  readonly archiveDeadLetters: ScheduledFunction;

  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "dead-letters") });
    this.archiveDeadLetters = new ScheduledFunction(this, "ArchiveDeadLetters", {
      platform,
      name: "archive-dead-letters",
      timeout: Duration.seconds(55),
      needs: {
        tables: { deadLetters: ["GetItem", "PutItem", "UpdateItem"] },
        deadLetterIndex: ["Query"],
        deadLetterQueues: ["DeleteMessage", "GetQueueUrl", "ReceiveMessage"],
      },
    });
  }
}
