import { MetricUnit } from "@aws-lambda-powertools/metrics";
import middy from "@middy/core";
import type { APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { limits } from "../../core/contracts/limits.ts";
import { Problem } from "../../core/perimeter/problem.ts";
import { idsIn } from "../../core/tracing/step-log.ts";
import { continueTrace, type TraceContext } from "../../core/values/trace-context.ts";
import { randomHex } from "../runtime.ts";
import type { ApiEvent } from "./api-request.ts";
import { logger } from "./logger.ts";
import { metrics, publishMetrics } from "./metrics.ts";
import { problemResponse } from "./problem-response.ts";
import { type RequestLimitOptions, requestLimits } from "./request-limits.ts";
import { inSample, outcomeOf, traceStart, traces, writeTraces } from "./traces.ts";

export interface ApiCall {
  readonly event: ApiEvent;
  readonly context: Context;
  readonly trace: TraceContext;
}

export interface ApiAnswer {
  readonly status: number;
  /** Answered as JSON; text under a `content-type` of its own is answered as it is. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type AnswerCall = (call: ApiCall) => Promise<ApiAnswer>;

type TracedEvent = ApiEvent & { trace?: TraceContext };

/**
 * An edge function: continues the caller's trace, refuses callers who ask too much, answers JSON, turns
 * errors into problems, and writes one log line a request, and a step of its trace if that is kept.
 */
export const apiHandler = (answer: AnswerCall) => limitedHandler({}, answer);

/** The same, with other limits than a caller's own. */
export function limitedHandler(options: RequestLimitOptions, answer: AnswerCall) {
  return middy<TracedEvent, APIGatewayProxyStructuredResultV2>()
    .use(tracing())
    .use(requestLimits(options))
    .use(problemDetails())
    .handler(async (event, context) => {
      const trace = traceOf(event);
      const { status, body, headers } = await answer({ event, context, trace });
      traces.note(trace.spanId, { ids: { ...idsIn(event.pathParameters), ...idsIn(body) } });
      return {
        statusCode: status,
        headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
        body: headers?.["content-type"] !== undefined ? String(body) : JSON.stringify(body),
      };
    });
}

/** 201 or 202, with where to find what came of it. */
export const located = (status: 201 | 202, location: string, body: unknown): ApiAnswer => ({
  status,
  body,
  headers: { location },
});

export const ok = (body: unknown): ApiAnswer => ({ status: 200, body });

function traceOf(event: TracedEvent): TraceContext {
  event.trace ??= continueTrace(event.headers.traceparent, randomHex, traceStart);
  return event.trace;
}

type Finish = (
  request: middy.Request<TracedEvent, APIGatewayProxyStructuredResultV2>,
) => Promise<void>;

/** What is left of the function's time for the answer to be given. */
const answerMs = 500;

function tracing(): middy.MiddlewareObj<TracedEvent, APIGatewayProxyStructuredResultV2> {
  let startedMs = 0;
  const finish: Finish = async ({ event, context, response, error }) => {
    if (!response) return;
    const trace = traceOf(event);
    const { routeKey: route } = event;
    const status = response.statusCode ?? 200;
    response.headers = { ...response.headers, traceparent: trace.traceparent };
    if (status === 429) metrics.addMetric("RequestsShed", MetricUnit.Count, 1);
    publishMetrics();
    logger.info("answered", { route, status, durationMs: Date.now() - startedMs });
    const outcome = outcomeOf(status);
    traces.end(trace.spanId, {
      ...{ step: `answered ${route} ${status}`, outcome, ...(error && { error }) },
      // Nothing follows from it, whatever it asked for.
      ...(outcome === "refused" && { kept: inSample(trace.traceId) }),
    });
    const leftMs = context.getRemainingTimeInMillis() - answerMs;
    await writeTraces(Math.min(limits.traceWriteMs, leftMs));
  };
  return {
    before: ({ event }) => {
      startedMs = Date.now();
      logger.resetKeys();
      const trace = traceOf(event);
      logger.appendKeys({ trace_id: trace.traceId });
      traces.begin(trace, { step: event.routeKey });
    },
    after: finish,
    // middy runs onError in reverse order of use, so the problem's response is there by now.
    onError: finish,
  };
}

function problemDetails(): middy.MiddlewareObj<TracedEvent, APIGatewayProxyStructuredResultV2> {
  return {
    onError: (request) => {
      const { error, event } = request;
      if (!(error instanceof Problem)) logger.error("unexpected error", error as Error);
      else if (error.status >= 500) logger.error("could not answer", error);
      request.response = problemResponse(error, traceOf(event).traceId);
    },
  };
}
