import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { type CallResult, callResults } from "../../core/integrations/call-integration.ts";
import type { CallOutcomes } from "../../core/integrations/sync-deps.ts";
import { type Clock, dayMs } from "../../core/values/time.ts";
import { itemsUnder } from "./items.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly pacingTable: string;
  readonly clock: Clock;
}

const partitionOf = (name: string) => `outcomes#${name}`;
/** `2026-11-25T15` */
const hourOf = (ms: number) => new Date(ms).toISOString().slice(0, 13);

/** Counts of calls in the pacing table: an item for each name and hour. */
export function dynamoDbCallOutcomes({ client, pacingTable, clock }: Deps): CallOutcomes {
  return {
    async add(name, result) {
      const nowMs = clock.nowMs();
      await client.send(
        new UpdateCommand({
          TableName: pacingTable,
          Key: { pk: partitionOf(name), sk: hourOf(nowMs) },
          UpdateExpression: "SET #ttl = :ttl ADD #result :one",
          ExpressionAttributeNames: { "#ttl": "ttl", "#result": result },
          ExpressionAttributeValues: {
            ":one": 1n,
            ":ttl": BigInt(Math.ceil((nowMs + 2 * dayMs) / 1_000)),
          },
        }),
      );
    },
    async read(name) {
      const since = hourOf(clock.nowMs() - dayMs);
      const sums: Partial<Record<CallResult, number>> = {};
      // Each hour's begins with its year.
      for await (const item of itemsUnder(client, pacingTable, partitionOf(name), "2")) {
        if (String(item.sk) <= since) continue;
        for (const result of callResults) {
          if (item[result] !== undefined) sums[result] = (sums[result] ?? 0) + Number(item[result]);
        }
      }
      return sums;
    },
  };
}
