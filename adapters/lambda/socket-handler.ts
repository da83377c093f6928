import type { APIGatewayProxyWebsocketEventV2 } from "aws-lambda";
import type { Connection } from "../../core/connections/connection-store.ts";
import { limits } from "../../core/contracts/limits.ts";
import { roles } from "../../core/contracts/routes.ts";
import { type Caller, ownerOf } from "../../core/perimeter/caller.ts";
import { Problem } from "../../core/perimeter/problem.ts";
import { continueTrace } from "../../core/values/trace-context.ts";
import { randomHex } from "../runtime.ts";
import { callerLimitsFromEnvironment, requireAllowance } from "./caller-limits.ts";
import { logger } from "./logger.ts";
import { problemBody } from "./problem-response.ts";
import { outcomeOf, traceStart, traces, writeTraces } from "./traces.ts";

/** What the authorizer says of whoever connects; part of every later event. */
export interface SocketAuthorizer {
  readonly principalId: string;
  /** Separated by spaces. */
  readonly roles: string;
  readonly ticketId: string;
}

type Event = APIGatewayProxyWebsocketEventV2 & {
  readonly requestContext: { readonly authorizer?: SocketAuthorizer };
};

export interface SocketCall {
  readonly body: string;
  readonly caller: Caller;
  readonly connection: Connection;
  readonly ticketId: string;
}

interface Answer {
  readonly statusCode: number;
  readonly body?: string;
}

/** API Gateway ends a connection in time; what it may take to tell us so. */
const closingMs = 10 * 60_000;

type AnswerCall = (call: SocketCall) => Promise<string | undefined>;

/** The same as `socketHandler`, but each message takes a unit of what its sender may send. */
export function limitedSocketHandler(answer: AnswerCall) {
  const callers = callerLimitsFromEnvironment("caller");
  return socketHandler(async (call) => {
    requireAllowance(await callers.ofCaller(call.caller, 1));
    return await answer(call);
  });
}

/** A route of the WebSocket API: answers text, if any, and writes one log line a message. */
export function socketHandler(answer: AnswerCall) {
  return async (event: Event): Promise<Answer> => {
    const startedMs = Date.now();
    const trace = continueTrace(undefined, randomHex, traceStart);
    const { traceId } = trace;
    logger.resetKeys();
    logger.appendKeys({ trace_id: traceId });
    traces.begin(trace, { step: event.requestContext.routeKey });
    const answered = await answerOrProblem(() => answer(callOf(event)), event, traceId);
    const { routeKey: route } = event.requestContext;
    const { statusCode: status } = answered;
    logger.info("answered", { route, status, durationMs: Date.now() - startedMs });
    traces.end(trace.spanId, { step: `answered ${route} ${status}`, outcome: outcomeOf(status) });
    await writeTraces(limits.traceWriteMs);
    return answered;
  };
}

async function answerOrProblem(
  answer: () => Promise<string | undefined>,
  event: Event,
  traceId: string,
): Promise<Answer> {
  try {
    const body = await answer();
    return { statusCode: 200, ...(body !== undefined && { body }) };
  } catch (error) {
    const problem = problemBody(error, traceId);
    if (!(error instanceof Problem)) logger.error("unexpected error", error as Error);
    else if (problem.status >= 500) logger.error("could not answer", error);
    const isConnect = event.requestContext.eventType === "CONNECT";
    return {
      // To API Gateway a refusal of ours is a fault of ours, unless it is of the connection itself.
      statusCode: isConnect || problem.status >= 500 ? problem.status : 200,
      body: JSON.stringify({ type: "problem", ...subjectOf(event.body), problem }),
    };
  }
}

function callOf({ body = "", requestContext }: Event): SocketCall {
  const { connectionId, connectedAt, authorizer } = requestContext;
  const caller: Caller = {
    subject: authorizer?.principalId ?? "",
    roles: roles.filter((role) => authorizer?.roles.split(" ").includes(role)),
  };
  return {
    body,
    caller,
    ticketId: authorizer?.ticketId ?? "",
    connection: {
      connectionId,
      owner: ownerOf(caller),
      openedAtMs: connectedAt,
      expiresAtMs: connectedAt + limits.maxConnectionMs + closingMs,
    },
  };
}

/** What a message was about, so that its sender can tell which of several was refused. */
function subjectOf(body: string | undefined): { topic?: string; id?: string } {
  try {
    const { topic, id } = JSON.parse(body ?? "{}");
    return {
      ...(typeof topic === "string" && { topic }),
      ...(typeof id === "string" && { id }),
    };
  } catch {
    return {};
  }
}
