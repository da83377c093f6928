import { amountOf, duration, grouped } from "../text.ts";
import type { Step, Trace } from "./read-trace.ts";

/** A trace as a timeline: when, who, what, and how long it took. */
export function describeTrace(trace: Trace): string[] {
  const { traceId, startedAt, tookMs, steps, jobs, missing, truncated } = trace;
  const times = steps.map(({ offsetMs }) => `+${duration(offsetMs)}`);
  const names = steps.map(({ depth, service }) => `${branch(depth)}${service}`);
  const [timeWidth, nameWidth] = [widest(times), widest(names)];
  return [
    `Trace ${traceId}: ${summaryOf(trace)}`,
    `Began ${startedAt}, took ${duration(tookMs)}`,
    "",
    ...steps.flatMap((step, index) => {
      const time = (times[index] ?? "").padStart(timeWidth);
      const name = (names[index] ?? "").padEnd(nameWidth);
      const more = detailsOf(step);
      const indent = " ".repeat(timeWidth + nameWidth + 4);
      return [
        `${time}  ${name}  ${describeStep(step)}`,
        ...(more === "" ? [] : [`${indent}${more}`]),
      ];
    }),
    ...(truncated ? ["… there are more steps than are read at once."] : []),
    ...section("Jobs", jobs.map(describeJob)),
    ...section("Missing", missing),
  ];
}

/** A job may fail for good, say by a conflict, though every step did what it should. */
function summaryOf({ outcome, jobs }: Trace): string {
  if (outcome !== "ok") return "something failed";
  return jobs.some(({ state }) => state === "failed")
    ? "no step failed, and a job ended as failed"
    : "nothing failed";
}

function describeStep(step: Step): string {
  const { attempt, waitedMs, durationMs, outcome, error, againInMs } = step;
  return [
    step.step,
    ...(attempt !== undefined && attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(waitedMs === undefined ? [] : [`waited ${duration(waitedMs)}`]),
    ...(step.service === "ledger" ? [] : [`took ${duration(durationMs)}`]),
    ...(step.result === undefined ? [] : [step.result]),
    ...(outcome === "ok" ? [] : [`${outcome.toUpperCase()}${error ? ` (${error})` : ""}`]),
    ...(againInMs === undefined ? [] : [`again in ${duration(againInMs)}`]),
  ].join(", ");
}

/** Ids of use elsewhere, and what went on the bus. */
function detailsOf({ put = {}, ids = {}, entries = [], outcome }: Step): string {
  const sent = Object.entries(put).map(([event, count]) =>
    count === 1 ? event : `${event} × ${grouped(count)}`,
  );
  return [
    ...(sent.length === 0 ? [] : [`put ${sent.join(", ")}`]),
    ...Object.entries(ids)
      // It is looked for only where something went wrong.
      .filter(([name]) => name !== "messageId" || outcome === "failed")
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
