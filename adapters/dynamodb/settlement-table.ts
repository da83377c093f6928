import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import {
  afterDrain,
  type Counter,
  type CounterId,
  pendingLines,
} from "../../core/earnings/counter.ts";
import { linesToFree } from "../../core/earnings/release-holds.ts";
import type { Drain, SettlementTable } from "../../core/earnings/settlement-table.ts";
import type { LedgerEntry } from "../../core/ledger/entry.ts";
import { counterAttributes, counterKey, holdBucketOf, settledAttribute } from "./counter-items.ts";
import { readCounters } from "./counters.ts";
import { creatorsDue, dueCounterIds } from "./due-counters.ts";
import { entryActions, readAccount } from "./ledger-items.ts";
import { type Action, cancellationOf } from "./write-transaction.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly earningsCountersTable: string;
  readonly ledgerTable: string;
  /** How long money that was held waits. */
  readonly holdMs: number;
}

/** `SettlementTable` as one `TransactWriteItems` an entry: entry, account, drained counters. */
export function dynamoDbSettlementTable(deps: Deps): SettlementTable {
  const { client, earningsCountersTable, ledgerTable } = deps;
  const read = (ids: readonly CounterId[]) => readCounters(client, earningsCountersTable, ids);
  return {
    creatorsDue: (bucket) => creatorsDue(client, earningsCountersTable, bucket),
    async *dueCounters(creatorId) {
      for await (const ids of dueCounterIds(client, earningsCountersTable, creatorId)) {
        yield await read(ids);
      }
    },
    readCounters: read,
    readAccount: (creatorId) => readAccount(client, ledgerTable, creatorId),
    async commit(entry, drains) {
      const codes = await cancellationOf(client, [
        ...entryActions(ledgerTable, entry),
        ...drains.map((drain) => markSettled(deps, drain, entry)),
      ]);
      return codes === undefined ? "committed" : "raced";
    },
    async clearDue(counter) {
      const { update, names, values } = offTheDueList(counter, deps.holdMs);
      try {
        await client.send(
          new UpdateCommand({
            TableName: earningsCountersTable,
            Key: counterKey(counter.id),
            UpdateExpression: update,
            ConditionExpression: "#events = :seen",
            ExpressionAttributeNames: { ...names, "#events": counterAttributes.events },
            ExpressionAttributeValues: { ...values, ":seen": counter.events },
          }),
        );
      } catch (error) {
        // Added to meanwhile: it rightly stays on the list.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}

/** Off the list of those with something to settle, and on that of the holds if something is held. */
function offTheDueList(counter: Counter, holdMs: number) {
  const { due, dueSince } = counterAttributes;
  const names = { "#due": due, "#since": dueSince };
  const { heldAtMs } = counter;
  // One that is worth nothing is freed all the same: its creator is shown that it is held.
  if (heldAtMs === undefined || linesToFree(counter).size === 0) {
    return { update: "REMOVE #due, #since", names, values: {} };
  }
  const values = { ":due": holdBucketOf(heldAtMs + holdMs) };
  return { update: "SET #due = :due REMOVE #since", names, values };
}

function markSettled(
  { earningsCountersTable, holdMs }: Deps,
  { counter, lines, clearDue }: Drain,
  entry: LedgerEntry,
): Action {
  const { settled, drains, events } = counterAttributes;
  const condition = counter.drains === 0 ? "attribute_not_exists(#drains)" : "#drains = :drains";
  const after = afterDrain(counter, lines, entry.sequence);
  const also = clearDue ? offTheDueList(counter, holdMs) : stillDue(after, entry.bookedAtMs);
  const marks = "SET #settled = :settled, #drains = :next";
  return {
    Update: {
      TableName: earningsCountersTable,
      Key: counterKey(counter.id),
      UpdateExpression: also ? joinUpdates(marks, also.update) : marks,
      ConditionExpression: clearDue ? `${condition} AND #events = :events` : condition,
      ExpressionAttributeNames: {
        "#settled": settled,
        "#drains": drains,
        ...(clearDue ? { "#events": events } : {}),
        ...also?.names,
      },
      ExpressionAttributeValues: {
        ":settled": settledAttribute(after.settled),
        ":next": BigInt(after.drains),
        ...(counter.drains === 0 ? {} : { ":drains": BigInt(counter.drains) }),
        ...(clearDue ? { ":events": counter.events } : {}),
        ...also?.values,
      },
    },
  };
}

/**
 * A counter that is too busy to leave the list has nothing older to settle than what came since it was
 * read: it is due from then on.
 */
function stillDue(after: Counter, nowMs: number) {
  if (after.dueSinceMs === undefined || pendingLines(after).size > 0) return undefined;
  const names = { "#since": counterAttributes.dueSince };
  return { update: "SET #since = :now", names, values: { ":now": BigInt(nowMs) } };
}

/** An expression may say SET only once. */
function joinUpdates(sets: string, more: string): string {
  return more.startsWith("SET ") ? `${sets}, ${more.slice(4)}` : `${sets} ${more}`;
}
