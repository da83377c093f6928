import { App, type AppProps, Tags, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { readSettings } from "./settings.ts";
import { ApiStack } from "./stacks/api-stack.ts";
import { AuditStack } from "./stacks/audit-stack.ts";
import { BackpressureStack } from "./stacks/backpressure-stack.ts";
import { ConnectionsStack } from "./stacks/connections-stack.ts";
import { DeadLettersStack } from "./stacks/dead-letters-stack.ts";
import { JobsStack } from "./stacks/jobs-stack.ts";
import { MonitoringStack } from "./stacks/monitoring-stack.ts";
import { NotificationsStack } from "./stacks/notifications-stack.ts";
import { PayoutsStack } from "./stacks/payouts-stack.ts";
import { ReviewsStack } from "./stacks/reviews-stack.ts";
import { SettlementStack } from "./stacks/settlement-stack.ts";
import { StateStack } from "./stacks/state-stack.ts";
import { WebhooksStack } from "./stacks/webhooks-stack.ts";
import { WorkersStack } from "./stacks/workers-stack.ts";

/** The whole application for the stage that the context names; `app.synth()` writes it. */
export class PennylineApp extends App {
  readonly state: StateStack;
  readonly connections: ConnectionsStack;
  readonly webhooks: WebhooksStack;
  readonly api: ApiStack;
  readonly workers: WorkersStack;
  readonly settlement: SettlementStack;
  readonly payouts: PayoutsStack;
  readonly reviews: ReviewsStack;
  readonly audit: AuditStack;
  readonly jobs: JobsStack;
  readonly notifications: NotificationsStack;
  readonly deadLetters: DeadLettersStack;
  readonly backpressure: BackpressureStack;
  readonly monitoring: MonitoringStack;

  constructor(props: AppProps) {
    super({ analyticsReporting: false, ...props });
    const settings = readSettings(this.node.getAllContext());
    this.state = new StateStack(this, "PennylineState", settings);
    const { platform } = this.state;
    this.workers = new WorkersStack(this, "PennylineWorkers", platform);
    this.connections = new ConnectionsStack(this, "PennylineConnections", platform);
    const { url: connectionUrl } = this.connections;
    this.api = new ApiStack(this, "PennylineApi", { ...platform, connectionUrl });
    this.settlement = new SettlementStack(this, "PennylineSettlement", platform);
    this.payouts = new PayoutsStack(this, "PennylinePayouts", platform);
    this.reviews = new ReviewsStack(this, "PennylineReviews", platform);
    this.webhooks = new WebhooksStack(this, "PennylineWebhooks", platform);
    const apiUrl = this.api.api.apiEndpoint;
    this.audit = new AuditStack(this, "PennylineAudit", { platform, apiUrl });
    this.jobs = new JobsStack(this, "PennylineJobs", platform);
    this.notifications = new NotificationsStack(this, "PennylineNotifications", {
      ...{ platform, apiUrl },
    });
    this.deadLetters = new DeadLettersStack(this, "PennylineDeadLetters", platform);
    this.backpressure = new BackpressureStack(this, "PennylineBackpressure", platform);
    // Last: it sums up whatever the others hold.
    this.monitoring = new MonitoringStack(this, "PennylineMonitoring", { platform, api: this.api });
    this.deployConsumersFirst();
    Tags.of(this).add("application", "pennyline");
    Tags.of(this).add("stage", settings.stage);
    // As with AWS's own rules: templates that are deployed are checked.
    if (settings.stage !== "local") Validations.of(this).addPlugins(new AwsSolutionsChecks(this));
  }

  /** A new version of an event must not meet workers that do not know it yet. */
  private deployConsumersFirst(): void {
    const { connections, webhooks, workers, settlement, payouts, reviews, jobs } = this;
    for (const consumer of [workers, settlement, payouts, reviews, jobs]) {
      // They put events on the bus, too, of which clients and webhooks are told.
      consumer.addStackDependency(connections);
      consumer.addStackDependency(webhooks);
      this.api.addStackDependency(consumer);
    }
  }
}
