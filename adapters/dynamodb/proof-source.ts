import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { ProofSource } from "../../core/ledger/prove-money.ts";
import { counterFromItem, creatorKey, creatorOfKey } from "./counter-items.ts";
import { countersOfCreator } from "./counters-of-creator.ts";
import { queryItems, scanItems } from "./items.ts";
import {
  accountFromItem,
  entryFromItem,
  entrySortKey,
  isEntryItem,
  readAccount,
} from "./ledger-items.ts";
import { readTally } from "./tally-items.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly earningsCountersTable: string;
  readonly ledgerTable: string;
}

/** Scans and queries, strongly consistent item by item. */
export function dynamoDbProofSource(deps: Deps): ProofSource {
  const { client, earningsCountersTable, ledgerTable } = deps;
  return {
    readTally: () => readTally(client, earningsCountersTable),
    async *allCounters() {
      const items = scanItems(client, {
        TableName: earningsCountersTable,
        ConsistentRead: true,
        FilterExpression: "begins_with(pk, :creator)",
        ExpressionAttributeValues: { ":creator": "creator#" },
      });
      for await (const item of items) yield counterFromItem(item);
    },
    async *ledger() {
      for await (const item of scanItems(client, {
        TableName: ledgerTable,
        ConsistentRead: true,
      })) {
        if (isEntryItem(item)) yield { entry: entryFromItem(item) };
        else yield { account: { ...accountFromItem(item), creatorId: creatorOfKey(item.pk) } };
      }
    },
    countersOf: (creatorId) => countersOfCreator(client, earningsCountersTable, creatorId),
    async *entriesOf(creatorId) {
      const items = queryItems(client, {
        TableName: ledgerTable,
        KeyConditionExpression: "pk = :pk AND sk >= :first",
        ExpressionAttributeValues: { ":pk": creatorKey(creatorId), ":first": entrySortKey(0) },
        ConsistentRead: true,
      });
      for await (const item of items) yield entryFromItem(item);
    },
    readAccount: (creatorId) => readAccount(client, ledgerTable, creatorId),
  };
}
