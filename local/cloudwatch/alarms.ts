import { appendFileSync } from "node:fs";
import { z } from "zod";
import { boolean, readProperties } from "../templates/properties.ts";
import { describe, type Resource } from "../templates/resources.ts";
import { type AlarmState, parseAlarmRule } from "./alarm-rule.ts";
import type { Measured } from "./measured.ts";
import { type MetricAlarmDeps, readMetricAlarm, type Verdict } from "./metric-alarm.ts";
import type { CloudMinutes } from "./metrics.ts";
import { subscribersOf } from "./subscribers.ts";

export type { AlarmState } from "./alarm-rule.ts";

export interface Alarm {
  readonly name: string;
  readonly description: string;
  readonly kind: "metric" | "composite";
  readonly state: AlarmState;
  readonly since: Date;
  /** Why it is in this state. */
  readonly reason: string;
  /** Oldest first. */
  readonly history: readonly StateChange[];
}

export interface StateChange {
  readonly at: Date;
  readonly from: AlarmState;
  readonly to: AlarmState;
  readonly reason: string;
  /** Who was told: the endpoints that subscribe to the alarm's topics. */
  readonly told: readonly string[];
}

export interface Alarms {
  list(): readonly Alarm[];
  get(name: string): Alarm;
  /** Reads every metric once; runs by itself every ten seconds of the alarms' time. */
  evaluate(): void;
  stop(): void;
}

export interface AlarmDeps {
  readonly measured: Measured;
  readonly minutes: CloudMinutes;
  /** Keeps the history beyond the process, a line for each change. */
  readonly logFile: string;
  readonly onChange: (alarm: Alarm, change: StateChange) => void;
}

const commonShape = {
  ActionsEnabled: boolean.default(true),
  AlarmActions: z.array(z.string()).default([]),
  AlarmDescription: z.string().default(""),
  AlarmName: z.string().optional(),
  InsufficientDataActions: z.array(z.string()).default([]),
  OKActions: z.array(z.string()).default([]),
};
const commonNames = [...Object.keys(commonShape), "Tags"];
const maxHistory = 100;

interface Watch {
  readonly alarm: { -readonly [Key in keyof Alarm]: Alarm[Key] };
  readonly actions: Readonly<Record<AlarmState, readonly string[]>>;
  judge(slot: number): Verdict | undefined;
}

/**
 * Evaluates the templates' alarms on what is measured here.
 * @throws for an alarm that could not be evaluated: it would be one that never rings.
 */
export function startAlarms(resources: readonly Resource[], deps: AlarmDeps): Alarms {
  const { measured, minutes } = deps;
  const byName = readWatches(resources, {
    ...{ measured, minutes, startSlot: minutes.slotAt(Date.now()) },
  });
  const watches = [...byName.values()];
  const ofTopic = subscribersOf(resources.filter(({ type }) => type === "AWS::SNS::Subscription"));
  const evaluate = () => {
    const nowMs = Date.now();
    const slot = minutes.slotAt(nowMs);
    measured.sample(slot);
    // Composites come last; one of another composite may lag behind it by one look.
    for (const watch of watches) {
      const verdict = watch.judge(slot);
      if (verdict === undefined) continue;
      const told = watch.actions[verdict.state].flatMap(ofTopic);
      const change = changeState(watch.alarm, verdict, new Date(nowMs), told);
      if (change === undefined) continue;
      appendFileSync(deps.logFile, `${JSON.stringify({ alarm: watch.alarm.name, ...change })}\n`);
      deps.onChange({ ...watch.alarm }, change);
    }
  };
  const timer = setInterval(evaluate, minutes.slotMs).unref();
  return {
    list: () => watches.map(({ alarm }) => ({ ...alarm })),
    get: (name) => ({ ...named(byName, name).alarm }),
    evaluate,
    stop: () => clearInterval(timer),
  };
}

function readWatches(resources: readonly Resource[], deps: MetricAlarmDeps): Map<string, Watch> {
  const byName = new Map<string, Watch>();
  const ofType = (type: string) =>
    resources.filter((one) => one.type === `AWS::CloudWatch::${type}`);
  for (const resource of ofType("Alarm")) {
    const { evaluate } = readMetricAlarm(resource, commonNames, deps);
    byName.set(resource.ref, watchOf(resource, "metric", evaluate));
  }
  const find = (name: string) => named(byName, name).alarm;
  const composites = ofType("CompositeAlarm").map((resource) => {
    const { names, judge } = readComposite(resource, find);
    byName.set(resource.ref, watchOf(resource, "composite", judge));
    return names;
  });
  for (const name of composites.flat()) named(byName, name);
  return byName;
}

function named(watches: ReadonlyMap<string, Watch>, name: string): Watch {
  const watch = watches.get(name);
  if (watch !== undefined) return watch;
  throw new Error(`there is no alarm ${name}; there are ${[...watches.keys()].join(", ")}`);
}

/** Says what changed, if the state did. */
function changeState(
  alarm: Watch["alarm"],
  { state, reason }: Verdict,
  at: Date,
  told: readonly string[],
): StateChange | undefined {
  alarm.reason = reason;
  if (state === alarm.state) return undefined;
  const change = { at, from: alarm.state, to: state, reason, told };
  Object.assign(alarm, {
    state,
    since: at,
    history: [...alarm.history, change].slice(-maxHistory),
  });
  return change;
}

function watchOf(resource: Resource, kind: Alarm["kind"], judge: Watch["judge"]): Watch {
  const own = Object.keys(resource.properties).filter((name) => !(name in commonShape));
  const properties = readProperties(resource, commonShape, own);
  const enabled = (actions: readonly string[]) => (properties.ActionsEnabled ? actions : []);
  return {
    alarm: {
      name: resource.ref,
      description: properties.AlarmDescription,
      kind,
      state: "INSUFFICIENT_DATA",
      since: new Date(),
      reason: "not evaluated yet",
      history: [],
    },
    actions: {
      ALARM: enabled(properties.AlarmActions),
      OK: enabled(properties.OKActions),
      INSUFFICIENT_DATA: enabled(properties.InsufficientDataActions),
    },
    judge,
  };
}

function readComposite(resource: Resource, find: (name: string) => Alarm) {
  const { AlarmRule } = readProperties(resource, { AlarmRule: z.string() }, commonNames);
  try {
    const { names, holds } = parseAlarmRule(AlarmRule);
    const judge = (): Verdict => {
      // Of another composite: what rings in it.
      const ringing = names
        .map(find)
        .filter(({ state }) => state === "ALARM")
        .map(({ kind, name, reason }) => (kind === "composite" ? reason : name));
      const reason = ringing.length === 0 ? "none of its alarms rings" : ringing.join(", ");
      return { state: holds((name) => find(name).state) ? "ALARM" : "OK", reason };
    };
    return { names, judge };
  } catch (cause) {
    throw new Error(`${describe(resource)}: ${(cause as Error).message}`, { cause });
  }
}
