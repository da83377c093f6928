import type { Context } from "aws-lambda";
import { limits } from "../../core/contracts/limits.ts";
import { continueTrace, type TraceContext } from "../../core/values/trace-context.ts";
import { randomHex } from "../runtime.ts";
import { deadlineOf } from "./deadline.ts";
import { logger } from "./logger.ts";
import { publishMetrics } from "./metrics.ts";
import { traceStart, traces, writeTraces } from "./traces.ts";

export interface Run {
  /** Stop here: the next run goes on. */
  readonly deadlineMs: number;
  /** Each run begins a trace. */
  readonly trace: TraceContext;
}

/** A function that a schedule runs. A run that throws is what its alarm watches. */
export function scheduledHandler(work: (run: Run) => Promise<void>) {
  return async (_event: unknown, context: Context): Promise<void> => {
    const trace = continueTrace(undefined, randomHex, traceStart);
    logger.resetKeys();
    logger.appendKeys({ trace_id: trace.traceId });
    traces.begin(trace, { step: "ran" });
    try {
      await work({ deadlineMs: deadlineOf(context), trace });
      traces.end(trace.spanId, { outcome: "ok" });
    } catch (error) {
      traces.end(trace.spanId, { outcome: "failed", error });
      throw error;
    } finally {
      await writeTraces(limits.traceWriteInBackgroundMs);
      publishMetrics();
    }
  };
}
