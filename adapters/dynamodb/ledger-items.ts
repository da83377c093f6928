import { type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { CreatorId } from "../../core/contracts/ids.ts";
import { tables } from "../../core/contracts/storage.ts";
import {
  type AccountTotals,
  type EntryLine,
  emptyAccount,
  type LedgerAccount,
  type LedgerEntry,
} from "../../core/ledger/entry.ts";
import type { LedgerReader } from "../../core/ledger/read-ledger.ts";
import { accountBucketOf, creatorKey, creatorOfKey } from "./counter-items.ts";
import { getItem, type Item } from "./items.ts";
import { type Action, putNew } from "./write-transaction.ts";

export const accountSortKey = "account";

export function accountKey(creatorId: CreatorId) {
  return { pk: creatorKey(creatorId), sk: accountSortKey };
}

export const entryPrefix = "entry#";

/** Numbers are padded so that their order as text is their order in time. */
export function paddedSequence(sequence: number): string {
  return String(sequence).padStart(10, "0");
}
/** The largest that sorts right. */
export const maxSequence = 9_999_999_999;

export function entrySortKey(sequence: number): string {
  return `${entryPrefix}${paddedSequence(sequence)}`;
}

export function isEntryItem(item: Item): boolean {
  return String(item.sk).startsWith(entryPrefix);
}

/** Integers are `bigint` in a table; those that are small enough are `number` in `core`. */
function entryToItem(entry: LedgerEntry): Item {
  const { creatorId, sequence, bookedAtMs, lines, ...rest } = entry;
  return {
    pk: creatorKey(creatorId),
    sk: entrySortKey(sequence),
    ...rest,
    sequence: BigInt(sequence),
    bookedAtMs: BigInt(bookedAtMs),
    lines: lines.map(({ sharesVersion, correctsSequence, ...line }) => ({
      ...line,
      sharesVersion: BigInt(sharesVersion),
      ...(correctsSequence === undefined ? {} : { correctsSequence: BigInt(correctsSequence) }),
    })),
  };
}

type StoredLine = Omit<EntryLine, "sharesVersion" | "correctsSequence"> & {
  readonly sharesVersion: bigint;
  readonly correctsSequence?: bigint;
};

export function entryFromItem({ pk, sk: _sk, ...item }: Item): LedgerEntry {
  const stored = item as unknown as Omit<LedgerEntry, "creatorId" | "lines"> & {
    readonly lines: readonly StoredLine[];
  };
  return {
    ...stored,
    creatorId: creatorOfKey(pk),
    sequence: Number(stored.sequence),
    bookedAtMs: Number(stored.bookedAtMs),
    lines: stored.lines.map(({ sharesVersion, correctsSequence, ...line }) => ({
      ...line,
      sharesVersion: Number(sharesVersion),
      ...(correctsSequence === undefined ? {} : { correctsSequence: Number(correctsSequence) }),
    })),
  };
}

export function accountFromItem(item: Item | undefined): LedgerAccount {
  if (item === undefined) return emptyAccount;
  return {
    sequence: Number(item.sequence),
    bookedAtMs: Number(item.bookedAtMs),
    totals: item.totals as AccountTotals,
  };
}

/** The two parts of every transaction that books: the entry is new, and the account's next one. */
export function entryActions(ledgerTable: string, entry: LedgerEntry): Action[] {
  const first = entry.sequence === 1;
  return [
    putNew(ledgerTable, entryToItem(entry)),
    {
      Update: {
        TableName: ledgerTable,
        Key: accountKey(entry.creatorId),
        UpdateExpression:
          "SET #sequence = :next, bookedAtMs = :bookedAtMs, totals = :totals, " +
          "currency = :currency, #bucket = :bucket",
        ConditionExpression: first ? "attribute_not_exists(#sequence)" : "#sequence = :previous",
        ExpressionAttributeNames: {
          "#sequence": "sequence",
          "#bucket": tables.ledger.accountIndex.partitionKey,
        },
        ExpressionAttributeValues: {
          ":next": BigInt(entry.sequence),
          ":bookedAtMs": BigInt(entry.bookedAtMs),
          ":totals": entry.totals,
          ":currency": entry.currency,
          ":bucket": accountBucketOf(entry.creatorId),
          ...(first ? {} : { ":previous": BigInt(entry.sequence - 1) }),
        },
      },
    },
  ];
}

export async function readAccount(
  client: DynamoDBDocumentClient,
  ledgerTable: string,
  creatorId: CreatorId,
): Promise<LedgerAccount> {
  return accountFromItem(await getItem(client, ledgerTable, accountKey(creatorId)));
}

/**
 * A page of what lies under a creator by number, newest first; strongly consistent.
 * @param sortKeyOf of an item with a number.
 * @param beforeSequence only those below it; undefined: from the newest on.
 */
export async function newestOf(
  client: DynamoDBDocumentClient,
  ledgerTable: string,
  creatorId: CreatorId,
  sortKeyOf: (sequence: number) => string,
  { limit, beforeSequence }: { limit: number; beforeSequence: number | undefined },
): Promise<Item[]> {
  const last = beforeSequence === undefined ? maxSequence : beforeSequence - 1;
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: ledgerTable,
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
      ExpressionAttributeValues: {
        ":pk": creatorKey(creatorId),
        ":first": sortKeyOf(0),
        ":last": sortKeyOf(last),
      },
      ScanIndexForward: false,
      ConsistentRead: true,
      Limit: limit,
    }),
  );
  return Items;
}

/** Entries lie under their creator, sorted by number. */
export function dynamoDbLedger(client: DynamoDBDocumentClient, ledgerTable: string): LedgerReader {
  return {
    async entries(creatorId, limit, beforeSequence) {
      const page = { limit, beforeSequence };
      const items = await newestOf(client, ledgerTable, creatorId, entrySortKey, page);
      return items.map(entryFromItem);
    },
  };
}
