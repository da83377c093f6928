import {
  BatchWriteCommand,
  type BatchWriteCommandInput,
  type DynamoDBDocumentClient,
  QueryCommand,
} from "@aws-sdk/lib-dynamodb";
import type { TraceStep, TraceTable } from "../../core/tracing/trace-step.ts";
import { atOnce } from "../../core/values/at-once.ts";
import { chunk } from "../../core/values/group-by.ts";
import { dayMs } from "../../core/values/time.ts";
import { seconds } from "./impression-items.ts";
import type { Item } from "./items.ts";

/** What BatchWriteItem takes. */
const maxBatch = 25;
const batchesAtOnce = 4;

const partitionOf = (traceId: string) => `trace#${traceId}`;

function itemOf(step: TraceStep, ttlDays: number): Item {
  const { traceId, spanId, atMs } = step;
  return {
    pk: partitionOf(traceId),
    sk: `${new Date(atMs).toISOString()}#${spanId}`,
    ...step,
    ttl: seconds(atMs + ttlDays * dayMs),
  };
}

function stepFromItem({ pk: _pk, sk: _sk, ttl: _ttl, ...item }: Item): TraceStep {
  return plain(item) as unknown as TraceStep;
}

/** Every number of a step is a small one. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

/**
 * Writes steps until the time is over; what is not written then is lost, and so is what the table
 * would not take at once: a trace is never worth waiting for.
 * @returns how many were not written.
 * @throws when the table cannot be reached.
 */
export async function writeTraceSteps(
  client: DynamoDBDocumentClient,
  tracesTable: string,
  steps: readonly TraceStep[],
  { ttlDays, withinMs }: { readonly ttlDays: number; readonly withinMs: number },
): Promise<number> {
  const abortSignal = AbortSignal.timeout(withinMs);
  let left = steps.length;
  await atOnce(chunk(steps, maxBatch), batchesAtOnce, async (batch) => {
    if (abortSignal.aborted) return;
    const requests = batch.map((step) => ({ PutRequest: { Item: itemOf(step, ttlDays) } }));
    const RequestItems: BatchWriteCommandInput["RequestItems"] = { [tracesTable]: requests };
    const { UnprocessedItems } = await client.send(new BatchWriteCommand({ RequestItems }), {
      abortSignal,
    });
    left -= batch.length - (UnprocessedItems?.[tracesTable]?.length ?? 0);
  });
  return left;
}

export function dynamoDbTraces(client: DynamoDBDocumentClient, tracesTable: string): TraceTable {
  return {
    async read(traceId, limit) {
      const steps: TraceStep[] = [];
      let from: Item | undefined;
      do {
        const { Items = [], LastEvaluatedKey } = await client.send(
          new QueryCommand({
            TableName: tracesTable,
            KeyConditionExpression: "pk = :pk",
            ExpressionAttributeValues: { ":pk": partitionOf(traceId) },
            Limit: limit - steps.length,
            ExclusiveStartKey: from,
          }),
        );
        steps.push(...Items.map(stepFromItem));
        from = LastEvaluatedKey;
      } while (from && steps.length < limit);
      return steps;
    },
  };
}
