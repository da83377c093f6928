import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { ArticleGroupId } from "../../core/contracts/ids.ts";
import type { AwardStep, PlanPart, PoolDay, PoolTable } from "../../core/earnings/pool-table.ts";
import { sumMicros } from "../../core/values/micros.ts";
import type { Clock, UtcDay } from "../../core/values/time.ts";
import { addToCounter } from "./counter-additions.ts";
import { counterAttributes, counterKey, poolBucketOf } from "./counter-items.ts";
import { readCounters } from "./counters.ts";
import { waitingCounterIds } from "./due-counters.ts";
import { getItem, type Item, queryItems } from "./items.ts";
import {
  awardToItem,
  dayFromItem,
  dayKey,
  daysPartition,
  dayToItem,
  partFromItem,
  partKey,
  partPrefix,
} from "./pool-items.ts";
import { addToTally } from "./tally-items.ts";
import { type Action, cancellationOf } from "./write-transaction.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly earningsCountersTable: string;
  readonly registryTable: string;
  readonly clock: Clock;
}

/** On a counter of a pool: how many steps of its award were added. Present once its day is priced. */
const pricedAttribute = "priced";

/** Plans lie in the registry's table: one item for each day, one for each part of its plan. */
export function dynamoDbPoolTable(deps: Deps): PoolTable {
  const { client, earningsCountersTable, registryTable } = deps;
  const put = (item: Item, condition: object = {}) =>
    client.send(new PutCommand({ TableName: registryTable, Item: item, ...condition }));
  const mark = (key: Item, name: string, value: unknown) =>
    client.send(
      new UpdateCommand({
        TableName: registryTable,
        Key: key,
        UpdateExpression: "SET #name = :value",
        // Never makes an item: what is marked was written before.
        ConditionExpression: "attribute_exists(pk)",
        ExpressionAttributeNames: { "#name": name },
        ExpressionAttributeValues: { ":value": value },
      }),
    );
  return {
    days: (groupId, from) => poolDaysOf(client, registryTable, groupId, from),
    waitingCounters: (pool, day) =>
      waitingCounterIds(client, earningsCountersTable, poolBucketOf(pool, day)),
    readCounters: (ids) => readCounters(client, earningsCountersTable, ids),
    async putPart(day, part) {
      await put({ ...partKey(day, part.number), awards: part.awards.map(awardToItem) });
    },
    async decide(day) {
      try {
        await put(dayToItem(day), { ConditionExpression: "attribute_not_exists(pk)" });
        return day;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const item = await getItem(client, registryTable, dayKey(day));
        if (!item) throw error;
        return dayFromItem(item);
      }
    },
    unpaidParts: (day) => unpaidParts(client, registryTable, day),
    award: (step, tallyShard) => award(deps, step, tallyShard),
    async markPaid(day, part) {
      await mark(partKey(day, part.number), "paid", true);
    },
    async markDone(day) {
      await mark(dayKey(day), "state", "done");
    },
  };
}

async function poolDaysOf(
  client: DynamoDBDocumentClient,
  registryTable: string,
  groupId: ArticleGroupId,
  from: UtcDay,
): Promise<PoolDay[]> {
  const days: PoolDay[] = [];
  const items = queryItems(client, {
    TableName: registryTable,
    KeyConditionExpression: "pk = :pk AND sk >= :from",
    ExpressionAttributeValues: { ":pk": daysPartition(groupId), ":from": from },
    ConsistentRead: true,
  });
  for await (const item of items) days.push(dayFromItem(item));
  return days;
}

async function* unpaidParts(
  client: DynamoDBDocumentClient,
  registryTable: string,
  day: PoolDay,
): AsyncGenerator<PlanPart> {
  const items = queryItems(client, {
    TableName: registryTable,
    KeyConditionExpression: "pk = :pk AND begins_with(sk, :plan)",
    FilterExpression: "attribute_not_exists(#paid)",
    ExpressionAttributeNames: { "#paid": "paid" },
    ExpressionAttributeValues: { ":pk": partKey(day, 0).pk, ":plan": partPrefix(day) },
    ConsistentRead: true,
  });
  for await (const item of items) yield partFromItem(day, item);
}

async function award(
  deps: Deps,
  step: AwardStep,
  tallyShard: number,
): ReturnType<PoolTable["award"]> {
  const { client, earningsCountersTable } = deps;
  const totals = [...step.lines.values()];
  const toTally = addToTally(earningsCountersTable, {
    shard: tallyShard,
    events: totals.reduce((sum, { count }) => sum + count, 0n),
    micros: sumMicros(totals.map(({ micros }) => micros)),
  });
  const actions = [addAward(deps, step), ...(totals.length === 0 ? [] : [toTally])];
  const codes = await cancellationOf(client, actions);
  if (codes === undefined) return "awarded";
  return codes[0] === "ConditionalCheckFailed" ? "already" : "contended";
}

/** Steps come in order, so one that is not the next was done before. */
function addAward({ earningsCountersTable, clock }: Deps, step: AwardStep): Action {
  const condition = step.step === 0 ? "attribute_not_exists(#priced)" : "#priced = :before";
  const names = { "#priced": pricedAttribute };
  const values = {
    ":priced": BigInt(step.step + 1),
    ...(step.step === 0 ? {} : { ":before": BigInt(step.step) }),
  };
  const setPriced = "#priced = :priced";
  if (step.lines.size === 0) {
    return {
      Update: {
        TableName: earningsCountersTable,
        Key: counterKey(step.id),
        UpdateExpression: `SET ${setPriced} REMOVE #due`,
        ConditionExpression: condition,
        ExpressionAttributeNames: { ...names, "#due": counterAttributes.due },
        ExpressionAttributeValues: values,
      },
    };
  }
  const also = { sets: [setPriced], conditions: [condition], names, values };
  return addToCounter(earningsCountersTable, step, clock.nowMs(), also);
}
