import type { AlarmState } from "../contracts/queries.ts";
import { problems } from "../perimeter/problem.ts";

export interface Alarm {
  /** Without the stage's prefix, as in the runbook: `count-engagements-backlog`. */
  readonly name: string;
  /** `composite`: it sums up others. */
  readonly kind: "composite" | "metric";
  readonly state: AlarmState;
  readonly sinceMs: number;
  readonly reason: string;
  /** Ends with where its section of the runbook is. */
  readonly description: string;
}

export interface AlarmList {
  /** All of the stage, in no order. */
  all(): Promise<readonly Alarm[]>;
}

const link = / See (docs\/runbook\.md#\S+)$/;

/** What sums up others comes first, and of the others what changed last. */
export async function readAlarms(
  { alarms }: { readonly alarms: AlarmList },
  { state }: { readonly state: AlarmState | "any" },
) {
  const all = await alarms.all().catch((cause: unknown) => {
    throw problems.unavailable("CloudWatch could not be read.", cause);
  });
  const counts = Object.groupBy(all, (alarm) => alarm.state);
  return {
    items: all
      .filter((alarm) => state === "any" || alarm.state === state)
      .toSorted(inOrder)
      .map(present),
    /** None at all would look like peace. */
    counts: Object.fromEntries(Object.entries(counts).map(([name, some]) => [name, some.length])),
  };
}

function inOrder(a: Alarm, b: Alarm): number {
  if (a.kind !== b.kind) return a.kind === "composite" ? -1 : 1;
  if (a.kind === "composite") return a.name < b.name ? -1 : 1;
  return b.sinceMs - a.sinceMs;
}

function present({ sinceMs, description, ...alarm }: Alarm) {
  const [, runbook] = link.exec(description) ?? [];
  return {
    ...{ ...alarm, since: new Date(sinceMs).toISOString() },
    description: description.replace(link, ""),
    ...(runbook !== undefined && { runbook }),
  };
}
