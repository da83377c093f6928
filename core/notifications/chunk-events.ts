import { fanOutChunkDue, notificationsDue } from "../contracts/events.ts";
import type { ReaderId } from "../contracts/ids.ts";
import type { ProvidedChannel } from "../contracts/kinds.ts";
import type { OutgoingEvent } from "../messaging/event-publisher.ts";
import type { ChunkId } from "./fanout.ts";

/** What a mark says of the chunk that made it. */
export function chunkName({ jobId, creatorId, shard, chunk }: ChunkId): string {
  return `${jobId}#${creatorId}#${shard}#${chunk}`;
}

export function chunkIdOf({ jobId, creatorId, shard, chunk }: ChunkId): ChunkId {
  return { jobId, creatorId, shard, chunk };
}

export function chunkDue(
  id: ChunkId,
  after: ReaderId | undefined,
  traceparent: string,
): OutgoingEvent {
  const detail = { schemaVersion: 1, traceparent, ...id, ...(after !== undefined && { after }) };
  return { contract: fanOutChunkDue, detail };
}

export function channelDue(
  id: ChunkId,
  channel: ProvidedChannel,
  traceparent: string,
  unsentUntilMs?: number,
): OutgoingEvent {
  const detail = {
    ...{ schemaVersion: 1, traceparent, ...id, channel },
    ...(unsentUntilMs !== undefined && { unsentUntilMs }),
  };
  return { contract: notificationsDue[channel], detail };
}

/** The same, to be counted as failed where it is not done by then. */
export function givingUp({ contract, detail }: OutgoingEvent): OutgoingEvent {
  return { contract, detail: { ...(detail as object), giveUp: true } };
}
