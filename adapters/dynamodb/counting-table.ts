import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, TransactWriteCommand } from "@aws-sdk/lib-dynamodb";
import type {
  CommitOutcome,
  CountingTable,
  CountingTransaction,
  PlacedDecision,
  ReaderPoolUse,
} from "../../core/earnings/counting-table.ts";
import type { Clock } from "../../core/values/time.ts";
import { addToCounter } from "./counter-additions.ts";
import { impressionItem, poolUseKey, seconds } from "./impression-items.ts";
import { addToTally } from "./tally-items.ts";
import type { Action } from "./write-transaction.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly impressionKeysTable: string;
  readonly earningsCountersTable: string;
  readonly clock: Clock;
}

/** `CountingTable` as one `TransactWriteItems`: conditional puts, then ADDs. */
export function dynamoDbCountingTable(deps: Deps): CountingTable {
  return {
    async commit(transaction) {
      const nowMs = deps.clock.nowMs();
      const actions: Action[] = [
        ...transaction.decisions.map((decision) => putKey(deps, decision, nowMs)),
        ...transaction.additions.map((addition) =>
          addToCounter(deps.earningsCountersTable, addition, nowMs),
        ),
        ...transaction.poolUses.map((use) => addPoolUse(deps, use)),
        addToTally(deps.earningsCountersTable, transaction.tally),
      ];
      try {
        await deps.client.send(new TransactWriteCommand({ TransactItems: actions }));
        return { outcome: "committed" };
      } catch (error) {
        if (error instanceof TransactionCanceledException) return cancelled(error, transaction);
        if (error instanceof Error && error.name === "ValidationException") {
          return { outcome: "impossible", reason: error.message };
        }
        throw error;
      }
    },
  };
}

function putKey({ impressionKeysTable }: Deps, decision: PlacedDecision, nowMs: number): Action {
  return {
    Put: {
      TableName: impressionKeysTable,
      Item: impressionItem(decision, nowMs),
      // DynamoDB deletes expired items days late; until then they must not count as present.
      ConditionExpression: "attribute_not_exists(pk) OR #ttl < :now",
      ExpressionAttributeNames: { "#ttl": "ttl" },
      ExpressionAttributeValues: { ":now": seconds(nowMs) },
    },
  };
}

function addPoolUse({ impressionKeysTable }: Deps, use: ReaderPoolUse): Action {
  return {
    Update: {
      TableName: impressionKeysTable,
      Key: poolUseKey(use.readerDay, use.group),
      UpdateExpression: "SET #ttl = :ttl ADD #weight :weight",
      ConditionExpression: "attribute_not_exists(#weight) OR #weight <= :room",
      ExpressionAttributeNames: { "#ttl": "ttl", "#weight": "weight" },
      ExpressionAttributeValues: {
        ":ttl": seconds(use.expiresAtMs),
        ":weight": use.weight,
        ":room": use.cap - use.weight,
      },
    },
  };
}

/** Reasons come in the order of the actions. */
function cancelled(
  error: TransactionCanceledException,
  { decisions, additions, poolUses }: CountingTransaction,
): CommitOutcome {
  const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code ?? "None");
  if (codes.includes("ValidationError")) return { outcome: "impossible", reason: error.message };
  const refused = (from: number, length: number) =>
    codes
      .slice(from, from + length)
      .flatMap((code, index) => (code === "ConditionalCheckFailed" ? [index] : []));
  return {
    outcome: "cancelled",
    duplicates: refused(0, decisions.length),
    overCap: refused(decisions.length + additions.length, poolUses.length),
    contended: codes.some((code) => code !== "None" && code !== "ConditionalCheckFailed"),
  };
}
