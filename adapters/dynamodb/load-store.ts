import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { LoadStore } from "../../core/pacing/load.ts";
import { dayMs } from "../../core/values/time.ts";
import { getItem } from "./items.ts";

/** Loads of queues in the pacing table, an item for each type of job. */
export function dynamoDbLoads(client: DynamoDBDocumentClient, pacingTable: string): LoadStore {
  return {
    async read(type) {
      const item = await getItem(client, pacingTable, { pk: `load#${type}`, sk: "load" });
      return (
        item && {
          type,
          waiting: Number(item.waiting),
          shedding: item.shedding === true,
          seenAtMs: Number(item.seenAtMs),
        }
      );
    },
    async write({ type, waiting, shedding, seenAtMs }) {
      await client.send(
        new PutCommand({
          TableName: pacingTable,
          Item: {
            ...{ pk: `load#${type}`, sk: "load", waiting: BigInt(waiting), shedding },
            seenAtMs: BigInt(seenAtMs),
            ttl: BigInt(Math.ceil((seenAtMs + dayMs) / 1_000)),
          },
        }),
      );
    },
  };
}
