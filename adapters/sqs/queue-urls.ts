import { GetQueueUrlCommand } from "@aws-sdk/client-sqs";
import { sqsClient } from "./client.ts";

/** The URLs of queues by their short names, each asked for once. @param prefix of the stage. */
export function queueUrls(prefix: string): (queue: string) => Promise<string> {
  const known = new Map<string, string>();
  return async (queue) => {
    const url = known.get(queue);
    if (url !== undefined) return url;
    const { QueueUrl } = await sqsClient.send(
      new GetQueueUrlCommand({ QueueName: `${prefix}${queue}` }),
    );
    if (QueueUrl === undefined) throw new Error(`there is no queue ${prefix}${queue}`);
    known.set(queue, QueueUrl);
    return QueueUrl;
  };
}
