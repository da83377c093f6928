import { GetQueueAttributesCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { redriveAttributes } from "../../core/dead-letters/archive-letters.ts";
import type { QueueDepth } from "../../core/monitoring/read-queues.ts";
import { sqsClient } from "./client.ts";

/** Sends a letter back to a worker's queue, which knows by its attributes what it is. */
export function sqsRedrive(urlOf: (queue: string) => Promise<string>) {
  return async (queue: string, body: string, letterId: string, number: number): Promise<void> => {
    const attribute = (StringValue: string) => ({ DataType: "String", StringValue });
    await sqsClient.send(
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

export function sqsQueueDepths(urlOf: (queue: string) => Promise<string>) {
  return async (queue: string): Promise<QueueDepth> => {
    const { Attributes = {} } = await sqsClient.send(
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
