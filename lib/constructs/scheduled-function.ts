import { Aws, Duration } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Needs } from "../needs.ts";
import { nameIn, type Platform } from "../platform.ts";
import { DeadLetterQueue } from "./dead-letter-queue.ts";
import { PennylineFunction } from "./pennyline-function.ts";
import { alarmPeriod, RunbookAlarm } from "./runbook-alarm.ts";

export interface ScheduledFunctionProps {
  readonly platform: Platform;
  /** The function's folder in `lambdas/`. */
  readonly name: string;
  readonly needs: Needs;
  readonly timeout: Duration;
  readonly memoryMb?: number;
}

/** A function that runs every minute, with an alarm for when it does not. */
export class ScheduledFunction extends Construct {
  readonly name: string;
  readonly scheduled: PennylineFunction;
  /** Runs that the scheduler could not start. */
  readonly missedRuns: Queue;
  private readonly platform: Platform;

  constructor(scope: Construct, id: string, props: ScheduledFunctionProps) {
    super(scope, id);
    const { platform, name, needs, timeout } = props;
    this.name = name;
    this.platform = platform;
    this.scheduled = new PennylineFunction(this, "Scheduled", {
      platform,
      name,
      needs,
      timeout,
      memoryMb: props.memoryMb ?? 512,
      // The next run does all that a failed one left undone.
      asyncRetries: { attempts: 0, maxAge: Duration.minutes(1) },
    });
    this.missedRuns = new DeadLetterQueue(this, "MissedRuns", platform, `${name}-missed-runs`);
    this.addSchedule();
    this.addAlarms();
  }

  private addSchedule(): void {
    const { functionArn } = this.scheduled.function;
    // Without the condition any schedule of any account could borrow the role.
    const scheduler = new ServicePrincipal("scheduler.amazonaws.com", {
      conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
    });
    const role = new Role(this, "SchedulerRole", { assumedBy: scheduler });
    const allow = (action: string, resource: string) =>
      role.addToPolicy(new PolicyStatement({ actions: [action], resources: [resource] }));
    allow("lambda:InvokeFunction", functionArn);
    allow("sqs:SendMessage", this.missedRuns.queueArn);

    const schedule = new CfnSchedule(this, "Schedule", {
      name: nameIn(this.platform.settings, this.name),
      description: `Runs ${this.name} every minute`,
      scheduleExpression: "rate(1 minute)",
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: functionArn,
        roleArn: role.roleArn,
        // A run older than a minute is overtaken by the next one.
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 2 },
        deadLetterConfig: { arn: this.missedRuns.queueArn },
      },
    });
    // The role must be able to do its work before the first run.
    schedule.node.addDependency(role);
  }

  private addAlarms(): void {
    const { platform, name } = this;
    const { missedRunMinutes } = platform.settings.alarms;
    new RunbookAlarm(this, "NotRunningAlarm", {
      platform,
      subject: name,
      symptom: "not-running",
      description: `${name} did not run for ${missedRunMinutes} minutes.`,
      metric: this.scheduled.function.metricInvocations({ period: alarmPeriod }),
      threshold: 1,
      evaluationPeriods: missedRunMinutes,
      whenBelow: true,
    });
    new RunbookAlarm(this, "MissedRunsAlarm", {
      platform,
      subject: name,
      symptom: "missed-runs",
      description: `${name}: the scheduler could not start a run.`,
      metric: this.missedRuns.metricApproximateNumberOfMessagesVisible({ period: alarmPeriod }),
      threshold: 1,
    });
    this.scheduled.alarmOnErrors(platform.settings.alarms.scheduledErrors);
  }
}
