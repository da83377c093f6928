import { DeleteMessageBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import type { DeadLetterQueues } from "../../core/dead-letters/archive-letters.ts";
import { sqsClient } from "./client.ts";

/** A second is enough to ask all of SQS's servers, and what is not there yet comes the next time. */
const waitSeconds = 1;
/** Long enough to be written down; what was not becomes visible again. */
const hiddenSeconds = 60;

export function sqsDeadLetterQueues(urlOf: (queue: string) => Promise<string>): DeadLetterQueues {
  return {
    async receive(queue) {
      const { Messages = [] } = await sqsClient.send(
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
      const { Failed = [] } = await sqsClient.send(
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
