import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { tallyShards } from "../../core/contracts/storage.ts";
import type { Tally } from "../../core/ledger/prove-money.ts";
import { sumMicros } from "../../core/values/micros.ts";
import { getItems, type Item } from "./items.ts";
import type { Action } from "./write-transaction.ts";

/** The tally lies in the counters' table, so that it can be in their transaction; by shard. */
export function tallyKey(shard: number) {
  return { pk: `tally#${String(shard).padStart(2, "0")}`, sk: "total" };
}

const attributes = {
  events: "ev",
  engagements: "keys",
  micros: "m",
  voidedMicros: "v",
  rejected: "rej",
} as const;
const statePrefix = "s:";

/** Sums to add; those that are left out stay. */
export interface TallySums {
  readonly shard: number;
  readonly events?: bigint;
  readonly engagements?: number;
  readonly micros?: bigint;
  readonly voidedMicros?: bigint;
  readonly rejected?: number;
  readonly states?: ReadonlyMap<string, number>;
}

export function addToTally(earningsCountersTable: string, sums: TallySums): Action {
  const parts: [name: string, value: bigint][] = Object.entries(attributes).map(([field, name]) => [
    name,
    BigInt(sums[field as keyof typeof attributes] ?? 0),
  ]);
  for (const [state, count] of sums.states ?? []) {
    parts.push([`${statePrefix}${state}`, BigInt(count)]);
  }
  const changing = parts.filter(([, value]) => value !== 0n);
  // An ADD of nothing: an expression must not be empty.
  const added = changing.length > 0 ? changing : [[attributes.events, 0n] as const];
  return {
    Update: {
      TableName: earningsCountersTable,
      Key: tallyKey(sums.shard),
      UpdateExpression: `ADD ${added.map((_, index) => `#a${index} :a${index}`).join(", ")}`,
      ExpressionAttributeNames: Object.fromEntries(
        added.map(([name], index) => [`#a${index}`, name]),
      ),
      ExpressionAttributeValues: Object.fromEntries(
        added.map(([, value], index) => [`:a${index}`, value]),
      ),
    },
  };
}

export async function readTally(client: DynamoDBDocumentClient, tableName: string): Promise<Tally> {
  const keys = Array.from({ length: tallyShards }, (_, shard) => tallyKey(shard));
  const items = await getItems(client, tableName, keys);
  const sum = (name: string) => sumMicros(items.map((item) => (item[name] as bigint) ?? 0n));
  return {
    events: sum(attributes.events),
    engagements: sum(attributes.engagements),
    micros: sum(attributes.micros),
    voidedMicros: sum(attributes.voidedMicros),
    rejected: sum(attributes.rejected),
    states: statesOf(items),
  };
}

function statesOf(items: readonly Item[]): Map<string, bigint> {
  const states = new Map<string, bigint>();
  for (const item of items) {
    for (const [name, count] of Object.entries(item)) {
      if (!name.startsWith(statePrefix)) continue;
      const state = name.slice(statePrefix.length);
      states.set(state, (states.get(state) ?? 0n) + (count as bigint));
    }
  }
  return states;
}
