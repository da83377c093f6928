export interface StoredMessage {
  readonly messageId: string;
  readonly body: string;
  readonly md5OfBody: string;
  readonly messageAttributes: Record<string, MessageAttribute>;
  readonly sentTimestamp: number;
  approximateReceiveCount: number;
  readonly approximateFirstReceiveTimestamp?: number;
  readonly messageGroupId?: string;
}

export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string;
}

interface Inflight {
  readonly message: StoredMessage;
  readonly receiptHandle: string;
  readonly visibilityDeadline: number;
}

/** The parts of fauxqs' queue that the embedded cloud uses. */
export interface FauxqsQueue {
  readonly name: string;
  /** What SQS' clients are told; requests are taken by the name in it. */
  url: string;
  readonly arn: string;
  readonly attributes: Record<string, string>;
  readonly messages: readonly StoredMessage[];
  readonly delayedMessages: readonly StoredMessage[];
  readonly inflightMessages: ReadonlyMap<string, Inflight>;
  enqueue(message: StoredMessage): void;
  dequeue(
    max: number,
    visibilityTimeoutSeconds: number | undefined,
    deadLetterQueue: (arn: string) => FauxqsQueue | undefined,
  ): { readonly ReceiptHandle: string }[];
  deleteMessage(receiptHandle: string): boolean;
  changeVisibility(receiptHandle: string, seconds: number): void;
  setAttributes(attributes: Record<string, string>): void;
  waitForMessages(seconds: number): Promise<void>;
  cancelWaiters(): void;
  processTimers(): void;
}

/** Its store of queues. */
export interface SqsStore<Persistence> {
  host: string;
  region: string;
  persistence: Persistence;
  createQueue(
    name: string,
    url: string,
    arn: string,
    attributes: Record<string, string>,
  ): FauxqsQueue & { persistence: Persistence };
  getQueueByName(name: string): FauxqsQueue | undefined;
  getQueueByArn(arn: string): FauxqsQueue | undefined;
  allQueues(): Iterable<FauxqsQueue & { persistence: Persistence }>;
}
