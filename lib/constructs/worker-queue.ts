import { Duration } from "aws-cdk-lib";
import type { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { type EventPattern, Rule, type RuleTargetInput } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import { AnyPrincipal, Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { z } from "zod";
import { type LetterKind, queueOfKind } from "../../core/contracts/dead-letter-sources.ts";
import { environment } from "../../core/contracts/environment.ts";
import { type EventContract, patternOf } from "../../core/contracts/events.ts";
import { limits } from "../../core/contracts/limits.ts";
import { checkRetention, checkVisibility, eventDeliveryDays } from "../checks.ts";
import { type Needs, redriveTag } from "../needs.ts";
import type { Platform } from "../platform.ts";
import { DeadLetterQueue, openDeadLetters, queueProps } from "./dead-letter-queue.ts";
import { PennylineFunction } from "./pennyline-function.ts";
import { alarmPeriod, type Concern, RunbookAlarm } from "./runbook-alarm.ts";

export interface WorkerQueueProps {
  readonly platform: Platform;
  /** The worker's folder in `lambdas/`. */
  readonly name: string;
  /** One event, or several that are one kind of work. */
  readonly event: EventContract<z.ZodType> | readonly EventContract<z.ZodType>[];
  /**
   * Others say it, on the account's own bus and in words of their own: what to look for, and the
   * rule's message, which says it as the contract does.
   */
  readonly translation?: { readonly of: EventPattern; readonly message: RuleTargetInput };
  readonly needs: Needs;
  readonly batchSize: number;
  readonly batchingWindow: Duration;
  readonly timeout: Duration;
  /** Default: 6 x `timeout` + `batchingWindow`, the least that is safe. */
  readonly visibilityTimeout?: Duration;
  readonly maxConcurrency?: number;
  readonly memoryMb?: number;
  /** What is at stake when it does not work; default: somebody waits. */
  readonly concerns?: Concern;
  /** Whose sections of the runbook its alarms link, if it shares them with others; default: its own. */
  readonly runbook?: string;
}

/**
 * Everything that one kind of event needs to be worked on, whole: rule, queue, both dead letter
 * queues (messages that fail, events that cannot be delivered), worker, grants and alarms.
 */
export class WorkerQueue extends Construct {
  readonly name: string;
  readonly worker: PennylineFunction;
  readonly queue: Queue;
  /** Messages that the worker failed on, time and again. */
  readonly deadLetters: Queue;
  /** Events that EventBridge could not put into the queue. */
  readonly undelivered: Queue;
  private readonly platform: Platform;
  private readonly runbook: string;
  private readonly concerns: Concern;

  constructor(scope: Construct, id: string, props: WorkerQueueProps) {
    super(scope, id);
    const { platform, name, timeout, batchingWindow } = props;
    const { queueRetentionDays, dlqRetentionDays } = platform.settings;
    const leastVisibility = Duration.seconds(6 * timeout.toSeconds() + batchingWindow.toSeconds());
    const visibilityTimeout = props.visibilityTimeout ?? leastVisibility;
    checkVisibility({
      queue: name,
      visibilityTimeoutSeconds: visibilityTimeout.toSeconds(),
      functionTimeoutSeconds: timeout.toSeconds(),
      batchingWindowSeconds: batchingWindow.toSeconds(),
    });
    checkRetention({ queue: name, queueRetentionDays, dlqRetentionDays });

    this.name = name;
    this.platform = platform;
    const events = [props.event].flat().map(({ detailType }) => detailType);
    platform.deadLetterSources.set(name, events);
    this.runbook = props.runbook ?? name;
    this.concerns = props.concerns ?? "users";
    this.deadLetters = new Queue(
      this,
      "DeadLetters",
      queueProps(platform.settings, `${name}-dead-letters`, dlqRetentionDays),
    );
    this.undelivered = new DeadLetterQueue(
      this,
      "Undelivered",
      platform.settings,
      `${name}-undelivered`,
    );
    this.queue = new Queue(this, "Queue", {
      ...queueProps(platform.settings, name, queueRetentionDays),
      visibilityTimeout,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: limits.maxReceives },
    });
    this.onlyFrom(this.route([props.event].flat(), props.translation));

    this.worker = new PennylineFunction(this, "Worker", {
      platform,
      name,
      needs: { ...props.needs, failureLog: ["BatchWriteItem", "GetItem", "PutItem", "UpdateItem"] },
      concerns: this.concerns,
      timeout,
      memoryMb: props.memoryMb ?? 1024,
    });
    // A worker may say when a message that failed comes back.
    this.worker.function.addEnvironment(environment.queueUrl, this.queue.queueUrl);
    this.worker.function.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: props.batchSize,
        maxBatchingWindow: batchingWindow,
        reportBatchItemFailures: true,
        // Bounds the pressure on the tables, and is what keeps a throttled worker from burning
        // receives: without it messages would reach the DLQ unprocessed.
        maxConcurrency: props.maxConcurrency ?? 10,
      }),
    );
    this.addAlarms();
  }

  private route(
    contracts: readonly EventContract<z.ZodType>[],
    translation: WorkerQueueProps["translation"],
  ): Rule {
    const target = new SqsQueue(this.queue, {
      ...(translation && { message: translation.message }),
      deadLetterQueue: this.undelivered,
      maxEventAge: Duration.days(eventDeliveryDays),
      retryAttempts: 185,
    });
    return new Rule(this, "Rule", {
      description: `${contracts.map(({ detailType }) => detailType).join(", ")} to ${this.name}`,
      ...(translation ? {} : { eventBus: this.platform.bus }),
      eventPattern: translation?.of ?? patternOf(...contracts),
      targets: [target],
    });
  }

  /** A message that did not come over the bus would be money that nobody accepted. */
  private onlyFrom(rule: Rule): void {
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        sid: "OnlyTheRuleSends",
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ["sqs:SendMessage"],
        resources: [this.queue.queueArn],
        conditions: {
          ArnNotEquals: { "aws:SourceArn": rule.ruleArn },
          StringNotEquals: { [`aws:PrincipalTag/${redriveTag.key}`]: redriveTag.value },
        },
      }),
    );
  }

  private addAlarms(): void {
    const { platform, name } = this;
    const { backlogMessages, oldestMessageSeconds } = platform.settings.alarms;
    const period = alarmPeriod;
    const alarm = (id: string, symptom: string, metric: Metric, at: number, text: string) =>
      new RunbookAlarm(this, id, {
        platform,
        subject: name,
        symptom,
        runbook: this.runbook,
        concerns: this.concerns,
        description: `${name}: ${text}.`,
        metric,
        threshold: at,
      });
    const visible = (queue: Queue) => queue.metricApproximateNumberOfMessagesVisible({ period });

    const backlog = visible(this.queue);
    const oldest = this.queue.metricApproximateAgeOfOldestMessage({ period });
    const waiting = `${backlogMessages} messages or more are waiting`;
    alarm("BacklogAlarm", "backlog", backlog, backlogMessages, waiting);
    const late = `a message has been waiting for ${oldestMessageSeconds} s or more`;
    alarm("OldestMessageAlarm", "oldest-message", oldest, oldestMessageSeconds, late);
    const open = (kind: LetterKind) => openDeadLetters(platform, queueOfKind[kind](name));
    const dead = "messages failed too often and are dead letters, which nobody has seen to yet";
    alarm("DeadLettersAlarm", "dead-letters", open("failed"), 1, dead);
    const refused =
      "EventBridge could not deliver events to the queue, and nobody has seen to them";
    alarm("UndeliveredAlarm", "undelivered", open("undelivered"), 1, refused);
    this.worker.alarmOnErrors({ runbook: this.runbook });
    this.worker.alarmOnThrottles();
  }
}
