import { type DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { raisedLevels } from "../../core/contracts/queued-work.ts";
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

const levelShape = z.enum(raisedLevels);
/** Another version may write something else, before or after a deploy: it is not to be read by halves. */
const pressureShape = z.object({
  queues: z.record(
    z.string(),
    z.object({
      ...{ level: levelShape, waiting: z.number(), oldestSeconds: z.number().optional() },
      ...{ sinceMs: z.partialRecord(levelShape, z.number()), seenAtMs: z.number() },
    }),
  ),
  retryAfterSeconds: z.number(),
});

const key = { pk: pressureItem, sk: pressureItem };

/** One item of the pacing table, as JSON: eventually consistent, so that a read is half a unit. */
export function dynamoDbPressure(deps: Deps): PressureStore {
  const { client, pacingTable: TableName, clock, readWithinMs } = deps;
  return {
    async read() {
      const options =
        readWithinMs === undefined ? {} : { abortSignal: AbortSignal.timeout(readWithinMs) };
      const { Item } = await client.send(new GetCommand({ TableName, Key: key }), options);
      return Item && pressureShape.parse(JSON.parse(String(Item.state)));
    },
    async write(pressure) {
      const ttl = BigInt(Math.ceil((clock.nowMs() + dayMs) / 1_000));
      const Item = { ...key, state: JSON.stringify(pressure), ttl };
      await client.send(new PutCommand({ TableName, Item }));
    },
  };
}
