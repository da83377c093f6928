import { Aws, Duration } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { queueOfKind } from "../../core/contracts/dead-letter-sources.ts";
import type { Needs } from "../needs.ts";
import { nameIn, type Platform } from "../platform.ts";
import { DeadLetterQueue, openDeadLetters } from "./dead-letter-queue.ts";
import { PennylineFunction } from "./pennyline-function.ts";
import { alarmPeriod, type Concern, RunbookAlarm } from "./runbook-alarm.ts";

export interface ScheduledFunctionProps {
  readonly platform: Platform;
  /** The function's folder in `lambdas/`. */
  readonly name: string;
  readonly needs: Needs;
  readonly timeout: Duration;
  readonly memoryMb?: number;
  /** How often it runs, in whole minutes; default: every minute. */
  readonly every?: Duration;
  /** What is at stake when it does not run; default: somebody waits. */
  readonly concerns?: Concern;
  /** Failed runs in 5 minutes that ring; default: the stage's `scheduledErrors`. */
  readonly errorsToRing?: number;
}

/** Two runs in a row that did not happen are no hiccup of the scheduler, where runs are rare. */
const missedRuns = 2;
/** Lambda keeps an event that it could not run no longer than this. */
const longestEventAge = Duration.hours(6);

/** A function that runs every so often, with an alarm for when it does not. */
export class ScheduledFunction extends Construct {
  readonly name: string;
  readonly scheduled: PennylineFunction;
  /** Runs that the scheduler could not start. */
  readonly missedRuns: Queue;
  private readonly platform: Platform;
  private readonly every: Duration;
  private readonly errorsToRing: number;
  private readonly concerns: Concern;

  constructor(scope: Construct, id: string, props: ScheduledFunctionProps) {
    super(scope, id);
    const { platform, name, needs, timeout, every = Duration.minutes(1) } = props;
    this.name = name;
    this.platform = platform;
    platform.deadLetterSources.set(name, "schedule");
    this.every = every;
    this.concerns = props.concerns ?? "users";
    this.errorsToRing = props.errorsToRing ?? platform.settings.alarms.scheduledErrors;
    this.scheduled = new PennylineFunction(this, "Scheduled", {
      platform,
      name,
      needs,
      concerns: this.concerns,
      timeout,
      memoryMb: props.memoryMb ?? 512,
      // The next run does all that a failed one left undone, and is worth waiting for if it is near.
      asyncRetries: { attempts: everyMinute(every) ? 0 : 2, maxAge: eventAge(every) },
    });
    this.missedRuns = new DeadLetterQueue(
      this,
      "MissedRuns",
      platform.settings,
      `${name}-missed-runs`,
    );
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
      description: `Runs ${this.name} every ${everyMinute(this.every) ? "minute" : inWords(this.every)}`,
      scheduleExpression: `rate(${inWords(this.every)})`,
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: functionArn,
        roleArn: role.roleArn,
        // A run that is older than its period is overtaken by the next one.
        retryPolicy: {
          maximumEventAgeInSeconds: eventAge(this.every).toSeconds(),
          maximumRetryAttempts: everyMinute(this.every) ? 2 : 10,
        },
        deadLetterConfig: { arn: this.missedRuns.queueArn },
      },
    });
    // The role must be able to do its work before the first run.
    schedule.node.addDependency(role);
  }

  private addAlarms(): void {
    const { platform, name, every, concerns } = this;
    const { missedRunMinutes } = platform.settings.alarms;
    // CloudWatch looks back a day at most with short periods: a long one is a period of its own.
    const watch = everyMinute(every)
      ? { period: alarmPeriod, periods: missedRunMinutes }
      : { period: every, periods: missedRuns };
    const silentMinutes = watch.period.toMinutes() * watch.periods;
    new RunbookAlarm(this, "NotRunningAlarm", {
      ...{ platform, concerns },
      subject: name,
      symptom: "not-running",
      description: `${name} did not run for ${silentMinutes} minutes.`,
      metric: this.scheduled.function.metricInvocations({ period: watch.period }),
      threshold: 1,
      evaluationPeriods: watch.periods,
      whenBelow: true,
    });
    new RunbookAlarm(this, "MissedRunsAlarm", {
      ...{ platform, concerns },
      subject: name,
      symptom: "missed-runs",
      description: `${name}: the scheduler could not start a run.`,
      metric: openDeadLetters(platform, queueOfKind.missed(name)),
      threshold: 1,
    });
    this.scheduled.alarmOnErrors({ threshold: this.errorsToRing });
  }
}

function everyMinute(every: Duration): boolean {
  return every.toMinutes() === 1;
}

/** As EventBridge Scheduler writes it: "1 minute", "5 minutes", "1 hour". */
function inWords(every: Duration): string {
  const minutes = every.toMinutes();
  const [count, unit] = minutes % 60 === 0 ? [minutes / 60, "hour"] : [minutes, "minute"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

function eventAge(every: Duration): Duration {
  return every.toSeconds() < longestEventAge.toSeconds() ? every : longestEventAge;
}
