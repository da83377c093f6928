import type { AcceptedEngagement } from "../contracts/events.ts";
import { limits } from "../contracts/limits.ts";
import { hourMs } from "../values/time.ts";

export type Channel = AcceptedEngagement["channel"];

const maxAgeMs: Record<Channel, number> = {
  token: limits.maxBrowserAgeMs,
  publisher: limits.maxPublisherAgeMs,
};

/** Why a time cannot be accepted, or undefined when it can. Judged by the server's clock alone. */
export function judgeOccurredAt(occurredAtMs: number, nowMs: number, channel: Channel) {
  if (occurredAtMs > nowMs + limits.maxAheadMs) {
    return { code: "too_far_ahead", detail: "occurredAt lies more than 5 minutes ahead" } as const;
  }
  if (occurredAtMs < nowMs - maxAgeMs[channel]) {
    const hours = maxAgeMs[channel] / hourMs;
    return { code: "too_old", detail: `occurredAt lies more than ${hours} hours back` } as const;
  }
  return undefined;
}

/** Why a token's time of issue cannot be true, or undefined when it can. */
export function judgeIssuedAt(issuedAtMs: number, nowMs: number) {
  if (issuedAtMs <= nowMs + limits.maxAheadMs) return undefined;
  return { code: "token_invalid", detail: "the view token is issued in the future" } as const;
}
