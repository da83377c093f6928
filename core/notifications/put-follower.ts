import type * as z from "zod";
import type { CreatorId, ReaderId } from "../contracts/ids.ts";
import type { NotificationChannel } from "../contracts/kinds.ts";
import { limits } from "../contracts/limits.ts";
import type { patchFollowerSchema, putFollowerSchema } from "../contracts/notification-bodies.ts";
import type { CheckUrl } from "../outbound/outbound-caller.ts";
import { problems } from "../perimeter/problem.ts";
import { untilWritten } from "../registry/until-written.ts";
import type { Clock } from "../values/time.ts";
import {
  changedFollower,
  type Follower,
  patchedFollower,
  type StopReason,
  stoppedFollower,
} from "./follower.ts";
import type { FollowerStore } from "./follower-store.ts";

type Body = z.infer<typeof putFollowerSchema>;

interface Deps {
  readonly followers: Pick<FollowerStore, "read" | "replace">;
  readonly clock: Clock;
}

interface Ids {
  readonly creatorId: CreatorId;
  readonly readerId: ReaderId;
}

/**
 * A reader follows a creator, or changes by which channels.
 * @throws Problem 400 for a consent of the future, or a push service that may not be called.
 */
export async function putFollower(
  deps: Deps & { readonly checkUrl: CheckUrl },
  ids: Ids,
  body: Body,
): Promise<Follower> {
  checkChannels(deps, body);
  return await untilWritten(nameOf(ids), async () => {
    const stored = await deps.followers.read(ids.creatorId, ids.readerId);
    const follower = changedFollower(stored, ids, body, deps.clock.nowMs());
    return (await deps.followers.replace(stored, follower)) === "replaced" ? follower : "raced";
  });
}

/**
 * Changes the channels that the body names: nobody can read an address here to send it again.
 * @throws Problem 400 as `putFollower`; 404 for a reader who does not follow.
 */
export async function patchFollower(
  deps: Deps & { readonly checkUrl: CheckUrl },
  ids: Ids,
  body: z.infer<typeof patchFollowerSchema>,
): Promise<Follower> {
  checkChannels(deps, body);
  return await untilWritten(nameOf(ids), async () => {
    const stored = await deps.followers.read(ids.creatorId, ids.readerId);
    if (!stored) throw problems.notFound(nameOf(ids));
    const follower = patchedFollower(stored, body, deps.clock.nowMs());
    return (await deps.followers.replace(stored, follower)) === "replaced" ? follower : "raced";
  });
}

/** A reader follows no more; addresses and subscriptions are gone at once. None: nothing changes. */
export async function deleteFollower({ followers }: Deps, ids: Ids): Promise<void> {
  await untilWritten(nameOf(ids), async () => {
    const stored = await followers.read(ids.creatorId, ids.readerId);
    if (stored === undefined) return ids;
    return (await followers.replace(stored, undefined)) === "replaced" ? ids : "raced";
  });
}

/**
 * Ends a follower's channel for good: it takes a later consent to use it again.
 * @param concerns only if it is still this one; a newer address or subscription is left alone.
 */
export async function stopChannel(
  { followers, clock }: Deps,
  ids: Ids,
  channel: NotificationChannel,
  reason: StopReason,
  concerns: (follower: Follower) => boolean = () => true,
): Promise<void> {
  await untilWritten(nameOf(ids), async () => {
    const stored = await followers.read(ids.creatorId, ids.readerId);
    if (stored?.[channel] === undefined || !concerns(stored)) return ids;
    const after = stoppedFollower(stored, channel, { reason, atMs: clock.nowMs() });
    return (await followers.replace(stored, after)) === "replaced" ? ids : "raced";
  });
}

function checkChannels(
  { clock, checkUrl }: Deps & { readonly checkUrl: CheckUrl },
  { channels }: Body | z.infer<typeof patchFollowerSchema>,
): void {
  for (const [channel, consent] of Object.entries(channels)) {
    if (!consent || consent.consentedAt <= clock.nowMs() + limits.maxAheadMs) continue;
    throw invalid(`channels.${channel}.consentedAt`, "must not lie in the future");
  }
  const endpoint = channels.webPush?.subscription.endpoint;
  if (endpoint === undefined) return;
  const verdict = checkUrl(endpoint);
  if (!verdict.ok) throw invalid("channels.webPush.subscription.endpoint", verdict.detail);
}

const invalid = (field: string, detail: string) =>
  problems.invalid(`${field}: ${detail}`, [{ field, detail }]);

const nameOf = ({ creatorId, readerId }: Ids) =>
  `follower ${JSON.stringify(readerId)} of creator ${JSON.stringify(creatorId)}`;
