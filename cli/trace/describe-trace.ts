import { age, amountOf, duration, grouped } from "../text.ts";
import { equalSteps, type StepGroup } from "./equal-steps.ts";
import type { Step, Trace } from "./read-trace.ts";

/**
 * A trace as a timeline: when, who, what, and how long it took. Equal steps are one line, with how many
 * they are.
 */
export function describeTrace(trace: Trace, nowMs: number): string[] {
  const { traceId, startedAt, tookMs, jobs, waiting, missing, truncated } = trace;
  const groups = equalSteps(trace.steps);
  const times = groups.map(({ steps: [{ offsetMs }] }) => `+${duration(offsetMs)}`);
  const names = groups.map(({ depth, steps: [{ service }] }) => `${branch(depth)}${service}`);
  const [timeWidth, nameWidth] = [widest(times), widest(names)];
  return [
    `Trace ${traceId}: ${summaryOf(trace)}`,
    `Began ${startedAt}, took ${duration(tookMs)}`,
    "",
    ...groups.flatMap((group, index) => {
      const time = (times[index] ?? "").padStart(timeWidth);
      const name = (names[index] ?? "").padEnd(nameWidth);
      const more = detailsOf(group.steps);
      const indent = " ".repeat(timeWidth + nameWidth + 4);
      return [
        `${time}  ${name}  ${describeSteps(group)}`,
        ...(more === "" ? [] : [`${indent}${more}`]),
      ];
    }),
    ...(truncated ? ["… there are more steps than are read at once."] : []),
    ...section("Jobs", jobs.map(describeJob)),
    ...section(
      "Still to come",
      waiting.map((one) => describeWaiting(one, nowMs)),
    ),
    ...section("Without a record", missing),
  ];
}

/** A job may fail for good, say by a conflict, though every step did what it should. */
function summaryOf({ outcome, jobs, waiting }: Trace): string {
  if (outcome !== "ok") {
    const isRetried = waiting.some(({ attempt = 1 }) => attempt > 1);
    return isRetried ? "something failed, and is being retried" : "something failed";
  }
  return jobs.some(({ state }) => state === "failed")
    ? "no step failed, and a job ended as failed"
    : "nothing failed";
}

function describeSteps({ steps }: StepGroup): string {
  const [{ step, service, result, outcome, error }, ...others] = steps;
  const attempts = steps.flatMap(({ attempt }) => attempt ?? []);
  const waits = steps.flatMap(({ waitedMs }) => waitedMs ?? []);
  const last = steps.at(-1);
  return [
    step,
    ...(others.length > 0 && last
      ? [`${amountOf(steps.length, "time")}, the last at +${duration(last.offsetMs)}`]
      : []),
    ...(Math.max(...attempts, 1) > 1 ? [`attempt ${rangeOf(attempts, String)}`] : []),
    ...(waits.length === 0 ? [] : [`waited ${rangeOf(waits, duration)}`]),
    ...(service === "ledger"
      ? []
      : [
          `took ${rangeOf(
            steps.map(({ durationMs }) => durationMs),
            duration,
          )}`,
        ]),
    ...(result === undefined ? [] : [result]),
    ...(outcome === "ok" ? [] : [`${outcome.toUpperCase()}${error ? ` (${error})` : ""}`]),
    ...(last?.againInMs === undefined ? [] : [`again in ${duration(last.againInMs)}`]),
  ].join(", ");
}

/** `12 ms`, or `12 ms to 3.4 s`. */
function rangeOf(values: readonly number[], text: (value: number) => string): string {
  const [least, most] = [text(Math.min(...values)), text(Math.max(...values))];
  return least === most ? least : `${least} to ${most}`;
}

/** `deliver-webhook tries WebhookDue again: attempt 3, in 40 s (12:00:05 UTC)`. */
function describeWaiting({ what, attempt, nextAt }: Trace["waiting"][number], nowMs: number) {
  const inMs = nextAt === undefined ? 0 : Date.parse(nextAt) - nowMs;
  const when = inMs > 0 ? `in ${age(inMs)}` : `due for ${age(-inMs)}`;
  const more = [
    ...(attempt === undefined ? [] : [`attempt ${attempt}`]),
    ...(nextAt === undefined ? [] : [`${when} (${nextAt.slice(11, 19)} UTC)`]),
  ];
  return more.length === 0 ? what : `${what}: ${more.join(", ")}`;
}

/** Ids of use elsewhere, and what went on the bus. */
function detailsOf([{ put = {}, ids = {}, entries = [], outcome }, ...others]: readonly [
  Step,
  ...Step[],
]): string {
  const sent = Object.entries(put).map(([event, count]) =>
    count === 1 ? event : `${event} × ${grouped(count)}`,
  );
  return [
    ...(sent.length === 0 ? [] : [`put ${sent.join(", ")}`]),
    ...Object.entries(ids)
      // It is looked for only where something went wrong.
      .filter(([name]) => name !== "messageId" || (outcome === "failed" && others.length === 0))
      .map(([name, id]) => `${name} ${id}`),
    ...(entries.length === 0 ? [] : [`entries ${entries.join(", ")}`]),
  ].join(" · ");
}

function describeJob({ jobId, type, state, attempts, waitedMs, tookMs }: Trace["jobs"][number]) {
  return [
    `${jobId} ${type}: ${state} after ${amountOf(attempts, "attempt")}`,
    ...(waitedMs === undefined ? [] : [`waited ${duration(waitedMs)}`]),
    ...(tookMs === undefined ? [] : [`took ${duration(tookMs)}`]),
  ].join(", ");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `${title}:`, ...lines.map((line) => `  - ${line}`)];
}

const branch = (depth: number): string => (depth === 0 ? "" : `${"  ".repeat(depth - 1)}└ `);

const widest = (texts: readonly string[]): number =>
  Math.max(0, ...texts.map((text) => text.length));
