import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Construct } from "constructs";
import { nameIn, type Platform } from "../platform.ts";

export interface RunbookAlarmProps {
  readonly platform: Platform;
  /** The function it belongs to: the first half of the runbook's heading. */
  readonly subject: string;
  /** What one sees: the second half. */
  readonly symptom: string;
  /** The first half of the heading where several subjects share one; default: `subject`. */
  readonly runbook?: string;
  readonly description: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly evaluationPeriods?: number;
  /** Rings when the metric falls below the threshold or is missing; else when it reaches it. */
  readonly whenBelow?: boolean;
}

export const alarmPeriod = Duration.minutes(1);

/** An alarm that says where its section of the runbook is: "count-engagements dead-letters". */
export class RunbookAlarm extends Alarm {
  constructor(scope: Construct, id: string, props: RunbookAlarmProps) {
    const { platform, subject, symptom } = props;
    super(scope, id, {
      alarmName: nameIn(platform.settings, subject, symptom),
      alarmDescription: `${props.description} See docs/runbook.md#${props.runbook ?? subject}-${symptom}`,
      metric: props.metric,
      threshold: props.threshold,
      evaluationPeriods: props.evaluationPeriods ?? 1,
      comparisonOperator: props.whenBelow
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: props.whenBelow
        ? TreatMissingData.BREACHING
        : TreatMissingData.NOT_BREACHING,
    });
    const action = new SnsAction(platform.alarmTopic);
    this.addAlarmAction(action);
    this.addOkAction(action);
  }
}
