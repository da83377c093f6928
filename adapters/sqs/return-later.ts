import { ChangeMessageVisibilityCommand, SQSClient } from "@aws-sdk/client-sqs";
import { environment } from "../../core/contracts/environment.ts";

/** SQS hides a message for 12 hours at most. */
const maxSeconds = 43_200;

const client = new SQSClient({
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true },
});

/** Has a message that failed come back after a while, instead of when its time-out is over. */
export async function returnLater(receiptHandle: string, delayMs: number): Promise<void> {
  await client.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl: process.env[environment.queueUrl],
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: Math.min(maxSeconds, Math.ceil(delayMs / 1_000)),
    }),
  );
}
