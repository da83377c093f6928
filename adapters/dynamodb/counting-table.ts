import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from "@aws-sdk/lib-dynamodb";
import type {
  CommitOutcome,
  CounterAddition,
  CountingTable,
  CountingTransaction,
  TallyAddition,
} from "../../core/earnings/count-in-transactions.ts";
import type { Decision } from "../../core/earnings/count-once.ts";
import type { Clock } from "../../core/values/time.ts";
import {
  countAttribute,
  counterAttributes,
  counterKey,
  dueBucketOf,
  microsAttribute,
} from "./counter-items.ts";
import { tallyKey } from "./tally-items.ts";

type Action = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];

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
        ...transaction.additions.map((addition) => addToCounter(deps, addition, nowMs)),
        addToTally(deps, transaction.tally),
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

function putKey({ impressionKeysTable }: Deps, decision: Decision, nowMs: number): Action {
  const ttl = BigInt(Math.floor(decision.expiresAtMs / 1_000));
  const what =
    decision.outcome === "paid"
      ? { creatorId: decision.counter.creatorId, line: decision.line }
      : { rejected: decision.reason, articleId: decision.engagement.articleId };
  return {
    Put: {
      TableName: impressionKeysTable,
      Item: { pk: decision.key, ttl, ...what },
      // DynamoDB deletes expired items days late; until then they must not count as present.
      ConditionExpression: "attribute_not_exists(pk) OR #ttl < :now",
      ExpressionAttributeNames: { "#ttl": "ttl" },
      ExpressionAttributeValues: { ":now": BigInt(Math.floor(nowMs / 1_000)) },
    },
  };
}

function addToCounter(deps: Deps, { id, lines }: CounterAddition, nowMs: number): Action {
  const names: Record<string, string> = {
    "#due": counterAttributes.due,
    "#since": counterAttributes.dueSince,
    "#events": counterAttributes.events,
  };
  const values: Record<string, unknown> = {
    ":due": dueBucketOf(id.creatorId),
    ":now": BigInt(nowMs),
  };
  const additions: string[] = [];
  let events = 0n;
  [...lines].forEach(([line, { count, micros }], index) => {
    names[`#n${index}`] = countAttribute(line);
    names[`#m${index}`] = microsAttribute(line);
    values[`:n${index}`] = count;
    values[`:m${index}`] = micros;
    additions.push(`#n${index} :n${index}`, `#m${index} :m${index}`);
    events += count;
  });
  values[":events"] = events;
  return {
    Update: {
      TableName: deps.earningsCountersTable,
      Key: counterKey(id),
      UpdateExpression:
        "SET #due = :due, #since = if_not_exists(#since, :now) " +
        `ADD #events :events, ${additions.join(", ")}`,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
    },
  };
}

function addToTally(deps: Deps, { shard, engagements, micros, rejected }: TallyAddition): Action {
  return {
    Update: {
      TableName: deps.earningsCountersTable,
      Key: tallyKey(shard),
      UpdateExpression: "ADD #events :events, #micros :micros, #rejected :rejected",
      ExpressionAttributeNames: { "#events": "ev", "#micros": "m", "#rejected": "rej" },
      ExpressionAttributeValues: {
        ":events": BigInt(engagements),
        ":micros": micros,
        ":rejected": BigInt(rejected),
      },
    },
  };
}

/** Reasons come in the order of the actions; the first ones are those of the impression keys. */
function cancelled(
  error: TransactionCanceledException,
  { decisions }: CountingTransaction,
): CommitOutcome {
  const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code ?? "None");
  if (codes.includes("ValidationError")) return { outcome: "impossible", reason: error.message };
  const duplicates = codes.flatMap((code, index) =>
    code === "ConditionalCheckFailed" && index < decisions.length ? [index] : [],
  );
  const contended = codes.some((code) => code !== "None" && code !== "ConditionalCheckFailed");
  return { outcome: "cancelled", duplicates, contended };
}
