import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { JobType } from "../../core/contracts/job-types.ts";
import { JobQueue, type JobQueueProps } from "../constructs/job-queue.ts";
import { ScheduledFunction } from "../constructs/scheduled-function.ts";
import type { WorkerQueue } from "../constructs/worker-queue.ts";
import { nameIn, type Platform } from "../platform.ts";

/** Slow work: a queue and a worker for each type of job, and a schedule that looks after all of them. */
export class JobsStack extends Stack {
  readonly queues: readonly WorkerQueue[];
  readonly tendJobs: ScheduledFunction;

  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "jobs") });
    const queue = (type: JobType, props: Omit<JobQueueProps, "platform">) =>
      new JobQueue(this, type, { platform, ...props });
    this.queues = [
      queue("draft.save", {
        timeout: Duration.seconds(30),
        batchSize: 10,
        needs: {
          tables: { drafts: ["GetItem", "PutItem"] },
          files: { drafts: ["GetObject"] },
        },
      }),
      queue("notification.fanout", {
        timeout: Duration.seconds(60),
        needs: {
          tables: {
            followers: ["BatchGetItem", "GetItem", "PutItem"],
            registry: ["BatchGetItem"],
          },
        },
      }),
      queue("statement.render", {
        timeout: Duration.minutes(5),
        memoryMb: 2_048,
        maxConcurrency: 5,
        needs: {
          tables: { ledger: ["GetItem", "Query"], registry: ["BatchGetItem"] },
          files: { statements: ["PutObject"] },
          holdRules: true,
          statementRules: true,
        },
      }),
    ];
    this.tendJobs = new ScheduledFunction(this, "TendJobs", {
      platform,
      name: "tend-jobs",
      timeout: Duration.seconds(60),
      needs: {
        tables: { jobs: ["BatchGetItem", "GetItem", "PutItem", "UpdateItem"] },
        jobAttentionIndex: ["Query"],
        putEvents: true,
      },
    });
  }
}
