import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { QueueDepths } from "../../core/pacing/load.ts";

/** How many messages wait in each job type's queue. @param urls by job type. */
export function sqsQueueDepths(urls: Readonly<Record<string, string>>): QueueDepths {
  const client = new SQSClient({
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 1_000,
      requestTimeout: 3_000,
      throwOnRequestTimeout: true,
    },
  });
  return {
    async waiting(type) {
      const { Attributes } = await client.send(
        new GetQueueAttributesCommand({
          QueueUrl: urls[type],
          AttributeNames: [
            "ApproximateNumberOfMessages",
            // Those that were sent with a delay.
            "ApproximateNumberOfMessagesDelayed",
          ],
        }),
      );
      const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed } = Attributes ?? {};
      return Number(ApproximateNumberOfMessages) + Number(ApproximateNumberOfMessagesDelayed ?? 0);
    },
  };
}
