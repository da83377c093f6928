import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { queueOfKind } from "../../core/contracts/dead-letter-sources.ts";
import { events } from "../../core/contracts/events.ts";
import { limits } from "../../core/contracts/limits.ts";
import { openDeadLetters } from "../constructs/dead-letter-queue.ts";
import { printedMetric } from "../constructs/printed-metric.ts";
import { RunbookAlarm } from "../constructs/runbook-alarm.ts";
import { WorkerQueue } from "../constructs/worker-queue.ts";
import { nameIn, type Platform } from "../platform.ts";

/** Its queues share their sections of the runbook. */
const runbook = "webhooks";

/** Telling others what happened: one queue says whom, another one calls them. */
export class WebhooksStack extends Stack {
  readonly createDeliveries: WorkerQueue;
  readonly deliverWebhook: WorkerQueue;

  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "webhooks") });
    this.createDeliveries = new WorkerQueue(this, "CreateDeliveries", {
      platform,
      name: "create-deliveries",
      runbook,
      event: [
        events.jobChanged,
        events.payoutRequested,
        events.webhookPingRequested,
        events.webhookEndpointDisabled,
        events.webhookResendRequested,
      ],
      batchSize: 10,
      batchingWindow: Duration.seconds(0),
      timeout: Duration.minutes(1),
      memoryMb: 512,
      needs: {
        tables: {
          webhooks: ["GetItem", "Query", "PutItem", "DeleteItem"],
          jobs: ["GetItem"],
        },
        putEvents: true,
      },
    });
    this.deliverWebhook = new WorkerQueue(this, "DeliverWebhook", {
      platform,
      name: "deliver-webhook",
      runbook,
      event: events.webhookDue,
      // All of a batch is called side by side, and the slowest of it is waited for: small batches.
      batchSize: 10,
      batchingWindow: Duration.seconds(0),
      // One call, and time to record what came of it.
      timeout: Duration.seconds(limits.webhookTimeoutMs / 1_000 + 25),
      memoryMb: 512,
      needs: {
        tables: {
          webhooks: ["GetItem", "Query", "PutItem", "DeleteItem"],
          pacing: ["UpdateItem"],
        },
        webhookSecret: true,
        outbound: true,
        putEvents: true,
        deferEvents: true,
      },
    });
    this.addAlarms(platform);
  }

  private addAlarms(platform: Platform): void {
    const { settings } = platform;
    new RunbookAlarm(this, "DisabledAlarm", {
      platform,
      subject: "deliver-webhook",
      symptom: "endpoint-disabled",
      runbook,
      description: "A webhook endpoint was disabled: it was gone, or failed for five days.",
      metric: printedMetric(settings, {
        service: "deliver-webhook",
        name: "WebhookEndpointsDisabled",
        statistic: "Sum",
        period: Duration.minutes(5),
      }),
      threshold: 1,
    });
    new RunbookAlarm(this, "UndeferredAlarm", {
      platform,
      subject: "deferred",
      symptom: "undelivered",
      description: "Scheduler could not put events on the bus when they were due.",
      metric: openDeadLetters(platform, queueOfKind.undelivered("deferred")),
      threshold: 1,
    });
  }
}
