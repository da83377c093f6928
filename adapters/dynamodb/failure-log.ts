import {
  BatchWriteCommand,
  type BatchWriteCommandInput,
  type DynamoDBDocumentClient,
} from "@aws-sdk/lib-dynamodb";
import { failuresPrefix } from "../../core/contracts/storage.ts";
import type { Failure, FailureLog } from "../../core/dead-letters/failure.ts";
import { atOnce } from "../../core/values/at-once.ts";
import { chunk } from "../../core/values/group-by.ts";
import { dayMs } from "../../core/values/time.ts";
import { getItem } from "./items.ts";

/** A message lives ten days in its queue and, with those, fourteen in the dead letters' (SQS). */
const ttlMs = 15 * dayMs;
const maxBatch = 25;
const batchesAtOnce = 4;
const keyOf = (messageId: string) => ({ pk: `${failuresPrefix}${messageId}`, sk: "failure" });

/** Why deliveries failed, in the table of dead letters. */
export function dynamoDbFailures(client: DynamoDBDocumentClient, deadLettersTable: string) {
  return {
    async record(failures) {
      await atOnce(chunk(failures, maxBatch), batchesAtOnce, async (part) => {
        const requests: BatchWriteCommandInput["RequestItems"] = {
          [deadLettersTable]: part.map((failure) => ({
            PutRequest: {
              Item: {
                ...keyOf(failure.messageId),
                ttl: BigInt(Math.ceil((failure.atMs + ttlMs) / 1_000)),
                record: JSON.stringify(failure),
              },
            },
          })),
        };
        // What stays unprocessed is not tried again: the next attempt says the same.
        await client.send(new BatchWriteCommand({ RequestItems: requests }));
      });
    },
    async read(messageId) {
      const item = await getItem(client, deadLettersTable, keyOf(messageId));
      return item && (JSON.parse(String(item.record)) as Failure);
    },
  } satisfies FailureLog;
}
