import { jobChanged } from "../contracts/events.ts";
import type { OutgoingEvent } from "../messaging/event-publisher.ts";
import { Problem } from "../perimeter/problem.ts";
import { cutToBytes } from "../values/text.ts";
import type { Clock } from "../values/time.ts";
import { spanIdOf, type TraceContext, traceIdOf } from "../values/trace-context.ts";
import type { StepOutcome, TraceStep } from "./trace-step.ts";

type Start = Pick<TraceStep, "step" | "event" | "attempt" | "waitedMs" | "ids">;
/** What is said of a step while it goes on: ids are added, the rest is replaced. */
export type StepNote = Partial<
  Pick<
    TraceStep,
    "step" | "event" | "result" | "error" | "ids" | "entries" | "counted" | "returned" | "againInMs"
  >
>;

export interface StepEnd extends Omit<StepNote, "error"> {
  readonly outcome: StepOutcome;
  readonly error?: unknown;
  /** Default: it is kept if its trace is, if it failed, or if it was not the first attempt. */
  readonly kept?: boolean;
}

/** The steps of one invocation. Nothing here waits or throws: it must not get in the work's way. */
export interface StepLog {
  begin(trace: TraceContext, start: Start): void;
  /** @param spanId of a step that is going on; of any other nothing is noted. */
  note(spanId: string, note: StepNote): void;
  /**
   * The `traceparent` of the step that is going on in the trace of an earlier one; that one's own when
   * it is not certain which step that is.
   */
  current(traceparent: string): string;
  /**
   * What is put on the bus during a step follows from it, though it carries what an earlier one said.
   */
  following(event: OutgoingEvent): OutgoingEvent;
  /**
   * Events that are on the bus, noted with the step that their `traceparent` names.
   * @param atMs when they come there; default: they are.
   */
  put(events: readonly OutgoingEvent[], atMs?: number): void;
  end(spanId: string, end: StepEnd): void;
  /** Those that ended and are kept; they are forgotten here. */
  take(): readonly TraceStep[];
}

interface OpenStep {
  readonly trace: TraceContext;
  readonly startedMs: number;
  readonly start: Start;
  readonly put: Map<string, number>;
  readonly later: Map<string, number>;
  note: StepNote;
}

/** Ids that a body or an event may name, and that say nothing of anyone. */
const idNames = [
  "jobId",
  "deliveryId",
  "endpointId",
  "payoutId",
  "reviewId",
  "entryId",
  "letterId",
] as const;
const maxIdBytes = 900;

/** The ids that stand in an answer or an event. */
export function idsIn(value: unknown): Record<string, string> {
  const named = (value ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    idNames.flatMap((name) => {
      const id = named[name];
      return typeof id === "string" ? [[name, cutToBytes(id, maxIdBytes)]] : [];
    }),
  );
}

export function stepLog(service: string, clock: Clock): StepLog {
  const open = new Map<string, OpenStep>();
  let ended: TraceStep[] = [];
  const current = (traceparent: string): string => {
    if (open.has(spanIdOf(traceparent))) return traceparent;
    const traceId = traceIdOf(traceparent);
    const [only, ...others] = [...open.values()].filter(({ trace }) => trace.traceId === traceId);
    return only && others.length === 0 ? only.trace.traceparent : traceparent;
  };
  return {
    begin(trace, start) {
      const startedMs = clock.nowMs();
      open.set(trace.spanId, {
        trace,
        startedMs,
        start,
        put: new Map(),
        later: new Map(),
        note: {},
      });
    },
    note(spanId, note) {
      const step = open.get(spanId);
      if (step) step.note = merged(step.note, note);
    },
    current,
    following(event) {
      const { traceparent } = event.detail as { readonly traceparent?: unknown };
      if (typeof traceparent !== "string") return event;
      const detail = { ...(event.detail as object), traceparent: current(traceparent) };
      return { ...event, detail };
    },
    put(events, atMs) {
      for (const { contract, detail } of events) {
        const { traceparent = "", state } = detail as { traceparent?: string; state?: string };
        const step = open.get(spanIdOf(traceparent));
        if (!step) continue;
        const { detailType } = contract;
        step.put.set(detailType, (step.put.get(detailType) ?? 0) + 1);
        if (atMs !== undefined) {
          step.later.set(detailType, Math.max(atMs, step.later.get(detailType) ?? 0));
        }
        const result = detailType === jobChanged.detailType && { result: `job ${state}` };
        step.note = merged(step.note, { ids: idsIn(detail), ...result });
      }
    },
    end(spanId, { outcome, error, kept, ...last }) {
      const step = open.get(spanId);
      if (!step) return;
      open.delete(spanId);
      const { trace, start } = step;
      const note = merged(step.note, last);
      const failed = outcome === "failed" || note.error !== undefined;
      const again = (start.attempt ?? 1) > 1;
      if (!(kept ?? (trace.kept || failed || again))) return;
      const ending = { outcome: failed ? "failed" : outcome, error } as const;
      ended.push(stepOf(service, { ...step, note }, clock.nowMs(), ending));
    },
    take() {
      const taken = ended;
      ended = [];
      // A step that never ended belongs to an invocation that threw, and is over.
      open.clear();
      return taken;
    },
  };
}

function merged(before: StepNote, more: StepNote): StepNote {
  return { ...before, ...more, ids: { ...before.ids, ...more.ids } };
}

function stepOf(
  service: string,
  { trace, startedMs, start, put, later, note }: OpenStep,
  nowMs: number,
  { outcome, error }: Pick<StepEnd, "outcome" | "error">,
): TraceStep {
  const { traceId, spanId, parentId } = trace;
  const ids = { ...start.ids, ...note.ids };
  return {
    ...{ traceId, spanId, ...(parentId !== undefined && { parentId }) },
    ...{ atMs: startedMs, durationMs: Math.max(0, nowMs - startedMs), service, outcome },
    ...start,
    ...note,
    ...(error !== undefined && { error: errorClassOf(error) }),
    ...(put.size > 0 && { put: Object.fromEntries(put) }),
    ...(later.size > 0 && { later: Object.fromEntries(later) }),
    ids,
  };
}

/** Never its message: that may quote what somebody wrote. */
function errorClassOf(error: unknown): string {
  if (error instanceof Problem) return error.code;
  return error instanceof Error ? error.name : "Error";
}
