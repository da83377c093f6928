import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { payoutLists } from "../../core/contracts/storage.ts";
import { escapedCreator } from "../../core/ledger/entry.ts";
import type { ProofSource } from "../../core/ledger/prove-money.ts";
import { creatorKey, creatorOfKey } from "./counter-items.ts";
import { allCounters, countersOfCreator } from "./counters.ts";
import { itemsUnder, scanItems } from "./items.ts";
import {
  accountFromItem,
  accountSortKey,
  entryFromItem,
  entryPrefix,
  isEntryItem,
  readAccount,
} from "./ledger-items.ts";
import { isPayoutItem, openFromItem, payoutFromItem, payoutPrefix } from "./payout-store.ts";
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
    allCounters: () => allCounters(client, earningsCountersTable),
    async *ledger() {
      for await (const item of scanItems(client, {
        TableName: ledgerTable,
        ConsistentRead: true,
      })) {
        if (isEntryItem(item)) yield { entry: entryFromItem(item) };
        else if (isPayoutItem(item)) yield { payout: payoutFromItem(item) };
        else if (item.pk === payoutLists.open) yield { openPayout: openFromItem(item) };
        else if (item.sk === accountSortKey) {
          yield { account: { ...accountFromItem(item), creatorId: creatorOfKey(item.pk) } };
        }
      }
    },
    countersOf: (creatorId) => countersOfCreator(client, earningsCountersTable, creatorId),
    async *entriesOf(creatorId) {
      const items = itemsUnder(client, ledgerTable, creatorKey(creatorId), entryPrefix);
      for await (const item of items) yield entryFromItem(item);
    },
    async *payoutsOf(creatorId) {
      const items = itemsUnder(client, ledgerTable, creatorKey(creatorId), payoutPrefix);
      for await (const item of items) yield payoutFromItem(item);
    },
    async *openPayoutsOf(creatorId) {
      const prefix = `${escapedCreator(creatorId)}.`;
      const items = itemsUnder(client, ledgerTable, payoutLists.open, prefix);
      // An id may begin with another one and a dot.
      for await (const item of items) if (item.creatorId === creatorId) yield openFromItem(item);
    },
    readAccount: (creatorId) => readAccount(client, ledgerTable, creatorId),
  };
}
