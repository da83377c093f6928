import { Duration, Validations } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { Queue, QueueEncryption, type QueueProps } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { deadLettersOpen } from "../../core/contracts/dead-letter-sources.ts";
import { nameIn, type Platform, removalOf } from "../platform.ts";
import type { Settings } from "../settings.ts";
import { metricsNamespace } from "./printed-metric.ts";

/** What every queue here has: TLS only, encrypted, and gone with its stack unless data is kept. */
export function queueProps(settings: Settings, name: string, retentionDays: number): QueueProps {
  return {
    queueName: nameIn(settings, name),
    retentionPeriod: Duration.days(retentionDays),
    // Said, not left to a default: an event of full size must fit, here and where it dies.
    maxMessageSizeBytes: 1_048_576,
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    removalPolicy: removalOf(settings),
  };
}

/**
 * Letters that nobody has seen to, by the queue they died in: its own depth falls when they are
 * archived. Nothing is published while there are none.
 */
export function openDeadLetters({ settings }: Platform, queue: string): Metric {
  return new Metric({
    namespace: metricsNamespace(settings),
    metricName: deadLettersOpen,
    dimensionsMap: { service: "archive-dead-letters", queue },
    statistic: "Maximum",
    label: queue,
    // It is published each minute, more or less.
    period: Duration.minutes(5),
  });
}

/** Keeps what could not be delivered or worked on, until an operator has looked at it. */
export class DeadLetterQueue extends Queue {
  constructor(scope: Construct, id: string, settings: Settings, name: string) {
    super(scope, id, queueProps(settings, name, settings.dlqRetentionDays));
    Validations.of(this).acknowledge({
      id: "AwsSolutions-SQS3",
      reason: "Is itself the end of the line, of a rule or a schedule, which the check cannot see.",
    });
  }
}
