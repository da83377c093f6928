import { AwsError, type Operation } from "../aws-json-server.ts";
import type { Faults } from "../faults.ts";
import { type AlarmsDeps, describeAlarms } from "./describe-alarms.ts";
import { getMetricData, type MetricDataDeps } from "./get-metric-data.ts";

export interface CloudWatchDeps extends AlarmsDeps, MetricDataDeps {
  readonly faults: Faults;
}

/** What may be asked of CloudWatch; it speaks the JSON protocol, under the name it was born with. */
export function cloudWatchOperations(deps: CloudWatchDeps): Readonly<Record<string, Operation>> {
  const unlessFaulty =
    (answer: (input: Record<string, unknown>, deps: CloudWatchDeps) => object): Operation =>
    (input) => {
      if (!deps.faults.failsCloudWatch()) return answer(input, deps);
      throw new AwsError("InternalServiceFault", "INJECTED_FAULT", 500);
    };
  return {
    "GraniteServiceVersion20100801.DescribeAlarms": unlessFaulty(describeAlarms),
    "GraniteServiceVersion20100801.GetMetricData": unlessFaulty(getMetricData),
  };
}
