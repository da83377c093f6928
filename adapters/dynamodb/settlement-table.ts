import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type { CounterId } from "../../core/earnings/counter.ts";
import type { Drain, SettlementTable } from "../../core/earnings/settlement-table.ts";
import { creditOf, type LedgerEntry } from "../../core/ledger/entry.ts";
import {
  counterAttributes,
  counterFromItem,
  counterKey,
  settledAttribute,
} from "./counter-items.ts";
import { creatorsDue, dueCounterIds } from "./due-counters.ts";
import { getItems } from "./items.ts";
import { accountKey, entryToItem, readAccount } from "./ledger-items.ts";

type Action = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly earningsCountersTable: string;
  readonly ledgerTable: string;
}

/** `SettlementTable` as one `TransactWriteItems` an entry: entry, account, drained counters. */
export function dynamoDbSettlementTable(deps: Deps): SettlementTable {
  const { client, earningsCountersTable, ledgerTable } = deps;
  const readCounters = async (ids: readonly CounterId[]) => {
    const items = await getItems(client, earningsCountersTable, ids.map(counterKey));
    return items.map(counterFromItem);
  };
  return {
    creatorsDue: (bucket) => creatorsDue(client, earningsCountersTable, bucket),
    async *dueCounters(creatorId) {
      for await (const ids of dueCounterIds(client, earningsCountersTable, creatorId)) {
        yield await readCounters(ids);
      }
    },
    readCounters,
    readAccount: (creatorId) => readAccount(client, ledgerTable, creatorId),
    async commit(entry, drains) {
      const actions = [
        putEntry(ledgerTable, entry),
        moveAccount(ledgerTable, entry),
        ...drains.map((drain) => markSettled(earningsCountersTable, drain)),
      ];
      try {
        await client.send(new TransactWriteCommand({ TransactItems: actions }));
        return "committed";
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code);
        if (codes.includes("ValidationError")) throw error;
        return "raced";
      }
    },
    async clearDue(counter, engagementsSeen) {
      try {
        await client.send(
          new UpdateCommand({
            TableName: earningsCountersTable,
            Key: counterKey(counter),
            UpdateExpression: "REMOVE #due, #since",
            ConditionExpression: "#events = :seen",
            ExpressionAttributeNames: {
              "#due": counterAttributes.due,
              "#since": counterAttributes.dueSince,
              "#events": counterAttributes.events,
            },
            ExpressionAttributeValues: { ":seen": engagementsSeen },
          }),
        );
      } catch (error) {
        // Added to meanwhile: it rightly stays on the list.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}

function putEntry(tableName: string, entry: LedgerEntry): Action {
  return {
    Put: {
      TableName: tableName,
      Item: entryToItem(entry),
      ConditionExpression: "attribute_not_exists(pk)",
    },
  };
}

function moveAccount(tableName: string, entry: LedgerEntry): Action {
  const first = entry.sequence === 1;
  return {
    Update: {
      TableName: tableName,
      Key: accountKey(entry.creatorId),
      UpdateExpression: "SET #sequence = :next, currency = :currency ADD settledMicros :credit",
      ConditionExpression: first ? "attribute_not_exists(#sequence)" : "#sequence = :previous",
      ExpressionAttributeNames: { "#sequence": "sequence" },
      ExpressionAttributeValues: {
        ":next": BigInt(entry.sequence),
        ":currency": entry.currency,
        ":credit": creditOf(entry),
        ...(first ? {} : { ":previous": BigInt(entry.sequence - 1) }),
      },
    },
  };
}

function markSettled(tableName: string, { counter, clearDue }: Drain): Action {
  const { settled, drains, events, due, dueSince } = counterAttributes;
  const condition = counter.drains === 0 ? "attribute_not_exists(#drains)" : "#drains = :drains";
  return {
    Update: {
      TableName: tableName,
      Key: counterKey(counter.id),
      UpdateExpression: `SET #settled = :settled, #drains = :next${clearDue ? " REMOVE #due, #since" : ""}`,
      ConditionExpression: clearDue ? `${condition} AND #events = :events` : condition,
      ExpressionAttributeNames: {
        "#settled": settled,
        "#drains": drains,
        ...(clearDue ? { "#events": events, "#due": due, "#since": dueSince } : {}),
      },
      ExpressionAttributeValues: {
        ":settled": settledAttribute(counter),
        ":next": BigInt(counter.drains + 1),
        ...(counter.drains === 0 ? {} : { ":drains": BigInt(counter.drains) }),
        ...(clearDue ? { ":events": counter.engagements } : {}),
      },
    },
  };
}
