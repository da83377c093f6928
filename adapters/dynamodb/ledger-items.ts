import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { CreatorId } from "../../core/contracts/ids.ts";
import type { LedgerAccount, LedgerEntry } from "../../core/ledger/entry.ts";
import type { LedgerReader } from "../../core/ledger/read-ledger.ts";
import { type Micros, micros } from "../../core/values/micros.ts";
import { creatorKey, creatorOfKey } from "./counter-items.ts";
import type { Item } from "./items.ts";

export const accountSortKey = "account";

export function accountKey(creatorId: CreatorId) {
  return { pk: creatorKey(creatorId), sk: accountSortKey };
}

const entryPrefix = "entry#";

/** Numbers are padded so that their order as text is their order in time. */
export function entrySortKey(sequence: number): string {
  return `${entryPrefix}${String(sequence).padStart(10, "0")}`;
}

export function isEntryItem(item: Item): boolean {
  return String(item.sk).startsWith(entryPrefix);
}

export function entryToItem(entry: LedgerEntry): Item {
  const { creatorId, sequence, bookedAtMs, lines, ...rest } = entry;
  return {
    pk: creatorKey(creatorId),
    sk: entrySortKey(sequence),
    ...rest,
    sequence: BigInt(sequence),
    bookedAtMs: BigInt(bookedAtMs),
    lines: lines.map((line) => ({ ...line, rateCardVersion: BigInt(line.rateCardVersion) })),
  };
}

export function entryFromItem({ pk, sk: _sk, ...item }: Item): LedgerEntry {
  const stored = item as unknown as Omit<LedgerEntry, "creatorId">;
  return {
    ...stored,
    creatorId: creatorOfKey(pk),
    sequence: Number(stored.sequence),
    bookedAtMs: Number(stored.bookedAtMs),
    lines: stored.lines.map((line) => ({ ...line, rateCardVersion: Number(line.rateCardVersion) })),
  };
}

export function accountFromItem(item: Item | undefined): LedgerAccount {
  return {
    sequence: Number(item?.sequence ?? 0),
    settledMicros: (item?.settledMicros as Micros | undefined) ?? micros(0),
  };
}

export async function readAccount(
  client: DynamoDBDocumentClient,
  ledgerTable: string,
  creatorId: CreatorId,
): Promise<LedgerAccount> {
  const { Item } = await client.send(
    new GetCommand({
      TableName: ledgerTable,
      Key: accountKey(creatorId),
      ConsistentRead: true,
    }),
  );
  return accountFromItem(Item);
}

/** Entries lie under their creator, sorted by number. */
export function dynamoDbLedger(client: DynamoDBDocumentClient, ledgerTable: string): LedgerReader {
  return {
    async entries(creatorId, limit, beforeSequence) {
      const below = beforeSequence === undefined ? Number.MAX_SAFE_INTEGER : beforeSequence - 1;
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: ledgerTable,
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
          ExpressionAttributeValues: {
            ":pk": creatorKey(creatorId),
            ":first": entrySortKey(0),
            ":last": entrySortKey(Math.min(below, 9_999_999_999)),
          },
          ScanIndexForward: false,
          ConsistentRead: true,
          Limit: limit,
        }),
      );
      return Items.map(entryFromItem);
    },
  };
}
