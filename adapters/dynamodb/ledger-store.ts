import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import type { CreatorId } from "../../core/contracts/ids.ts";
import type { AccountTotals, LedgerEntry } from "../../core/ledger/entry.ts";
import type { Booking, Correction, LedgerStore } from "../../core/ledger/ledger-store.ts";
import type { StatementSource } from "../../core/ledger/read-statement.ts";
import type { EntrySource } from "../../core/statements/render-statement.ts";
import { creatorKey } from "./counter-items.ts";
import { getItem, type Item, itemsUnder, queryItems } from "./items.ts";
import {
  entryActions,
  entryFromItem,
  entrySortKey,
  paddedSequence,
  readAccount,
} from "./ledger-items.ts";
import { type Action, cancellationOf, putNew } from "./write-transaction.ts";

const requestKey = (creatorId: CreatorId, requestId: string) => ({
  pk: creatorKey(creatorId),
  sk: `request#${requestId}`,
});

/** Sorted by what was corrected, then by what corrected it. */
const correctionPrefix = (sequence: number) => `correction#${paddedSequence(sequence)}#`;

/** Which request booked an entry: there is one, whatever is retried. */
export function requestAction(
  ledgerTable: string,
  { creatorId, sequence }: LedgerEntry,
  requestId: string,
): Action {
  const item = { ...requestKey(creatorId, requestId), sequence: BigInt(sequence) };
  return putNew(ledgerTable, item);
}

/** What an entry corrects, so that the corrected one can say so. */
export function correctionAction(
  ledgerTable: string,
  { creatorId, sequence }: LedgerEntry,
  corrects: NonNullable<Booking["corrects"]>,
): Action {
  const sk = `${correctionPrefix(corrects.sequence)}${paddedSequence(sequence)}`;
  const item: Item = { sequence: BigInt(sequence), reverses: corrects.reverses };
  return { Put: { TableName: ledgerTable, Item: { pk: creatorKey(creatorId), sk, ...item } } };
}

/** All of it, or nothing because something else came first. */
export async function commitBooking(
  client: DynamoDBDocumentClient,
  actions: readonly Action[],
): Promise<"booked" | "raced"> {
  return (await cancellationOf(client, actions)) === undefined ? "booked" : "raced";
}

export async function sequenceOfRequest(
  client: DynamoDBDocumentClient,
  ledgerTable: string,
  creatorId: CreatorId,
  requestId: string,
): Promise<number | undefined> {
  const item = await getItem(client, ledgerTable, requestKey(creatorId, requestId));
  return item === undefined ? undefined : Number(item.sequence);
}

/** Entries by number, and entries that are booked by hand. */
export function dynamoDbLedgerStore(
  client: DynamoDBDocumentClient,
  ledgerTable: string,
): LedgerStore {
  return {
    readAccount: (creatorId) => readAccount(client, ledgerTable, creatorId),
    async entry(creatorId, sequence) {
      const key = { pk: creatorKey(creatorId), sk: entrySortKey(sequence) };
      const item = await getItem(client, ledgerTable, key);
      return item && entryFromItem(item);
    },
    entryOfRequest: (creatorId, requestId) =>
      sequenceOfRequest(client, ledgerTable, creatorId, requestId),
    async correctionsOf(creatorId, sequence) {
      const corrections: Correction[] = [];
      const prefix = correctionPrefix(sequence);
      const items = itemsUnder(client, ledgerTable, creatorKey(creatorId), prefix);
      for await (const item of items) {
        corrections.push({ sequence: Number(item.sequence), reverses: item.reverses === true });
      }
      return corrections;
    },
    book: (entry, { requestId, corrects }) =>
      commitBooking(client, [
        ...entryActions(ledgerTable, entry),
        requestAction(ledgerTable, entry, requestId),
        ...(corrects === undefined ? [] : [correctionAction(ledgerTable, entry, corrects)]),
      ]),
  };
}

/** Reads of an entry no more than a statement needs; its lines may be long. */
export function dynamoDbStatements(
  client: DynamoDBDocumentClient,
  ledgerTable: string,
): StatementSource & EntrySource {
  return {
    async *entriesBetween(creatorId, first, last) {
      const items = queryItems(client, {
        TableName: ledgerTable,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues: {
          ":pk": creatorKey(creatorId),
          ":first": entrySortKey(first),
          ":last": entrySortKey(last),
        },
        ConsistentRead: true,
      });
      for await (const item of items) yield entryFromItem(item);
    },
    readAccount: (creatorId) => readAccount(client, ledgerTable, creatorId),
    async entryAt(creatorId, sequence) {
      const { Item } = await client.send(
        new GetCommand({
          TableName: ledgerTable,
          Key: { pk: creatorKey(creatorId), sk: entrySortKey(sequence) },
          ConsistentRead: true,
          ProjectionExpression: "bookedAtMs, #totals",
          ExpressionAttributeNames: { "#totals": "totals" },
        }),
      );
      if (!Item) return undefined;
      const { bookedAtMs, totals } = Item;
      return { sequence, bookedAtMs: Number(bookedAtMs), totals: totals as AccountTotals };
    },
  };
}
