import type * as z from "zod";
import type { CreatorId, ReaderId } from "../contracts/ids.ts";
import { type NotificationChannel, notificationChannels } from "../contracts/kinds.ts";
import type { patchFollowerSchema, putFollowerSchema } from "../contracts/notification-bodies.ts";

interface Consent {
  /** When the reader agreed, ms since the epoch. */
  readonly consentedAtMs: number;
}

/** Why a channel was ended, by somebody else than the publisher. */
export type StopReason = "unsubscribed" | "bounced" | "complained" | "gone";

export interface Stop {
  readonly reason: StopReason;
  readonly atMs: number;
}

/** How a reader agreed to be told of a creator's articles; a channel that is not here is not used. */
export interface FollowerChannels {
  readonly email?: Consent & { readonly address: string };
  readonly webPush?: Consent & {
    readonly endpoint: string;
    readonly p256dh: string;
    readonly auth: string;
  };
  readonly inbox?: Consent;
}

/** One reader who follows one creator. */
export interface Follower extends FollowerChannels {
  readonly creatorId: CreatorId;
  readonly readerId: ReaderId;
  /** What was ended stays so until the reader agrees anew. */
  readonly stops: { readonly [C in NotificationChannel]?: Stop };
  readonly updatedAtMs: number;
  /** Changes with every write, so that two writers cannot undo each other. */
  readonly revision: number;
}

/** How many follow, and by which channel they may be told. */
export type FollowerCounts = Readonly<Record<"followers" | NotificationChannel, number>>;

export const noFollowers: FollowerCounts = { followers: 0, email: 0, webPush: 0, inbox: 0 };

type Body = z.infer<typeof putFollowerSchema>;

/** What a PUT makes of a follower as it is stored, or of none: channels that it leaves out are over. */
export function changedFollower(
  stored: Follower | undefined,
  ids: Pick<Follower, "creatorId" | "readerId">,
  { channels }: Body,
  nowMs: number,
): Follower {
  const stops: { [C in NotificationChannel]?: Stop } = { ...stored?.stops };
  const agreed = (channel: NotificationChannel, consentedAtMs: number | undefined) => {
    if (consentedAtMs === undefined) return false;
    const stop = stored?.stops[channel];
    // The publisher may not have heard of it yet.
    if (stop !== undefined && consentedAtMs <= stop.atMs) return false;
    delete stops[channel];
    return true;
  };
  const { email, webPush, inbox } = channels;
  return {
    ...ids,
    ...(email &&
      agreed("email", email.consentedAt) && {
        email: { address: email.address, consentedAtMs: email.consentedAt },
      }),
    ...(webPush &&
      agreed("webPush", webPush.consentedAt) && {
        webPush: {
          endpoint: webPush.subscription.endpoint,
          ...webPush.subscription.keys,
          consentedAtMs: webPush.consentedAt,
        },
      }),
    ...(inbox &&
      agreed("inbox", inbox.consentedAt) && { inbox: { consentedAtMs: inbox.consentedAt } }),
    stops,
    updatedAtMs: nowMs,
    revision: (stored?.revision ?? 0) + 1,
  };
}

/** What a PATCH makes of one: channels that it leaves out stay, those that are null are over. */
export function patchedFollower(
  stored: Follower,
  { channels }: z.infer<typeof patchFollowerSchema>,
  nowMs: number,
): Follower {
  const { email, webPush, inbox } = channels;
  const agreed = {
    email: email ?? undefined,
    webPush: webPush ?? undefined,
    inbox: inbox ?? undefined,
  };
  const kept: FollowerChannels = {
    ...(email === undefined && stored.email && { email: stored.email }),
    ...(webPush === undefined && stored.webPush && { webPush: stored.webPush }),
    ...(inbox === undefined && stored.inbox && { inbox: stored.inbox }),
  };
  const { creatorId, readerId } = stored;
  return {
    ...kept,
    ...changedFollower(stored, { creatorId, readerId }, { channels: agreed }, nowMs),
  };
}

/** Ends a channel. What it was reached by is forgotten at once. */
export function stoppedFollower(
  follower: Follower,
  channel: NotificationChannel,
  stop: Stop,
): Follower {
  const { [channel]: _, ...rest } = follower;
  return {
    ...rest,
    stops: { ...follower.stops, [channel]: stop },
    updatedAtMs: stop.atMs,
    revision: follower.revision + 1,
  };
}

/** What a write adds to the counts. */
export function changeOfCounts(
  before: Follower | undefined,
  after: Follower | undefined,
): FollowerCounts {
  const has = (follower: Follower | undefined, channel: NotificationChannel) =>
    follower?.[channel] === undefined ? 0 : 1;
  const change = (channel: NotificationChannel) => has(after, channel) - has(before, channel);
  return {
    followers: (after ? 1 : 0) - (before ? 1 : 0),
    email: change("email"),
    webPush: change("webPush"),
    inbox: change("inbox"),
  };
}

export function addCounts(one: FollowerCounts, other: FollowerCounts): FollowerCounts {
  return {
    followers: one.followers + other.followers,
    email: one.email + other.email,
    webPush: one.webPush + other.webPush,
    inbox: one.inbox + other.inbox,
  };
}

/**
 * The public shape, without addresses: answers are kept.
 * @param hints says whom a list is of: something to recognize an address by that one knows.
 */
export function presentFollower(follower: Follower, { hints = false } = {}) {
  const { creatorId, readerId, email, webPush } = follower;
  const channels: Partial<Record<NotificationChannel, object>> = {};
  for (const channel of notificationChannels) {
    const stop = follower.stops[channel];
    const consent = follower[channel];
    if (consent) channels[channel] = { state: "on", consentedAt: iso(consent.consentedAtMs) };
    else if (stop) channels[channel] = { state: stop.reason, since: iso(stop.atMs) };
  }
  if (hints && email) channels.email = { ...channels.email, address: maskAddress(email.address) };
  if (hints && webPush) {
    channels.webPush = { ...channels.webPush, service: URL.parse(webPush.endpoint)?.hostname };
  }
  return { creatorId, readerId, channels };
}

const iso = (ms: number) => new Date(ms).toISOString();

/** `ada@example.com` to `a…@e….com`: enough to recognize what one knows. */
export function maskAddress(address: string): string {
  const [, first, host, end] = /^(.).*@(.).*(\.[^.]+)$/su.exec(address) ?? [];
  return first ? `${first}…@${host}…${end}` : "…";
}
