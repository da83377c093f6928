import { type NotificationsDue, notificationsDue } from "../contracts/events.ts";
import { limits } from "../contracts/limits.ts";
import { isFinished } from "../jobs/job.ts";
import type { Delivery, FailedDelivery } from "../messaging/delivery.ts";
import { eachDelivery } from "../messaging/each-delivery.ts";
import type { EventDeferral } from "../messaging/event-deferral.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { readEvent } from "../messaging/read-event.ts";
import { channelDue, chunkIdOf, chunkName, givingUp } from "./chunk-events.ts";
import { type ConcludeDeps, concludeFanout } from "./conclude-fanout.ts";
import type { Chunk, ChunkId, FanoutPlan, FanoutStore } from "./fanout.ts";
import { tallyOf } from "./tally.ts";
import { type PassDeps, type PassResult, tellReaders } from "./tell-readers.ts";

export interface TellDeps extends ConcludeDeps, PassDeps {
  readonly fanouts: Pick<FanoutStore, "plan" | "chunk" | "isClosed" | "close" | "chains">;
  readonly bus: EventPublisher;
  readonly deferral: EventDeferral;
  readonly random: () => number;
  /** Told of each message that goes back to the queue, and why. */
  readonly onFailed: (deliveryId: string, error: unknown) => void;
}

/** How long others may need for whom they claimed a moment ago, before they are taken for dead. */
const momentMs = 1_000;
const moments = 3;

/** When a message comes back that is not done. */
export interface Retry {
  readonly retryInMs: number;
}

/** Works on the chunks that messages of a provider's queue name. @returns messages to return. */
export async function tellChunks(
  deps: TellDeps,
  deliveries: readonly Delivery[],
  deadlineMs: number,
): Promise<readonly FailedDelivery[]> {
  const contract = notificationsDue[deps.provider.channel];
  return await eachDelivery(deps, deliveries, ({ body, receives = 1 }) =>
    tellChunk(deps, readEvent<typeof contract.detail>(contract, body), receives, deadlineMs),
  );
}

/**
 * Tells a chunk's followers through one provider. What was done is marked for each of them, so that
 * it may be killed anywhere, delivered again or run beside itself.
 * @param receives how often the message was received: the last time, giving up is planned first.
 */
async function tellChunk(
  deps: TellDeps,
  due: NotificationsDue,
  receives: number,
  deadlineMs: number,
): Promise<Retry | undefined> {
  const { channel } = deps.provider;
  const id = chunkIdOf(due);
  const [job, plan, chunk] = await Promise.all([
    deps.jobs.store.read(due.jobId),
    deps.fanouts.plan(due.jobId),
    deps.fanouts.chunk(id),
  ]);
  if (!job || isFinished(job)) return undefined;
  if (!plan || !chunk) throw new Error(`${chunkName(id)} was announced and is not there`);
  if (await deps.fanouts.isClosed(id, channel)) {
    await concludeFanout(deps, id.jobId);
    return undefined;
  }
  const isLast = receives >= limits.maxReceives;
  if (isLast) await planToGiveUp(deps, due);
  const retry = due.giveUp
    ? await close(deps, plan, id, chunk)
    : await go(deps, due, { plan, id, chunk, isLast, deadlineMs });
  if (retry) return retry;
  await concludeFanout(deps, id.jobId);
  return undefined;
}

interface Work {
  readonly plan: FanoutPlan;
  readonly id: ChunkId;
  readonly chunk: Chunk;
  readonly isLast: boolean;
  readonly deadlineMs: number;
}

async function go(deps: TellDeps, due: NotificationsDue, work: Work): Promise<Retry | undefined> {
  const { plan, id, chunk, deadlineMs } = work;
  const { provider, clock } = deps;
  const unsentUntilMs = Math.max(clock.nowMs() - limits.mailFateMs, due.unsentUntilMs ?? 0);
  const pass = () =>
    tellReaders(deps, { ...work, unsentUntilMs, readerIds: chunk.readers[provider.channel] });
  let result = await pass();
  for (let moment = 0; moment < moments && onlyWaits(result); moment += 1) {
    if (clock.nowMs() + momentMs >= deadlineMs) break;
    await deps.pacing.sleep(momentMs);
    result = await pass();
  }
  const { pausedMs, refusedMs, fateOfMs } = result;
  if (result.outOfTime) {
    if (result.done === 0) throw new Error("no time to do anything; it is tried again");
    await deps.bus.publish([channelDue(id, provider.channel, due.traceparent, due.unsentUntilMs)]);
    return undefined;
  }
  if (pausedMs !== undefined) {
    await goOnAt(deps, due, clock.nowMs() + pausedMs);
    return undefined;
  }
  if (refusedMs !== undefined) return { retryInMs: refusedMs };
  if (fateOfMs !== undefined) {
    await goOnAt(deps, due, fateOfMs + limits.mailFateMs, fateOfMs);
    return undefined;
  }
  return await close(deps, plan, id, chunk, result);
}

function onlyWaits({ outOfTime, pausedMs, refusedMs, fateOfMs }: PassResult): boolean {
  return !outOfTime && pausedMs === undefined && refusedMs === undefined && fateOfMs !== undefined;
}

async function goOnAt(
  { deferral, provider }: TellDeps,
  due: NotificationsDue,
  atMs: number,
  unsentUntilMs = due.unsentUntilMs,
): Promise<void> {
  const id = chunkIdOf(due);
  const event = channelDue(id, provider.channel, due.traceparent, unsentUntilMs);
  await deferral.publishAt(event, atMs, `${chunkName(id)} ${provider.channel} ${atMs}`);
}

/** Planned before the last attempt, which may end without a word. */
async function planToGiveUp({ deferral, provider, clock }: TellDeps, due: NotificationsDue) {
  if (due.giveUp) return;
  const id = chunkIdOf(due);
  const event = givingUp(channelDue(id, provider.channel, due.traceparent));
  const atMs = clock.nowMs() + limits.giveUpAfterMs;
  await deferral.publishAt(event, atMs, `${chunkName(id)} ${provider.channel} give up`);
}

async function close(
  { fanouts, told, provider: { channel } }: TellDeps,
  plan: FanoutPlan,
  id: ChunkId,
  chunk: Chunk,
  result?: PassResult,
): Promise<undefined> {
  const readerIds = chunk.readers[channel];
  const marks = await told.read(plan.articleId, channel, readerIds);
  await fanouts.close(id, channel, tallyOf(readerIds, marks, chunkName(id), result?.decided), plan);
}
