import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { JobType } from "../../core/contracts/job-types.ts";
import { JobQueue, type JobQueueProps } from "../constructs/job-queue.ts";
import { ScheduledFunction } from "../constructs/scheduled-function.ts";
import { nameIn, type Platform } from "../platform.ts";

/** Slow work: a queue and a worker for each type of job, and a schedule that looks after all of them. */
export class JobsStack extends Stack {
  readonly queues: readonly JobQueue[];

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
      queue("image.process", {
        timeout: Duration.minutes(2),
        // Half of it is what 50 million pixels of AVIF take.
        memoryMb: 3_008,
        // On one machine all functions share the four threads that libuv works with in the background.
        maxConcurrency: 3,
        needs: { files: { uploads: ["GetObject"], images: ["PutObject"] } },
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
      queue("integration.sync", {
        // Waiting for a turn, a call of 15 s, and what comes after.
        timeout: Duration.seconds(60),
        batchSize: 5,
        needs: {
          integrations: ["GetItem"],
          tables: { pacing: ["GetItem", "PutItem", "UpdateItem"] },
          webhookSecret: true,
          outbound: true,
          deferEvents: true,
        },
      }),
      queue("export.engagements", {
        timeout: Duration.seconds(60),
        // Whole tables are read: they must have time for others.
        maxConcurrency: 2,
        needs: {
          tables: { earningsCounters: ["Query"], impressionKeys: ["Scan"] },
          files: { exports: ["PutObject"] },
        },
      }),
    ];
    new ScheduledFunction(this, "TendJobs", {
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
