/**
 * W3C Trace Context: `00-<trace id>-<parent id>-<flags>`.
 * One trace id follows a request over bus, queue and worker; each step has its own parent id.
 */
export interface TraceContext {
  readonly traceId: string;
  readonly traceparent: string;
}

const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const allZero = /^0+$/;

/** Continues the caller's trace, or starts one when there is none that is valid. */
export function continueTrace(
  traceparent: string | undefined,
  randomHex: (bytes: number) => string,
): TraceContext {
  const match = traceparentPattern.exec(traceparent ?? "");
  const [, traceId = "", parentId = "", flags = ""] = match ?? [];
  const valid = match !== null && !allZero.test(traceId) && !allZero.test(parentId);
  const id = valid ? traceId : randomHex(16);
  return { traceId: id, traceparent: `00-${id}-${randomHex(8)}-${valid ? flags : "01"}` };
}
