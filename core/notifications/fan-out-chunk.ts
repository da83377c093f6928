import { type FanOutChunkDue, fanOutChunkDue } from "../contracts/events.ts";
import type { ReaderId } from "../contracts/ids.ts";
import type { NotificationChannel } from "../contracts/kinds.ts";
import { limits } from "../contracts/limits.ts";
import { isFinished } from "../jobs/job.ts";
import type { Delivery, FailedDelivery } from "../messaging/delivery.ts";
import { eachDelivery } from "../messaging/each-delivery.ts";
import type { EventDeferral } from "../messaging/event-deferral.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { readEvent } from "../messaging/read-event.ts";
import type { Clock } from "../values/time.ts";
import { channelDue, chunkDue, chunkIdOf, chunkName, givingUp } from "./chunk-events.ts";
import { type ConcludeDeps, concludeFanout } from "./conclude-fanout.ts";
import { type Chunk, type ChunkId, type FanoutPlan, type FanoutStore, partsOf } from "./fanout.ts";
import type { Follower } from "./follower.ts";
import type { FollowerStore } from "./follower-store.ts";
import { tallyOf } from "./tally.ts";
import type { ToldStore } from "./told-store.ts";

export interface ChunkDeps extends ConcludeDeps {
  readonly fanouts: FanoutStore;
  readonly followers: Pick<FollowerStore, "page">;
  readonly told: Pick<ToldStore, "read" | "tellInboxes">;
  readonly bus: EventPublisher;
  readonly deferral: EventDeferral;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told of each message that goes back to the queue, and why. */
  readonly onFailed: (deliveryId: string, error: unknown) => void;
}

/** Works on the chunks that messages name. @returns messages to return. */
export async function fanOutChunks(
  deps: ChunkDeps,
  deliveries: readonly Delivery[],
): Promise<readonly FailedDelivery[]> {
  return await eachDelivery(deps, deliveries, async ({ body, receives = 1 }) => {
    const due = readEvent(fanOutChunkDue, body);
    if (receives >= limits.maxReceives) await planToGiveUp(deps, due);
    await fanOutChunk(deps, due);
    return undefined;
  });
}

/** Planned before the last attempt, which may end without a word. */
async function planToGiveUp({ deferral, clock }: ChunkDeps, due: FanOutChunkDue): Promise<void> {
  if (due.giveUp) return;
  const id = chunkIdOf(due);
  const event = givingUp(chunkDue(id, due.after as ReaderId | undefined, due.traceparent));
  await deferral.publishAt(event, clock.nowMs() + limits.giveUpAfterMs, `${chunkName(id)} give up`);
}

/**
 * Works on one chunk of followers: fixes who they are, has the next chunk and the channels of others
 * begin, and puts the article into inboxes. It may be killed anywhere, delivered again or run beside
 * itself. The chain of a job that was cancelled ends here.
 */
async function fanOutChunk(deps: ChunkDeps, due: FanOutChunkDue): Promise<void> {
  const { jobId, traceparent } = due;
  const id = chunkIdOf(due);
  const [job, plan] = await Promise.all([deps.jobs.store.read(jobId), deps.fanouts.plan(jobId)]);
  if (!job || isFinished(job)) return;
  if (!plan) throw new Error(`job ${jobId} has no plan`);
  if (due.giveUp) {
    await giveUp(deps, plan, id);
  } else {
    const chunk = await openChunk(deps, plan, id, due.after as ReaderId | undefined);
    await handOn(deps, plan, id, chunk, traceparent);
    await tellInboxes(deps, plan, id, chunk.readers.inbox);
  }
  await concludeFanout(deps, jobId);
}

async function openChunk(
  { fanouts, followers }: ChunkDeps,
  plan: FanoutPlan,
  id: ChunkId,
  after: ReaderId | undefined,
): Promise<Chunk> {
  const known = await fanouts.chunk(id);
  if (known) return known;
  const most = limits.maxFollowersPerChunk;
  const page = await followers.page(id.creatorId, id.shard, after, most);
  return await fanouts.open(id, chunkOf(page, most), plan);
}

export function chunkOf(page: readonly Follower[], most: number): Chunk {
  const by = (channel: NotificationChannel) =>
    page.filter((one) => one[channel] !== undefined).map(({ readerId }) => readerId);
  const last = page.length < most ? undefined : page.at(-1)?.readerId;
  return {
    readers: { email: by("email"), webPush: by("webPush"), inbox: by("inbox") },
    ...(last !== undefined && { last }),
  };
}

/** Announced before the inboxes are filled, so that a slow table delays no other chunk. */
async function handOn(
  { fanouts, bus }: ChunkDeps,
  plan: FanoutPlan,
  id: ChunkId,
  chunk: Chunk,
  traceparent: string,
): Promise<void> {
  if (await fanouts.isHandedOn(id)) return;
  const channels = partsOf(chunk).filter((channel) => channel !== "inbox");
  const next = { ...id, chunk: id.chunk + 1 };
  await bus.publish([
    ...(chunk.last === undefined ? [] : [chunkDue(next, chunk.last, traceparent)]),
    ...channels.map((channel) => channelDue(id, channel, traceparent)),
  ]);
  await fanouts.handOn(id, plan);
}

async function tellInboxes(
  { fanouts, told, clock }: ChunkDeps,
  plan: FanoutPlan,
  id: ChunkId,
  readerIds: readonly ReaderId[],
): Promise<void> {
  if (readerIds.length === 0 || (await fanouts.isClosed(id, "inbox"))) return;
  const { articleId, title, url, excerpt } = plan;
  const { creatorId } = id;
  const chunk = chunkName(id);
  const known = await told.read(articleId, "inbox", readerIds);
  const left = readerIds.filter((readerId) => !known.has(readerId));
  await told.tellInboxes(
    left.map((readerId) => ({ articleId, creatorId, readerId, chunk })),
    {
      ...{ articleId, creatorId, title, url, atMs: clock.nowMs() },
      ...(excerpt !== undefined && { excerpt }),
    },
  );
  const marks = await told.read(articleId, "inbox", readerIds);
  await fanouts.close(id, "inbox", tallyOf(readerIds, marks, chunk), plan);
}

/** What was announced is in others' hands. What was not never will be, and the chain ends. */
async function giveUp(deps: ChunkDeps, plan: FanoutPlan, id: ChunkId): Promise<void> {
  const { fanouts, told } = deps;
  const chunk = await fanouts.chunk(id);
  if (!chunk) return await fanouts.breakOff(id);
  const isHandedOn = await fanouts.isHandedOn(id);
  for (const channel of partsOf(chunk)) {
    if (channel !== "inbox" && isHandedOn) continue;
    const readers = chunk.readers[channel];
    const marks = await told.read(plan.articleId, channel, readers);
    const tally = tallyOf(readers, marks, chunkName(id));
    await fanouts.close(id, channel, tally, plan);
  }
  if (!isHandedOn && chunk.last !== undefined) await fanouts.breakOff(id);
}
