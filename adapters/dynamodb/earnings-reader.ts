import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, TransactGetCommand } from "@aws-sdk/lib-dynamodb";
import type { CreatorId } from "../../core/contracts/ids.ts";
import type { CounterId } from "../../core/earnings/counter.ts";
import type { BalanceReader } from "../../core/earnings/read-balance.ts";
import type { CountersReader } from "../../core/earnings/read-earnings.ts";
import { counterFromItem, counterKey } from "./counter-items.ts";
import { countersOfCreator } from "./counters.ts";
import { dueCounterIds } from "./due-counters.ts";
import { accountFromItem, accountKey } from "./ledger-items.ts";

interface Tables {
  readonly earningsCountersTable: string;
  /** Not needed by one who only reads counters. */
  readonly ledgerTable?: string;
}

/** @param tables a function that only reads counters may leave the ledger's out. */
export function dynamoDbEarnings(
  client: DynamoDBDocumentClient,
  tables: Tables,
): BalanceReader & CountersReader {
  const { earningsCountersTable } = tables;
  return {
    dueCounterIds: (creatorId) => dueCounterIds(client, earningsCountersTable, creatorId),
    snapshot: (creatorId, ids) => snapshot(client, tables, creatorId, ids),
    counters: (creatorId, afterArticleId) =>
      countersOfCreator(client, earningsCountersTable, creatorId, afterArticleId),
  };
}

/** A batch of reads would show a transaction half-applied; a read transaction does not. */
async function snapshot(
  client: DynamoDBDocumentClient,
  { earningsCountersTable, ledgerTable = "" }: Tables,
  creatorId: CreatorId,
  ids: readonly CounterId[],
) {
  const keys = [
    { TableName: ledgerTable, Key: accountKey(creatorId) },
    ...ids.map((id) => ({ TableName: earningsCountersTable, Key: counterKey(id) })),
  ];
  try {
    const command = new TransactGetCommand({ TransactItems: keys.map((Get) => ({ Get })) });
    const [account, ...counters] = (await client.send(command)).Responses ?? [];
    return {
      account: accountFromItem(account?.Item),
      counters: counters.flatMap(({ Item }) => (Item ? [counterFromItem(Item)] : [])),
    };
  } catch (error) {
    if (error instanceof TransactionCanceledException) return "contended" as const;
    throw error;
  }
}
