import { setTimeout as delay } from "node:timers/promises";
import type { WebSocketRoute } from "./api-model.ts";

export type RouteOutcome =
  | {
      readonly ok: true;
      readonly status: number;
      readonly body: string | undefined;
      readonly headers: Readonly<Record<string, unknown>>;
    }
  | { readonly ok: false; readonly reason: string };

/** Runs a route's function and reads what a proxy integration returns. */
export async function invokeRoute(route: WebSocketRoute, event: object): Promise<RouteOutcome> {
  const giveUp = new AbortController();
  const timeout = delay(route.timeoutMs, "timeout" as const, { signal: giveUp.signal });
  timeout.catch(() => {});
  const outcome = await Promise.race([route.lambda.invoke(JSON.stringify(event)), timeout]);
  giveUp.abort();
  if (outcome === "timeout") return { ok: false, reason: "Endpoint request timed out" };
  if (!outcome.ok) {
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
