import type { AcceptedEngagement } from "../contracts/events.ts";
import { limits } from "../contracts/limits.ts";
import { dayMs, hourMs } from "../values/time.ts";

export type Channel = AcceptedEngagement["channel"];

const maxAgeMs: Record<Channel, number> = {
  token: limits.maxBrowserAgeMs,
  publisher: limits.maxPublisherAgeMs,
};

const spanOf = (ms: number) => (ms > 2 * dayMs ? `${ms / dayMs} days` : `${ms / hourMs} hours`);

/** Why a time cannot be accepted, or undefined when it can. Judged by the server's clock alone. */
export function judgeOccurredAt(occurredAtMs: number, nowMs: number, channel: Channel) {
  if (occurredAtMs > nowMs + limits.maxAheadMs) {
    return { code: "too_far_ahead", detail: "occurredAt lies more than 5 minutes ahead" } as const;
  }
  if (occurredAtMs < nowMs - maxAgeMs[channel]) {
    const span = spanOf(maxAgeMs[channel]);
    return { code: "too_old", detail: `occurredAt lies more than ${span} back` } as const;
  }
  return undefined;
}

/** Seconds since the epoch, as a view token's claims say them. */
interface TokenTimes {
  readonly iat: number;
  readonly exp: number;
}

/**
 * Why a token is of no use now, or undefined when it is. That `exp` has not passed is checked with
 * its signature; this holds for tokens that the publisher mints with other times than ours.
 */
export function judgeTokenAge({ iat }: Pick<TokenTimes, "iat">, nowMs: number) {
  const issuedAtMs = iat * 1_000;
  if (issuedAtMs > nowMs + limits.maxAheadMs) {
    return { code: "token_invalid", detail: "the view token is issued in the future" } as const;
  }
  if (nowMs >= issuedAtMs + limits.maxViewTokenAgeMs) {
    const days = limits.maxViewTokenAgeMs / dayMs;
    const detail = `the view token was issued ${days} days ago or earlier; serve the page with a new one`;
    return { code: "token_expired", detail } as const;
  }
  return undefined;
}

/**
 * Why an engagement cannot be of this token's life, or undefined when it can. A browser must not
 * choose by date which price, shares, hour or day it is paid by: its token says when it could begin.
 * @param token one that `judgeTokenAge` found nothing wrong with.
 */
export function judgeWithinToken(occurredAtMs: number, { iat, exp }: TokenTimes) {
  const [issuedAtMs, expiresAtMs] = [iat * 1_000, exp * 1_000];
  if (occurredAtMs < issuedAtMs - limits.maxBeforeTokenMs) {
    const minutes = limits.maxBeforeTokenMs / 60_000;
    const issuedAt = new Date(issuedAtMs).toISOString();
    const detail =
      `occurredAt lies more than ${minutes} minutes before the view token was issued, ${issuedAt}; ` +
      "leave occurredAt out for what happens now";
    return { code: "before_token", detail } as const;
  }
  if (occurredAtMs > expiresAtMs) {
    const expiresAt = new Date(expiresAtMs).toISOString();
    const detail = `occurredAt lies after the view token expires, ${expiresAt}; use a newer token`;
    return { code: "after_token", detail } as const;
  }
  return undefined;
}
