import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBDocumentClient,
  PutCommand,
  paginateQuery,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type { CreatorId } from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import { payoutLists, tables } from "../../core/contracts/storage.ts";
import { entryIdOf } from "../../core/ledger/entry.ts";
import type { PayoutList } from "../../core/payouts/list-payouts.ts";
import type { OpenPayout, Payout, PayoutResult, PayoutStore } from "../../core/payouts/payout.ts";
import type { PayoutRuns } from "../../core/payouts/run-payouts.ts";
import type { Micros } from "../../core/values/micros.ts";
import { creatorKey, creatorOfKey } from "./counter-items.ts";
import { getItem, type Item, queryItems } from "./items.ts";
import { entryActions, newestOf, paddedSequence, readAccount } from "./ledger-items.ts";
import {
  commitBooking,
  correctionAction,
  requestAction,
  sequenceOfRequest,
} from "./ledger-store.ts";
import { type Action, putNew } from "./write-transaction.ts";

/** Read with each query of the list: a page of the usual size, and of the largest in a few. */
const payoutsAtOnce = 50;

type Place = Pick<Payout, "creatorId" | "sequence">;

export const payoutPrefix = "payout#";
const payoutSortKey = (sequence: number) => `${payoutPrefix}${paddedSequence(sequence)}`;
const payoutKey = ({ creatorId, sequence }: Place) => ({
  pk: creatorKey(creatorId),
  sk: payoutSortKey(sequence),
});
const openKey = (place: Place) => ({ pk: payoutLists.open, sk: entryIdOf(place) });

/** Payouts lie under their creator, beside the entries that reserved them; open ones on a list. */
export function dynamoDbPayouts(client: DynamoDBDocumentClient, ledgerTable: string): PayoutStore {
  return {
    readAccount: (creatorId) => readAccount(client, ledgerTable, creatorId),
    entryOfRequest: (creatorId, requestId) =>
      sequenceOfRequest(client, ledgerTable, creatorId, requestId),
    async payout(creatorId, sequence) {
      const item = await getItem(client, ledgerTable, payoutKey({ creatorId, sequence }));
      return item && payoutFromItem(item);
    },
    async payouts(creatorId, limit, beforeSequence) {
      const page = { limit, beforeSequence };
      const items = await newestOf(client, ledgerTable, creatorId, payoutSortKey, page);
      return items.map(payoutFromItem);
    },
    reserve: (entry, payout) =>
      commitBooking(client, [
        ...entryActions(ledgerTable, entry),
        requestAction(ledgerTable, entry, payout.requestId),
        putNew(ledgerTable, { ...payoutKey(payout), ...payoutToItem(payout) }),
        putNew(ledgerTable, { ...openKey(payout), ...openToItem(payout) }),
      ]),
    conclude: (entry, payout) =>
      commitBooking(client, [
        ...entryActions(ledgerTable, entry),
        correctionAction(ledgerTable, entry, { sequence: payout.sequence, reverses: false }),
        setResult(ledgerTable, payout),
        { Delete: { TableName: ledgerTable, Key: openKey(payout) } },
      ]),
    async openPayout(place) {
      const item = await getItem(client, ledgerTable, openKey(place));
      return item && openFromItem(item);
    },
    async *openPayouts() {
      const items = queryItems(client, {
        TableName: ledgerTable,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": payoutLists.open },
        ConsistentRead: true,
      });
      for await (const item of items) yield openFromItem(item);
    },
    markAnnounced: (place, atMs) => markAnnounced(client, ledgerTable, place, atMs),
  };
}

