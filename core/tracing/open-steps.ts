import { jobRequested } from "../contracts/events.ts";
import { limits } from "../contracts/limits.ts";
import { beginWithinMs, type Job } from "../jobs/job.ts";
import { letterStep, type TraceStep } from "./trace-step.ts";

/** What comes next in a trace that goes on. */
export interface Waiting {
  readonly what: string;
  /** Of the work that is waited for; 1 for the first. */
  readonly attempt?: number;
  /** UTC milliseconds since the epoch; absent: not known. */
  readonly nextAtMs?: number;
}

type KnownJob = Pick<Job, "jobId" | "state" | "attempts">;

/** Of an event that was put on the bus not long ago, no record says nothing. */
const onItsWayMs = beginWithinMs;

/**
 * What a trace lacks: what is still to come, by what its steps and jobs say, and what should have left
 * a record and did not, in words.
 */
export function openIn(
  steps: readonly TraceStep[],
  jobs: readonly KnownJob[],
  { samplePercent, nowMs }: { readonly samplePercent: number; readonly nowMs: number },
): { readonly waiting: Waiting[]; readonly missing: string[] } {
  const untaken = untakenIn(steps).map((event) => ({
    event,
    waiting: waitsFor(event, steps, jobs, nowMs),
  }));
  return {
    waiting: [...retriesIn(steps), ...untaken.flatMap(({ waiting }) => waiting ?? [])],
    missing: [
      ...unknownBefore(steps, samplePercent),
      ...silentAttempts(steps),
      ...untaken.filter(({ waiting }) => !waiting).map(({ event }) => noRecordOf(event)),
    ],
  };
}

/** Messages that went back to their queue, and have not come out of it since. */
function retriesIn(steps: readonly TraceStep[]): Waiting[] {
  return [...Map.groupBy(steps.filter(hasMessage), messageOf).values()].flatMap((attempts) => {
    const last = attempts.toSorted((a, b) => (a.attempt ?? 1) - (b.attempt ?? 1)).at(-1);
    if (!last?.returned) return [];
    const { service, event = "a message", attempt = 1, atMs, durationMs, againInMs } = last;
    if (steps.some((one) => isLetterOf(one, last))) return [];
    if (attempt >= limits.maxReceives) {
      return { what: `${service} has no attempt left for ${event}: it becomes a dead letter` };
    }
    const verb = last.outcome === "failed" ? "tries" : "looks at";
    return {
      what: `${service} ${verb} ${event} again`,
      attempt: attempt + 1,
      ...(againInMs !== undefined && { nextAtMs: atMs + durationMs + againInMs }),
    };
  });
}

const hasMessage = ({ attempt }: TraceStep): boolean => attempt !== undefined;
const messageOf = ({ service, ids }: TraceStep): string => `${service} ${ids?.messageId}`;

/** Both follow from the step that put the event on the bus. */
function isLetterOf({ step, parentId, atMs }: TraceStep, last: TraceStep): boolean {
  return step === letterStep && parentId === last.parentId && atMs >= last.atMs;
}

interface Untaken {
  readonly from: TraceStep;
  readonly event: string;
}

function untakenIn(steps: readonly TraceStep[]): Untaken[] {
  return steps.flatMap((from) =>
    Object.keys(from.put ?? {})
      .filter((event) => !steps.some((one) => one.parentId === from.spanId && one.event === event))
      .map((event) => ({ from, event })),
  );
}

/** Undefined: nothing says that it is on its way. */
function waitsFor(
  { from, event }: Untaken,
  steps: readonly TraceStep[],
  jobs: readonly KnownJob[],
  nowMs: number,
): Waiting | undefined {
  const nextAtMs = from.later?.[event];
  if (nextAtMs !== undefined && nowMs - nextAtMs < onItsWayMs) {
    return {
      what: `${from.service} has put ${event} off`,
      attempt: triedIn(steps, from) + 1,
      nextAtMs,
    };
  }
  const job =
    event === jobRequested["draft.save"].detailType
      ? jobs.find(({ jobId }) => jobId === from.ids?.jobId)
      : undefined;
  if (job?.state === "accepted") return { what: `job ${job.jobId} waits in its queue`, attempt: 1 };
  if (job?.state === "running") {
    const what = `job ${job.jobId} is being worked on, or its worker was killed and it comes back`;
    return { what, attempt: job.attempts };
  }
  if (nowMs - from.atMs >= onItsWayMs) return undefined;
  return { what: `${event} from ${from.service} waits in a queue, or is being worked on` };
}

/** How often the same was tried: work that is put off goes on in a message of its own. */
function triedIn(steps: readonly TraceStep[], { service, ids, event }: TraceStep): number {
  return steps.filter(
    (one) =>
      one.service === service &&
      one.event === event &&
      one.ids?.deliveryId === ids?.deliveryId &&
      one.ids?.jobId === ids?.jobId &&
      (one.result !== undefined || one.outcome === "failed"),
  ).length;
}

/** Steps that follow from one that left no record; an edge's is its caller's own. */
function unknownBefore(steps: readonly TraceStep[], samplePercent: number): string[] {
  const known = new Set(steps.map(({ spanId }) => spanId));
  const orphans = steps.filter(
    ({ event, parentId }) => event !== undefined && parentId !== undefined && !known.has(parentId),
  );
  const names = [...new Set(orphans.map(({ service, event }) => `${service} (${event})`))];
  return names.map(
    (name) =>
      `What came before ${name} was not kept: it went well and is not in the sample ` +
      `(${samplePercent} %), or its function was killed before it could tell.`,
  );
}

/** Whoever ends tells of it: an attempt without a record was killed or ran out of time. */
function silentAttempts(steps: readonly TraceStep[]): string[] {
  const byMessage = Map.groupBy(
    steps.filter(({ attempt }) => attempt !== undefined),
    ({ service, ids }) => `${service} ${ids?.messageId}`,
  );
  return [...byMessage.values()].flatMap((attempts) => {
    const seen = new Set(attempts.map(({ attempt }) => attempt));
    const last = Math.max(...attempts.map(({ attempt = 1 }) => attempt));
    const silent = Array.from({ length: last }, (_, index) => index + 1).filter(
      (attempt) => !seen.has(attempt),
    );
    const [first] = attempts;
    if (silent.length === 0 || !first) return [];
    return (
      `Of ${first.service}, ${silent.length === 1 ? "attempt" : "attempts"} ${silent.join(", ")} ` +
      "left no record: killed, out of time or memory, or given back by Lambda untouched."
    );
  });
}

function noRecordOf({ from, event }: Untaken): string {
  return (
    `Nobody has told of the ${event} that ${from.service} put on the bus: it waits in a queue, is ` +
    "being worked on, or nothing here listens to it."
  );
}
