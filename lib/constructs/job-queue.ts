import { Duration } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { jobRequested } from "../../core/contracts/events.ts";
import { type JobType, workerOf } from "../../core/contracts/job-types.ts";
import type { Needs } from "../needs.ts";
import { type Platform, pascalCase } from "../platform.ts";
import { WorkerQueue } from "./worker-queue.ts";

export interface JobQueueProps {
  readonly platform: Platform;
  /** What its work needs, beside the record of its jobs. */
  readonly needs: Needs;
  readonly timeout: Duration;
  /** Jobs that one invocation works on side by side; default: one, so that none waits for another. */
  readonly batchSize?: number;
  readonly maxConcurrency?: number;
  readonly memoryMb?: number;
}

/** The queue and the worker of one type of job, apart from every other type's. */
export class JobQueue extends WorkerQueue {
  readonly type: JobType;

  constructor(scope: Construct, type: JobType, props: JobQueueProps) {
    const { needs, batchSize = 1 } = props;
    const name = workerOf(type);
    super(scope, pascalCase(name), {
      ...props,
      name,
      event: jobRequested[type],
      batchSize,
      batchingWindow: Duration.seconds(0),
      needs: {
        ...needs,
        tables: { ...needs.tables, jobs: ["GetItem", "PutItem", "UpdateItem"] },
        putEvents: true,
      },
      runbook: "job-queue",
    });
    this.type = type;
  }
}
