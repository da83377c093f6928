import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { LineTotal } from "../../core/earnings/counter.ts";
import { type LineKey, parseLineKey } from "../../core/earnings/line.ts";
import type {
  DecidedIn,
  GuardedAddition,
  KeyChange,
  ReviewTable,
  ReviewTransaction,
} from "../../core/reviews/review-table.ts";
import { addToCounter } from "./counter-additions.ts";
import { counterAttributes } from "./counter-items.ts";
import { readCounters } from "./counters.ts";
import { impressionKeyItem } from "./impression-items.ts";
import { getItems, type Item } from "./items.ts";
import { readerPage, scanPage, storedKeys } from "./review-pages.ts";
import { addToCreatorChange, addToSegment } from "./review-progress.ts";
import { addToTally } from "./tally-items.ts";
import { type Action, cancellationOf } from "./write-transaction.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly impressionKeysTable: string;
  readonly earningsCountersTable: string;
  readonly registryTable: string;
  readonly publisherId: string;
}

export function dynamoDbReviewTable(deps: Deps): ReviewTable {
  const { client, impressionKeysTable, earningsCountersTable } = deps;
  return {
    page: (review, segment, cursor) =>
      review.filter.readerId === undefined
        ? scanPage(deps, review, segment, cursor)
        : readerPage(deps, review, cursor),
    async readKeys(keys) {
      return storedKeys(await getItems(client, impressionKeysTable, keys.map(impressionKeyItem)));
    },
    readCounters: (ids) => readCounters(client, earningsCountersTable, ids),
    async commit(place, transaction, tallyShard, nowMs) {
      const actions = actionsOf(deps, place, transaction, tallyShard, nowMs);
      return (await cancellationOf(client, actions)) === undefined ? "committed" : "raced";
    },
  };
}

function actionsOf(
  deps: Deps,
  place: DecidedIn | undefined,
  transaction: ReviewTransaction,
  tallyShard: number,
  nowMs: number,
): Action[] {
  const { keys, additions, states } = transaction;
  const { earningsCountersTable, registryTable } = deps;
  const lines = additions.flatMap((addition) => [...addition.lines]);
  return [
    ...keys.map((change) => changeKey(deps, change, place?.reviewId)),
    ...additions.map((addition) => addGuarded(earningsCountersTable, addition, nowMs)),
    addToTally(earningsCountersTable, { shard: tallyShard, ...sumsOf(lines), states }),
    ...(place ? progressOf(registryTable, place, transaction) : []),
  ];
}

function progressOf(
  registryTable: string,
  place: DecidedIn,
  { keys, creators }: ReviewTransaction,
): Action[] {
  return [
    ...[...creators].map(([creatorId, change]) =>
      addToCreatorChange(registryTable, place.reviewId, { creatorId, ...change }),
    ),
    addToSegment(registryTable, place, keys.length),
  ];
}

function sumsOf(lines: readonly [LineKey, LineTotal][]) {
  let events = 0n;
  let earnedMicros = 0n;
  let voidedMicros = 0n;
  for (const [key, { count, micros }] of lines) {
    const { movement } = parseLineKey(key);
    events += count;
    if (movement === "paid") earnedMicros += micros;
    if (movement === "voided" || movement === "dropped") voidedMicros += micros;
  }
  return { events, micros: earnedMicros, voidedMicros };
}

/** `counted` tells it from one that was forgotten, and recorded again, since it was read. */
function changeKey(
  { impressionKeysTable }: Deps,
  { from, state, reason }: KeyChange,
  reviewId: string | undefined,
): Action {
  const was = from.reason === undefined ? "attribute_not_exists(#reason)" : "#reason = :was";
  return {
    Update: {
      TableName: impressionKeysTable,
      Key: impressionKeyItem(from.key),
      UpdateExpression:
        "SET #state = :state" +
        (reviewId === undefined ? "" : ", #review = :review") +
        (reason === undefined ? " REMOVE #reason" : ", #reason = :reason"),
      ConditionExpression: `#state = :from AND #counted = :counted AND ${was}`,
      ExpressionAttributeNames: {
        "#state": "state",
        "#reason": "reason",
        "#counted": "counted",
        ...(reviewId === undefined ? {} : { "#review": "review" }),
      },
      ExpressionAttributeValues: {
        ":state": state,
        ":from": from.state,
        ":counted": BigInt(from.countedAtMs),
        ...(reviewId === undefined ? {} : { ":review": reviewId }),
        ...(reason === undefined ? {} : { ":reason": reason }),
        ...(from.reason === undefined ? {} : { ":was": from.reason }),
      },
    },
  };
}

function addGuarded(table: string, { id, lines, guard }: GuardedAddition, nowMs: number): Action {
  const names: Record<string, string> = {};
  const values: Item = {};
  const conditions: string[] = [];
  if (guard.freedAtMs) {
    const { seen } = guard.freedAtMs;
    names["#freed"] = counterAttributes.freedAt;
    if (seen !== undefined) values[":freed"] = BigInt(seen);
    conditions.push(seen === undefined ? "attribute_not_exists(#freed)" : "#freed = :freed");
  }
  if (guard.events !== undefined) {
    names["#seen"] = counterAttributes.events;
    values[":seen"] = guard.events;
    conditions.push("#seen = :seen");
  }
  for (const [index, line] of [...guard.without].entries()) {
    names[`#w${index}`] = `n:${line}`;
    conditions.push(`attribute_not_exists(#w${index})`);
  }
  return addToCounter(table, { id, lines }, nowMs, { conditions, names, values });
}
