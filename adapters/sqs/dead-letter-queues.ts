import {
  DeleteMessageBatchCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { DeadLetterQueues } from "../../core/dead-letters/archive-letters.ts";

/** A second is enough to ask all of SQS's servers, and what is not there yet comes the next time. */
const waitSeconds = 1;
/** Long enough to be written down; what was not becomes visible again. */
const hiddenSeconds = 60;

const client = new SQSClient({
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
});

/** The URLs of queues by their short names, each asked for once. @param prefix of the stage. */
export function queueUrls(prefix: string): (queue: string) => Promise<string> {
  const known = new Map<string, string>();
  return async (queue) => {
    const url = known.get(queue);
    if (url !== undefined) return url;
    const { QueueUrl } = await client.send(
      new GetQueueUrlCommand({ QueueName: `${prefix}${queue}` }),
    );
    if (QueueUrl === undefined) throw new Error(`there is no queue ${prefix}${queue}`);
    known.set(queue, QueueUrl);
    return QueueUrl;
  };
}

export function sqsDeadLetterQueues(urlOf: (queue: string) => Promise<string>): DeadLetterQueues {
  return {
    async receive(queue) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: await urlOf(queue),
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: waitSeconds,
          VisibilityTimeout: hiddenSeconds,
          MessageSystemAttributeNames: ["SentTimestamp"],
          MessageAttributeNames: ["All"],
        }),
      );
      return Messages.map(
        ({
          MessageId = "",
          Body = "",
          ReceiptHandle = "",
          Attributes,
          MessageAttributes = {},
        }) => ({
          ...{ messageId: MessageId, body: Body, handle: ReceiptHandle },
          firstSentAtMs: Number(Attributes?.SentTimestamp ?? 0),
          attributes: Object.fromEntries(
            Object.entries(MessageAttributes).map(([name, { StringValue = "" }]) => [
              name,
              StringValue,
            ]),
          ),
        }),
      );
    },
    async delete(queue, handles) {
      const { Failed = [] } = await client.send(
        new DeleteMessageBatchCommand({
          QueueUrl: await urlOf(queue),
          Entries: handles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
        }),
      );
      // It comes again, and is known then.
      if (Failed.length > 0) throw new Error(`${Failed.length} messages could not be deleted`);
    },
  };
}
