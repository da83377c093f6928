import { invokeWithin } from "../lambda/invoke-within.ts";
import type { WebSocketRoute } from "./api-model.ts";

export type RouteOutcome =
  | {
      readonly ok: true;
      readonly status: number;
      readonly body: string | undefined;
      readonly headers: Readonly<Record<string, unknown>>;
    }
  | { readonly ok: false; readonly reason: string; readonly abandoned?: boolean };

/**
 * Runs a route's function and reads what a proxy integration returns.
 * @param gone its client has left: what has not begun by then never does.
 */
export async function invokeRoute(
  route: WebSocketRoute,
  event: object,
  gone?: AbortSignal,
): Promise<RouteOutcome> {
  const { lambda, timeoutMs } = route;
  const outcome = await invokeWithin(lambda, JSON.stringify(event), { timeoutMs, gone });
  if (outcome === "timeout") return { ok: false, reason: "Endpoint request timed out" };
  if (!outcome.ok) {
    if ("abandoned" in outcome) return { ok: false, reason: "not run", abandoned: true };
    const reason = "throttled" in outcome ? "Rate Exceeded." : outcome.error.errorMessage;
    return { ok: false, reason };
  }
  const answer: unknown = JSON.parse(outcome.payload);
  if (typeof answer !== "object" || answer === null) return malformed;
  const { statusCode, body, headers } = answer as Record<string, unknown>;
  if (typeof statusCode !== "number") return malformed;
  return {
    ok: true,
    status: statusCode,
    body: typeof body === "string" ? body : undefined,
    headers: typeof headers === "object" && headers !== null ? { ...headers } : {},
  };
}

const malformed: RouteOutcome = { ok: false, reason: "the function returned no statusCode" };
