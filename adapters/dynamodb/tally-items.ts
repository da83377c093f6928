import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { tallyShards } from "../../core/contracts/storage.ts";
import type { Tally } from "../../core/ledger/prove-money.ts";
import { sumMicros } from "../../core/values/micros.ts";
import { getItems } from "./items.ts";

/** The tally lies in the counters' table, so that it can be in their transaction; by shard. */
export function tallyKey(shard: number) {
  return { pk: `tally#${String(shard).padStart(2, "0")}`, sk: "total" };
}

export async function readTally(client: DynamoDBDocumentClient, tableName: string): Promise<Tally> {
  const keys = Array.from({ length: tallyShards }, (_, shard) => tallyKey(shard));
  const items = await getItems(client, tableName, keys);
  const sum = (name: string) => sumMicros(items.map((item) => (item[name] as bigint) ?? 0n));
  return { engagements: sum("ev"), micros: sum("m"), rejected: sum("rej") };
}
