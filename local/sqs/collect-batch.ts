import type { Faults } from "../faults.ts";
import { region } from "../templates/resource-types.ts";
import type { Queue, ReceivedMessage } from "./queues.ts";

/** A received message, written as the record that the function gets. */
export interface BatchItem {
  readonly received: ReceivedMessage;
  readonly record: string;
  readonly bytes: number;
  /** A fault has it delivered a second time. */
  readonly duplicated: boolean;
  /** This is that second delivery: what becomes of it does not matter to the queue. */
  readonly isCopy: boolean;
}

export interface Carried {
  /** The batch whose window is open. */
  readonly collecting: BatchItem[];
  readonly ready: BatchItem[];
  /** Held back by a fault for a while. */
  readonly held: Set<BatchItem>;
}

export interface BatchLimits {
  readonly queue: Queue;
  readonly batchSize: number;
  readonly windowMs: number;
}

/** Lambda's limit of 6 MB for a request, less room for what stands around the records. */
const maxBatchBytes = 6 * 1_048_576 - 16_384;
const longPollMs = 20_000;

/**
 * Collects messages until the batch is full (in messages or bytes) or its window is over, which
 * opens with the first message. Without a window, what is there at once is the batch.
 */
export async function collectBatch(
  limits: BatchLimits,
  carried: Carried,
  faults: Faults,
  stopping: AbortSignal,
): Promise<BatchItem[]> {
  const { queue, batchSize, windowMs } = limits;
  const batch = carried.collecting;
  let bytes = 0;
  let closesAtMs: number | undefined;
  const add = (item: BatchItem): boolean => {
    const full = batch.length > 0 && bytes + item.bytes > maxBatchBytes;
    if (full || batch.length >= batchSize) {
      carried.ready.push(item);
      return false;
    }
    batch.push(item);
    bytes += item.bytes + 1;
    return true;
  };

  while (!stopping.aborted) {
    let open = carried.ready.splice(0).every(add);
    while (open && batch.length < batchSize) {
      const received = queue.receive(chunkSize(batchSize, batch.length, bytes));
      if (received.length === 0) break;
      for (const message of received) {
        const item = makeItem(message, queue, carried, faults);
        if (item !== undefined) open = add(item) && open;
      }
    }
    if (batch.length > 0) closesAtMs ??= Date.now() + windowMs;
    const remainingMs = (closesAtMs ?? Date.now() + longPollMs) - Date.now();
    if (!open || batch.length >= batchSize || remainingMs <= 0) break;
    await queue.waitForMessages(remainingMs);
  }
  faults.shuffle(queue.name, batch);
  return batch.splice(0);
}

/** Small messages are received many at a time, large ones so that few are left over. */
function chunkSize(batchSize: number, count: number, bytes: number): number {
  const room = batchSize - count;
  if (count === 0) return Math.min(10, room);
  const fitting = Math.floor((maxBatchBytes - bytes) / (bytes / count));
  return Math.max(1, Math.min(room, fitting, 200));
}

function makeItem(
  received: ReceivedMessage,
  queue: Queue,
  carried: Carried,
  faults: Faults,
): BatchItem | undefined {
  const record = recordOf(received, queue);
  const bytes = Buffer.byteLength(record);
  const fault = faults.onDelivery(queue.name);
  const duplicated = fault?.kind === "duplicate";
  const item = { received, record, bytes, duplicated, isCopy: false };
  if (fault?.kind !== "delay") return item;
  carried.held.add(item);
  setTimeout(() => {
    // It may have been returned to the queue in the meantime, by a stop.
    if (!carried.held.delete(item)) return;
    carried.ready.push(item);
    queue.cancelWaits();
  }, fault.ms);
  return undefined;
}

/** The record as Lambda writes it. */
function recordOf({ receiptHandle, message }: ReceivedMessage, queue: Queue): string {
  const messageAttributes = Object.fromEntries(
    Object.entries(message.messageAttributes).map(([name, attribute]) => [
      name,
      {
        stringValue: attribute.StringValue,
        binaryValue: attribute.BinaryValue,
        stringListValues: [],
        binaryListValues: [],
        dataType: attribute.DataType,
      },
    ]),
  );
  return JSON.stringify({
    messageId: message.messageId,
    receiptHandle,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.approximateReceiveCount),
      SentTimestamp: String(message.sentTimestamp),
      SenderId: "events.amazonaws.com",
      ApproximateFirstReceiveTimestamp: String(message.approximateFirstReceiveTimestamp),
    },
    messageAttributes,
    md5OfBody: message.md5OfBody,
    eventSource: "aws:sqs",
    eventSourceARN: queue.arn,
    awsRegion: region,
  });
}
