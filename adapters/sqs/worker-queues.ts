import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { redriveAttributes } from "../../core/dead-letters/archive-letters.ts";
import type { QueueLevel } from "../../core/dead-letters/read-queues.ts";

const client = new SQSClient({
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
});

/** Sends a letter back to a worker's queue, which knows by its attributes what it is. */
export function sqsRedrive(urlOf: (queue: string) => Promise<string>) {
  return async (queue: string, body: string, letterId: string, number: number): Promise<void> => {
    const attribute = (StringValue: string) => ({ DataType: "String", StringValue });
    await client.send(
      new SendMessageCommand({
        QueueUrl: await urlOf(queue),
        MessageBody: body,
        MessageAttributes: {
          [redriveAttributes.letterId]: attribute(letterId),
          [redriveAttributes.number]: attribute(String(number)),
        },
      }),
    );
  };
}

export function sqsQueueLevels(urlOf: (queue: string) => Promise<string>) {
  return async (queue: string): Promise<QueueLevel> => {
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({
        QueueUrl: await urlOf(queue),
        AttributeNames: [
          "ApproximateNumberOfMessages",
          "ApproximateNumberOfMessagesDelayed",
          "ApproximateNumberOfMessagesNotVisible",
        ],
      }),
    );
    const count = (name: keyof typeof Attributes) => Number(Attributes[name] ?? 0);
    const delayed = count("ApproximateNumberOfMessagesDelayed");
    return {
      waiting: count("ApproximateNumberOfMessages") + delayed,
      delayed,
      inFlight: count("ApproximateNumberOfMessagesNotVisible"),
    };
  };
}
