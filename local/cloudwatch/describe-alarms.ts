import { z } from "zod";
import { account, region } from "../templates/resource-types.ts";
import type { Alarm, Alarms } from "./alarms.ts";
import { readInput } from "./input.ts";

const alarmTypes = { MetricAlarm: "metric", CompositeAlarm: "composite" } as const;

const inputSchema = z.strictObject({
  AlarmNamePrefix: z.string().min(1).default(""),
  // Composite ones only when somebody asks for them.
  AlarmTypes: z.array(z.enum(["MetricAlarm", "CompositeAlarm"])).default(["MetricAlarm"]),
  StateValue: z.enum(["OK", "ALARM", "INSUFFICIENT_DATA"]).optional(),
  MaxRecords: z.int().min(1).max(100).default(50),
  NextToken: z.string().optional(),
});

export interface AlarmsDeps {
  readonly alarms: Pick<Alarms, "list">;
}

/** What alarms say; not what they were made of, which is in the templates. */
export function describeAlarms(input: Record<string, unknown>, { alarms }: AlarmsDeps): object {
  const asked = readInput(inputSchema, input);
  const kinds = asked.AlarmTypes.map((type): string => alarmTypes[type]);
  const found = alarms
    .list()
    .filter(({ kind, name }) => kinds.includes(kind) && name.startsWith(asked.AlarmNamePrefix))
    .filter(({ state }) => asked.StateValue === undefined || state === asked.StateValue)
    .toSorted((a, b) => (tokenOf(a) < tokenOf(b) ? -1 : 1));
  // What rings meanwhile must not move a page.
  const after = found.filter((alarm) => tokenOf(alarm) > (asked.NextToken ?? ""));
  const page = after.slice(0, asked.MaxRecords);
  const last = page.at(-1);
  return {
    MetricAlarms: page.filter(({ kind }) => kind === "metric").map(describe),
    CompositeAlarms: page.filter(({ kind }) => kind === "composite").map(describe),
    ...(last && after.length > page.length && { NextToken: tokenOf(last) }),
  };
}

const tokenOf = ({ kind, name }: Alarm) => `${kind}#${name}`;

function describe({ name, description, state, reason, since }: Alarm): object {
  const seconds = since.getTime() / 1_000;
  return {
    AlarmName: name,
    AlarmArn: `arn:aws:cloudwatch:${region}:${account}:alarm:${name}`,
    AlarmDescription: description,
    StateValue: state,
    StateReason: reason,
    StateUpdatedTimestamp: seconds,
    StateTransitionedTimestamp: seconds,
  };
}
