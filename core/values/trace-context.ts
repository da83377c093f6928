/**
 * W3C Trace Context: `00-<trace id>-<parent id>-<flags>`.
 * One trace id follows a request over bus, queue and worker; each step has its own parent id.
 */
export interface TraceContext {
  readonly traceId: string;
  /** This step's own id. */
  readonly spanId: string;
  /** The step it follows from, if there is one. */
  readonly parentId?: string;
  /** The flag `sampled`: what happens in this trace is kept, at every hop. */
  readonly kept: boolean;
  /** What the next step is told. */
  readonly traceparent: string;
}

/** What those need of it who only pass it on. */
export type TraceLink = Pick<TraceContext, "traceId" | "traceparent">;

/** What whoever begins a trace, or takes it in from outside, decides for all that follows. */
export interface TraceStart {
  readonly isKept: (traceId: string) => boolean;
  /** Of a trace that begins here; default: chance. */
  readonly newTraceId?: () => string;
}

const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const allZero = /^0+$/;
const sampledFlag = 1;

/**
 * Continues the caller's trace, or starts one when there is none that is valid.
 * @param start default: the caller's flags are continued, as between our own steps.
 */
export function continueTrace(
  traceparent: string | undefined,
  randomHex: (bytes: number) => string,
  start?: TraceStart,
): TraceContext {
  const match = traceparentPattern.exec(traceparent ?? "");
  const [, traceId = "", parentId = "", flags = ""] = match ?? [];
  const valid = match !== null && !allZero.test(traceId) && !allZero.test(parentId);
  const id = valid ? traceId : (start?.newTraceId?.() ?? randomHex(16));
  const spanId = randomHex(8);
  const inherited = valid ? flags : "01";
  const decided = start && (start.isKept(id) ? "01" : "00");
  const next = decided ?? inherited;
  return {
    ...{ traceId: id, spanId, ...(valid && { parentId }) },
    kept: (Number.parseInt(next, 16) & sampledFlag) !== 0,
    traceparent: `00-${id}-${spanId}-${next}`,
  };
}

const quoted = /\\?"traceparent\\?":\s*\\?"(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})/;

/** Of the event that a message is, or holds. */
export function traceparentIn(body: string): string | undefined {
  return quoted.exec(body)?.[1];
}

/** The trace and the step that a `traceparent` of ours names. */
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);
export const spanIdOf = (traceparent: string): string => traceparent.slice(36, 52);
