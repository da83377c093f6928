import { Duration, Stack } from "aws-cdk-lib";
import { Dashboard, GraphWidget, type IMetric, Row } from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import type { WorkerQueue } from "../constructs/worker-queue.ts";
import { nameIn, type Platform } from "../platform.ts";
import type { ApiStack } from "./api-stack.ts";
import type { ConnectionsStack } from "./connections-stack.ts";
import type { JobsStack } from "./jobs-stack.ts";
import type { NotificationsStack } from "./notifications-stack.ts";
import type { PayoutsStack } from "./payouts-stack.ts";
import type { ReviewsStack } from "./reviews-stack.ts";
import type { SettlementStack } from "./settlement-stack.ts";
import type { WebhooksStack } from "./webhooks-stack.ts";
import type { WorkersStack } from "./workers-stack.ts";

export interface MonitoringStackProps {
  readonly platform: Platform;
  readonly api: ApiStack;
  readonly workers: WorkersStack;
  readonly settlement: SettlementStack;
  readonly payouts: PayoutsStack;
  readonly reviews: ReviewsStack;
  readonly jobs: JobsStack;
  readonly connections: ConnectionsStack;
  readonly notifications: NotificationsStack;
  readonly webhooks: WebhooksStack;
}

const period = Duration.minutes(1);

/** One dashboard, in the order in which a view becomes money. Alarms live with what they watch. */
export class MonitoringStack extends Stack {
  constructor(scope: Construct, id: string, props: MonitoringStackProps) {
    const { platform, api, workers, settlement, payouts, reviews } = props;
    const { jobs, connections, notifications, webhooks } = props;
    super(scope, id, { stackName: nameIn(platform.settings, "monitoring") });
    const { settleEarnings, settleCreator, pricePools } = settlement;
    new Dashboard(this, "Dashboard", {
      dashboardName: nameIn(platform.settings),
      defaultInterval: Duration.hours(3),
      widgets: [
        [
          graph("API: requests and errors", [
            api.api.metricCount({ period }),
            api.api.metricClientError({ period }),
            api.api.metricServerError({ period }),
          ]),
          graph("API: latency", [
            api.api.metricLatency({ period, statistic: "p50" }),
            api.api.metricLatency({ period, statistic: "p99" }),
          ]),
        ],
        rowOf(workers.countEngagements),
        [
          graph("settle-earnings: runs, errors, missed", [
            settleEarnings.scheduled.function.metricInvocations({ period }),
            settleEarnings.scheduled.function.metricErrors({ period }),
            settleEarnings.missedRuns.metricApproximateNumberOfMessagesVisible({ period }),
          ]),
          graph("settle-earnings: duration", [
            settleEarnings.scheduled.function.metricDuration({ period, statistic: "Maximum" }),
          ]),
        ],
        rowOf(settleCreator),
        [
          graph("price-pools: runs, errors, missed", [
            pricePools.scheduled.function.metricInvocations({ period }),
            pricePools.scheduled.function.metricErrors({ period }),
            pricePools.missedRuns.metricApproximateNumberOfMessagesVisible({ period }),
          ]),
        ],
        [
          graph("run-payouts: runs, errors, missed", [
            payouts.runPayouts.scheduled.function.metricInvocations({ period }),
            payouts.runPayouts.scheduled.function.metricErrors({ period }),
            payouts.runPayouts.missedRuns.metricApproximateNumberOfMessagesVisible({ period }),
          ]),
        ],
        rowOf(payouts.payCreators),
        [
          graph("release-holds: runs, errors, missed", [
            reviews.releaseHolds.scheduled.function.metricInvocations({ period }),
            reviews.releaseHolds.scheduled.function.metricErrors({ period }),
            reviews.releaseHolds.missedRuns.metricApproximateNumberOfMessagesVisible({ period }),
          ]),
        ],
        rowOf(reviews.applyReview),
        ...jobs.queues.map(rowOf),
        rowOf(connections.pushUpdates),
        ...notifications.queues.map(rowOf),
        rowOf(webhooks.createDeliveries),
        rowOf(webhooks.deliverWebhook),
        [
          graph(
            "Tables: throttled requests",
            Object.values(platform.tables).map((table) =>
              table.metricThrottledRequestsForOperation("TransactWriteItems", { period }),
            ),
          ),
        ],
      ],
    });
  }
}

function rowOf(worker: WorkerQueue): Row[] {
  const visible = (queue: WorkerQueue["queue"], label: string) =>
    queue.metricApproximateNumberOfMessagesVisible({ period, label });
  const { name, queue, deadLetters, undelivered } = worker;
  return [
    new Row(
      graph(`${name}: waiting`, [visible(queue, "waiting")]),
      graph(`${name}: age of the oldest message`, [
        queue.metricApproximateAgeOfOldestMessage({ period }),
      ]),
      graph(`${name}: dead letters and undelivered events`, [
        visible(deadLetters, "dead letters"),
        visible(undelivered, "undelivered"),
      ]),
      graph(`${name}: errors and duration`, [
        worker.worker.function.metricErrors({ period }),
        worker.worker.function.metricDuration({ period, statistic: "p99" }),
      ]),
    ),
  ];
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 6, height: 6 });
}
