import type middy from "@middy/core";
import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { type ApiEvent, callerOf } from "./api-request.ts";
import {
  type Allowance,
  callerLimitsFromEnvironment,
  type LimitedBy,
  requireAllowance,
} from "./caller-limits.ts";

export interface RequestLimitOptions {
  /** Default: by caller. Of public routes: by address. None: routes that are asked whether all is well. */
  readonly limitedBy?: LimitedBy | "nothing";
  /** A request costs one unit for each so many bytes of its body; default: one in all. */
  readonly bytesPerUnit?: number;
}

type Middleware<Event extends ApiEvent> = middy.MiddlewareObj<
  Event,
  APIGatewayProxyStructuredResultV2
>;

/** Refuses who asks too much, before anything is read of what it sent; tells everyone how it stands. */
export function requestLimits<Event extends ApiEvent>({
  limitedBy = "caller",
  bytesPerUnit = Number.POSITIVE_INFINITY,
}: RequestLimitOptions): Middleware<Event> {
  if (limitedBy === "nothing") return { before() {} };
  const callers = callerLimitsFromEnvironment(limitedBy);
  let allowance: Allowance | undefined;
  const tell: middy.MiddlewareFn<Event, APIGatewayProxyStructuredResultV2> = ({ response }) => {
    if (!response || !allowance) return;
    response.headers = { ...response.headers, ...rateLimitHeaders(allowance) };
  };
  return {
    before: async ({ event }) => {
      allowance = undefined;
      const cost = Math.max(1, Math.ceil((event.body?.length ?? 0) / bytesPerUnit));
      const { sourceIp } = event.requestContext.http;
      allowance =
        limitedBy === "ip"
          ? await callers.ofAddress(sourceIp, cost)
          : await callers.ofCaller(callerOf(event), cost);
      requireAllowance(allowance);
    },
    after: tell,
    onError: tell,
  };
}

/** As draft 6 of the IETF's document names them, which clients know; see docs/adr/0020. */
function rateLimitHeaders({ rate, left, fullInMs, retryAfterMs = 0 }: Allowance) {
  const { burst, perSecond } = rate;
  return {
    "ratelimit-limit": String(burst),
    "ratelimit-remaining": String(left),
    "ratelimit-reset": String(Math.ceil(Math.max(fullInMs, retryAfterMs) / 1_000)),
    "ratelimit-policy": `${burst};w=${Math.ceil(burst / perSecond)}`,
  };
}
