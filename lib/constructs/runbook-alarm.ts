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

/** What is at stake while an alarm rings: it is part of the alarm that says so. */
export type Concern = "money" | "users";

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
  /** Default: somebody waits for what is amiss. */
  readonly concerns?: Concern;
  /**
   * Of what is measured now and then: it rings until the next time says that all is well. Else what
   * is missing is no fault.
   */
  readonly untilMeasuredAgain?: boolean;
  /** Rings when the metric falls below the threshold or is missing; else when it reaches it. */
  readonly whenBelow?: boolean;
}

export const alarmPeriod = Duration.minutes(1);

/** An alarm that says where its section of the runbook is: "count-engagements dead-letters". */
export class RunbookAlarm extends Alarm {
  /** As CloudWatch knows it; no reference, which would tie the stacks of those who mention it. */
  readonly plainName: string;
  readonly concerns: Concern;

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
      treatMissingData: missingData(props),
    });
    this.plainName = nameIn(platform.settings, subject, symptom);
    this.concerns = props.concerns ?? "users";
    const action = new SnsAction(platform.alarmTopic);
    this.addAlarmAction(action);
    this.addOkAction(action);
  }
}

function missingData({ whenBelow, untilMeasuredAgain }: RunbookAlarmProps): TreatMissingData {
  if (whenBelow) return TreatMissingData.BREACHING;
  return untilMeasuredAgain ? TreatMissingData.IGNORE : TreatMissingData.NOT_BREACHING;
}
