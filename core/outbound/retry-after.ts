import type { OutboundOutcome } from "./outbound-caller.ts";

const httpDate =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** When to come back, as `Retry-After` says it, in seconds or as a date; undefined: it does not. */
export function retryAfterOf(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return nowMs + Number(text) * 1_000;
  const atMs = httpDate.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(nowMs, atMs);
}

/** When a busy receiver, which answered 429 or 503, wants to be called again; undefined: it did not say. */
export function comeBackAtMs(outcome: OutboundOutcome, nowMs: number): number | undefined {
  if (outcome.kind !== "answered" || ![429, 503].includes(outcome.status)) return undefined;
  return retryAfterOf(outcome.headers["retry-after"], nowMs);
}
