import { z } from "zod";
import { number, readProperties } from "../templates/properties.ts";
import { account, region } from "../templates/resource-types.ts";
import type { Resource } from "../templates/resources.ts";
import { createMessage, type Fauxqs } from "./fauxqs.ts";
import type { FauxqsQueue, MessageAttribute, StoredMessage } from "./fauxqs-sqs.ts";

export interface ReceivedMessage {
  readonly receiptHandle: string;
  readonly message: StoredMessage;
  /** When it is visible again, unless somebody says otherwise meanwhile. */
  readonly visibleAtMs: number;
}

export interface QueueDepth {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/** A message that SQS would refuse; sending it again cannot help. */
export class MessageRefused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Since the start: what came, and what was done with. What moves to a dead letter queue is neither. */
export interface QueueFlow {
  readonly sent: number;
  readonly deleted: number;
}

export interface Queue {
  readonly name: string;
  readonly arn: string;
  /** Returns when the message is durable; a refusal is a `MessageRefused`. */
  send(body: string, attributes?: Record<string, MessageAttribute>): void;
  /** At most `max` messages, hidden from others for the queue's visibility timeout. */
  receive(max: number): ReceivedMessage[];
  delete(receiptHandles: readonly string[]): void;
  /** Makes messages visible at once. */
  release(receiptHandles: readonly string[]): void;
  /**
   * Lets what is left of their visibility timeout pass so many times faster. When a worker has said
   * by itself when one comes back, that holds.
   */
  hasten(received: readonly ReceivedMessage[], pace: number): void;
  /** Resolves when there may be a message, or after `waitMs`. */
  waitForMessages(waitMs: number): Promise<void>;
  /** Ends every `waitForMessages` now. */
  cancelWaits(): void;
  depth(): QueueDepth;
  flow(): QueueFlow;
  /** Milliseconds since the oldest message that is not deleted was sent. */
  oldestAgeMs(): number | undefined;
  /** Bodies of the messages that are visible or delayed. */
  peek(): string[];
  /** Ends the visibility timeout of everything in flight, as if that much time had passed. */
  expireVisibility(): void;
}

export interface Queues {
  readonly url: string;
  create(resource: Resource): Queue;
  get(name: string): Queue;
  byArn(arn: string): Queue | undefined;
  all(): readonly Queue[];
  /** Every send within `work` is durable when it returns, or none is. */
  transaction<T>(work: () => T): T;
}

const queueShape = {
  QueueName: z.string().optional(),
  VisibilityTimeout: number.optional(),
  MessageRetentionPeriod: number.optional(),
  DelaySeconds: number.optional(),
  MaximumMessageSize: number.optional(),
  ReceiveMessageWaitTimeSeconds: number.optional(),
  RedrivePolicy: z
    .looseObject({ deadLetterTargetArn: z.string(), maxReceiveCount: number })
    .optional(),
  RedriveAllowPolicy: z.looseObject({}).optional(),
  FifoQueue: z.literal(false).optional(),
};
/** Encryption and tags change nothing that a program on one machine can see. */
const ignored = ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled", "Tags"];

export function createQueues(fauxqs: Fauxqs): Queues {
  const byName = new Map<string, Queue>();
  return {
    url: fauxqs.url,
    create(resource) {
      const {
        QueueName: _name,
        FifoQueue: _fifo,
        ...rest
      } = readProperties(resource, queueShape, ignored);
      const attributes = Object.fromEntries(
        Object.entries(rest)
          .filter(([, value]) => value !== undefined)
          .map(([key, value]) => [
            key,
            typeof value === "object" ? JSON.stringify(value) : String(value),
          ]),
      );
      const name = resource.ref.slice(resource.ref.lastIndexOf("/") + 1);
      const queue = wrap(createOrUpdate(fauxqs, name, attributes), fauxqs);
      byName.set(name, queue);
      return queue;
    },
    get(name) {
      const queue = byName.get(name);
      if (queue !== undefined) return queue;
      throw new Error(`there is no queue ${name}; there are ${[...byName.keys()].join(", ")}`);
    },
    byArn: (arn) => [...byName.values()].find((queue) => queue.arn === arn),
    all: () => [...byName.values()],
    transaction: fauxqs.transaction,
  };
}

function createOrUpdate(fauxqs: Fauxqs, name: string, attributes: Record<string, string>) {
  const existing = fauxqs.store.getQueueByName(name);
  const url = `${fauxqs.url}/${account}/${name}`;
  if (existing === undefined) {
    return fauxqs.store.createQueue(
      name,
      url,
      `arn:aws:sqs:${region}:${account}:${name}`,
      attributes,
    );
  }
  // Creating it again would replace its row, and with it its messages.
  existing.setAttributes({ RedrivePolicy: "", ...attributes });
  // The port is another one at every start.
  existing.url = url;
  return existing;
}

// What SQS accepts: surrogates only in pairs, and no noncharacters at the end of the first plane.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters SQS refuses
const refusedCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

function wrap(queue: FauxqsQueue, fauxqs: Fauxqs): Queue {
  const flow = countFlow(queue);
  const deadLetterQueue = (arn: string) => fauxqs.store.getQueueByArn(arn);
  const maxBytes = Number(queue.attributes.MaximumMessageSize ?? 1_048_576);
  return {
    name: queue.name,
    arn: queue.arn,
    send(body, attributes = {}) {
      if (Buffer.byteLength(body) > maxBytes) {
        throw new MessageRefused(
          "InvalidParameterValue",
          `One or more parameters are invalid. Reason: Message must be shorter than ${maxBytes} bytes.`,
        );
      }
      if (refusedCharacter.test(body) || !body.isWellFormed()) {
        throw new MessageRefused(
          "InvalidMessageContents",
          "Invalid characters were found in the message body.",
        );
      }
      queue.enqueue(createMessage(body, attributes));
    },
    receive: (max) => fauxqs.transaction(() => receive(queue, max, deadLetterQueue)),
    delete: (receiptHandles) =>
      fauxqs.transaction(() => {
        for (const handle of receiptHandles) queue.deleteMessage(handle);
      }),
    release: (receiptHandles) =>
      fauxqs.transaction(() => {
        for (const handle of receiptHandles) queue.changeVisibility(handle, 0);
      }),
    hasten: (received, pace) =>
      fauxqs.transaction(() => {
        const nowMs = Date.now();
        for (const { receiptHandle, visibleAtMs } of received) {
          const deadline = queue.inflightMessages.get(receiptHandle)?.visibilityDeadline;
          if (deadline !== visibleAtMs || deadline <= nowMs) continue;
          queue.changeVisibility(receiptHandle, (deadline - nowMs) / pace / 1_000);
        }
      }),
    waitForMessages: (waitMs) => queue.waitForMessages(waitMs / 1000),
    cancelWaits: () => queue.cancelWaiters(),
    depth: () => ({
      visible: queue.messages.length,
      inFlight: queue.inflightMessages.size,
      delayed: queue.delayedMessages.length,
    }),
    flow: () => ({ ...flow }),
    oldestAgeMs: () => oldestAgeMs(queue),
    peek: () => [...queue.messages, ...queue.delayedMessages].map(({ body }) => body),
    expireVisibility: () =>
      fauxqs.transaction(() => {
        for (const handle of [...queue.inflightMessages.keys()]) queue.changeVisibility(handle, 0);
      }),
  };
}

/** Counts where SDK clients and this process meet. */
function countFlow(queue: FauxqsQueue) {
  const flow = { sent: 0, deleted: 0 };
  const { enqueue, deleteMessage } = queue;
  queue.enqueue = (message) => {
    // Dead letters were received before.
    if (message.approximateReceiveCount === 0) flow.sent += 1;
    enqueue.call(queue, message);
  };
  queue.deleteMessage = (receiptHandle) => {
    const deleted = deleteMessage.call(queue, receiptHandle);
    if (deleted) flow.deleted += 1;
    return deleted;
  };
  return flow;
}

function receive(
  queue: FauxqsQueue,
  max: number,
  deadLetterQueue: (arn: string) => FauxqsQueue | undefined,
): ReceivedMessage[] {
  const received: ReceivedMessage[] = [];
  while (received.length < max) {
    const chunk = queue.dequeue(Math.min(10, max - received.length), undefined, deadLetterQueue);
    for (const { ReceiptHandle: receiptHandle } of chunk) {
      const inflight = queue.inflightMessages.get(receiptHandle);
      if (inflight === undefined) continue;
      const { message, visibilityDeadline: visibleAtMs } = inflight;
      received.push({ receiptHandle, message, visibleAtMs });
    }
    if (chunk.length === 0 && queue.messages.length === 0) break;
  }
  return received;
}

function oldestAgeMs(queue: FauxqsQueue): number | undefined {
  let oldest = Number.POSITIVE_INFINITY;
  for (const { sentTimestamp } of queue.messages) oldest = Math.min(oldest, sentTimestamp);
  for (const { message } of queue.inflightMessages.values()) {
    oldest = Math.min(oldest, message.sentTimestamp);
  }
  return oldest === Number.POSITIVE_INFINITY ? undefined : Date.now() - oldest;
}