async function markAnnounced(
  client: DynamoDBDocumentClient,
  ledgerTable: string,
  place: Place,
  atMs: number,
): Promise<void> {
  try {
    await client.send(
      new UpdateCommand({
        TableName: ledgerTable,
        Key: openKey(place),
        UpdateExpression: "SET announcedAtMs = :now",
        // Without it a payout with a result would be put back on the list.
        ConditionExpression: "attribute_exists(pk)",
        ExpressionAttributeValues: { ":now": BigInt(atMs) },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

function setResult(ledgerTable: string, payout: Payout): Action {
  return {
    Update: {
      TableName: ledgerTable,
      Key: payoutKey(payout),
      UpdateExpression: "SET #state = :state, #result = :result",
      ConditionExpression: "#state = :reserved",
      ExpressionAttributeNames: { "#state": "state", "#result": "result" },
      ExpressionAttributeValues: {
        ":state": payout.state,
        ":result": payout.result && resultToItem(payout.result),
        ":reserved": "reserved" satisfies Payout["state"],
      },
    },
  };
}

function payoutToItem({ creatorId: _, sequence, requestedAtMs, result, ...rest }: Payout): Item {
  return {
    ...rest,
    sequence: BigInt(sequence),
    requestedAtMs: BigInt(requestedAtMs),
    ...(result && { result: resultToItem(result) }),
  };
}

function resultToItem({ sequence, recordedAtMs, ...rest }: PayoutResult): Item {
  return { ...rest, sequence: BigInt(sequence), recordedAtMs: BigInt(recordedAtMs) };
}

export function isPayoutItem({ sk }: Item): boolean {
  return String(sk).startsWith(payoutPrefix);
}

export function payoutFromItem({ pk, sk: _, ...item }: Item): Payout {
  const { result, ...stored } = item as unknown as Omit<Payout, "creatorId">;
  return {
    ...stored,
    creatorId: creatorOfKey(pk),
    sequence: Number(stored.sequence),
    requestedAtMs: Number(stored.requestedAtMs),
    ...(result && {
      result: {
        ...result,
        sequence: Number(result.sequence),
        recordedAtMs: Number(result.recordedAtMs),
      },
    }),
  };
}

function openToItem(payout: Payout): Item {
  const { creatorId, sequence, currency, amountMicros, requestedAtMs } = payout;
  const numbers = { sequence: BigInt(sequence), requestedAtMs: BigInt(requestedAtMs) };
  return { creatorId, currency, amountMicros, ...numbers };
}

export function openFromItem(item: Item): OpenPayout {
  return {
    creatorId: item.creatorId as CreatorId,
    sequence: Number(item.sequence),
    currency: String(item.currency),
    amountMicros: item.amountMicros as Micros,
    requestedAtMs: Number(item.requestedAtMs),
    announced: item.announcedAtMs !== undefined,
  };
}

const { accountIndex, payoutIndex } = tables.ledger;

/** Payouts of all creators, by the index of their states; one creator's from under it. */
export function dynamoDbPayoutList(
  client: DynamoDBDocumentClient,
  ledgerTable: string,
): PayoutList {
  return {
    payouts: dynamoDbPayouts(client, ledgerTable).payouts,
    async *inState(state, { fromMs, toMs }) {
      const items = queryItems(client, {
        TableName: ledgerTable,
        IndexName: payoutIndex.name,
        KeyConditionExpression: "#state = :state AND #at BETWEEN :from AND :to",
        ExpressionAttributeNames: {
          "#state": payoutIndex.partitionKey,
          "#at": payoutIndex.sortKey,
        },
        ExpressionAttributeValues: {
          ":state": state,
          ":from": BigInt(fromMs),
          ":to": BigInt(toMs),
        },
        ScanIndexForward: false,
        Limit: payoutsAtOnce,
      });
      for await (const item of items) yield payoutFromItem(item);
    },
  };
}

export function dynamoDbPayoutRuns(
  client: DynamoDBDocumentClient,
  ledgerTable: string,
): PayoutRuns {
  const runKey = (run: string) => ({ pk: payoutLists.runs, sk: run });
  return {
    async isDone(run) {
      return (await getItem(client, ledgerTable, runKey(run))) !== undefined;
    },
    async markDone(run, atMs) {
      const item: Item = { ...runKey(run), doneAtMs: BigInt(atMs) };
      await client.send(new PutCommand({ TableName: ledgerTable, Item: item }));
    },
    async *accounts(bucket) {
      const pages = paginateQuery(
        { client, pageSize: 10 * limits.maxCreatorsPerSettlementEvent },
        {
          TableName: ledgerTable,
          IndexName: accountIndex.name,
          KeyConditionExpression: "#bucket = :bucket",
          ExpressionAttributeNames: { "#bucket": accountIndex.partitionKey },
          ExpressionAttributeValues: { ":bucket": BigInt(bucket) },
        },
      );
      for await (const { Items = [] } of pages) {
        if (Items.length > 0) yield Items.map(({ pk }) => creatorOfKey(pk));
      }
    },
  };
}
