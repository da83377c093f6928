import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { EarningsReader } from "../../core/earnings/read-earnings.ts";
import { countersOfCreator } from "./counters-of-creator.ts";
import { dueCounters } from "./due-counters.ts";
import { readAccount } from "./ledger-items.ts";

/** @param tables a function that only reads counters may leave the ledger's out. */
export function dynamoDbEarnings(
  client: DynamoDBDocumentClient,
  {
    earningsCountersTable,
    ledgerTable = "",
  }: { earningsCountersTable: string; ledgerTable?: string },
): EarningsReader {
  return {
    readAccount: (creatorId) => readAccount(client, ledgerTable, creatorId),
    dueCounters: (creatorId) => dueCounters(client, earningsCountersTable, creatorId),
    counters: (creatorId, afterArticleId) =>
      countersOfCreator(client, earningsCountersTable, creatorId, afterArticleId),
  };
}
