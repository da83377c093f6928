import {
  type CloudWatchClient,
  type CompositeAlarm,
  type MetricAlarm,
  paginateDescribeAlarms,
  type StateValue,
} from "@aws-sdk/client-cloudwatch";
import type { AlarmState } from "../../core/contracts/queries.ts";
import type { Alarm, AlarmList } from "../../core/monitoring/read-alarms.ts";

/** Far more than a stage has. */
const maxAlarms = 2_000;
const stateOf: Readonly<Record<StateValue, AlarmState>> = {
  ALARM: "alarm",
  OK: "ok",
  INSUFFICIENT_DATA: "insufficient-data",
};

/** @param prefix of the stage, with which the names of its alarms begin. */
export function cloudWatchAlarms(client: CloudWatchClient, prefix: string): AlarmList {
  const present = (alarm: MetricAlarm | CompositeAlarm, kind: Alarm["kind"]): Alarm => ({
    ...{ kind, name: (alarm.AlarmName ?? "").slice(prefix.length) },
    state: stateOf[alarm.StateValue ?? "INSUFFICIENT_DATA"],
    sinceMs: (alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp)?.getTime() ?? 0,
    reason: alarm.StateReason ?? "",
    description: alarm.AlarmDescription ?? "",
  });
  return {
    async all() {
      const pages = paginateDescribeAlarms(
        { client, pageSize: 100 },
        { AlarmNamePrefix: prefix, AlarmTypes: ["CompositeAlarm", "MetricAlarm"] },
      );
      const found: Alarm[] = [];
      for await (const { CompositeAlarms = [], MetricAlarms = [] } of pages) {
        found.push(...CompositeAlarms.map((one) => present(one, "composite")));
        found.push(...MetricAlarms.map((one) => present(one, "metric")));
        if (found.length > maxAlarms) throw new Error(`there are over ${maxAlarms} alarms`);
      }
      return found;
    },
  };
}
