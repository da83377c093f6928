import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Counter, Lines } from "../../core/earnings/counter.ts";
import type { HoldTable } from "../../core/earnings/release-holds.ts";
import { addToCounter } from "./counter-additions.ts";
import { counterAttributes, counterKey, holdBucketOf } from "./counter-items.ts";
import { readCounters } from "./counters.ts";
import { waitingCounterIds } from "./due-counters.ts";
import { addToTally } from "./tally-items.ts";
import { type Action, cancellationOf } from "./write-transaction.ts";

/** `HoldTable`: freed lines and their tally in one `TransactWriteItems`, for each counter. */
export function dynamoDbHoldTable(
  client: DynamoDBDocumentClient,
  earningsCountersTable: string,
): HoldTable {
  return {
    holdsEndingOn: (epochMs) =>
      waitingCounterIds(client, earningsCountersTable, holdBucketOf(epochMs)),
    readCounters: (ids) => readCounters(client, earningsCountersTable, ids),
    async free(counter, lines, tallyShard, nowMs) {
      const events = [...lines.values()].reduce((sum, { count }) => sum + count, 0n);
      const codes = await cancellationOf(client, [
        freeLines(earningsCountersTable, counter, lines, nowMs),
        addToTally(earningsCountersTable, { shard: tallyShard, events }),
      ]);
      return codes === undefined ? "committed" : "raced";
    },
    async list(counter, freeFromMs) {
      const { names, values, condition } = unchanged(counter);
      const due = freeFromMs === undefined ? {} : { ":due": holdBucketOf(freeFromMs) };
      try {
        await client.send(
          new UpdateCommand({
            TableName: earningsCountersTable,
            Key: counterKey(counter.id),
            UpdateExpression: freeFromMs === undefined ? "REMOVE #due" : "SET #due = :due",
            ConditionExpression: condition,
            ExpressionAttributeNames: { ...names, "#due": counterAttributes.due },
            ExpressionAttributeValues: { ...values, ...due },
          }),
        );
        return "committed";
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return "raced";
        throw error;
      }
    },
  };
}

/** The counter's part of the transaction; it also remembers when its holds were freed. */
function freeLines(table: string, counter: Counter, lines: Lines, nowMs: number): Action {
  const { names, values, condition } = unchanged(counter);
  return addToCounter(table, { id: counter.id, lines }, nowMs, {
    sets: ["#freed = :freed"],
    conditions: [condition],
    names: { ...names, "#freed": counterAttributes.freedAt },
    values: { ...values, ":freed": BigInt(nowMs) },
  });
}

/** Neither added to nor drained since it was read. */
function unchanged({ events, drains }: Counter) {
  const names = {
    "#seenEvents": counterAttributes.events,
    "#seenDrains": counterAttributes.drains,
  };
  const never = drains === 0;
  return {
    names,
    values: { ":seenEvents": events, ...(never ? {} : { ":seenDrains": BigInt(drains) }) },
    condition: `#seenEvents = :seenEvents AND ${
      never ? "attribute_not_exists(#seenDrains)" : "#seenDrains = :seenDrains"
    }`,
  };
}
