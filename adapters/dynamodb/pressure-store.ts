import { type DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { pressureItem } from "../../core/contracts/storage.ts";
import type { PressureStore } from "../../core/pacing/watch-backlogs.ts";
import { type Clock, dayMs } from "../../core/values/time.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly pacingTable: string;
  readonly clock: Clock;
  /** How long a read may take; default: as long as any. */
  readonly readWithinMs?: number | undefined;
}

const key = { pk: pressureItem, sk: pressureItem };

/** One item of the pacing table, as JSON: eventually consistent, so that a read is half a unit. */
export function dynamoDbPressure(deps: Deps): PressureStore {
  const { client, pacingTable: TableName, clock, readWithinMs } = deps;
  return {
    async read() {
      const options =
        readWithinMs === undefined ? {} : { abortSignal: AbortSignal.timeout(readWithinMs) };
      const { Item } = await client.send(new GetCommand({ TableName, Key: key }), options);
      return Item && JSON.parse(String(Item.state));
    },
    async write(pressure) {
      const ttl = BigInt(Math.ceil((clock.nowMs() + dayMs) / 1_000));
      const Item = { ...key, state: JSON.stringify(pressure), ttl };
      await client.send(new PutCommand({ TableName, Item }));
    },
  };
}
