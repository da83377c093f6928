import { type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { CreatorId, ReaderId } from "../../core/contracts/ids.ts";
import { type NotificationChannel, notificationChannels } from "../../core/contracts/kinds.ts";
import { followerShards } from "../../core/contracts/storage.ts";
import {
  changeOfCounts,
  type Follower,
  type FollowerCounts,
  noFollowers,
  type Stop,
} from "../../core/notifications/follower.ts";
import type { FollowerStore } from "../../core/notifications/follower-store.ts";
import { sha256Hex } from "../runtime.ts";
import { getItem, getItems, type Item } from "./items.ts";
import { type Action, failedConditionsOf } from "./write-transaction.ts";

/** A reader's shard is the first digit of its hash. */
export const shardOf = (readerId: ReaderId): number =>
  Number.parseInt(sha256Hex(readerId).slice(0, 1), 16) % followerShards;

const keyOf = (creatorId: CreatorId, readerId: ReaderId) => ({
  pk: `followers#${creatorId}#${shardOf(readerId)}`,
  sk: readerId,
});
const countsKey = (creatorId: CreatorId, shard: number) => ({
  pk: `follower-counts#${creatorId}`,
  sk: String(shard).padStart(2, "0"),
});
const countNames = Object.keys(noFollowers) as (keyof FollowerCounts)[];

/** Followers in a table, an item each, counted in one item for each shard. */
export function dynamoDbFollowers(
  client: DynamoDBDocumentClient,
  followersTable: string,
): FollowerStore {
  return {
    shardOf,
    async read(creatorId, readerId) {
      const item = await getItem(client, followersTable, keyOf(creatorId, readerId));
      return item && followerFromItem(item);
    },
    async readMany(creatorId, readerIds) {
      const keys = readerIds.map((readerId) => keyOf(creatorId, readerId));
      const items = await getItems(client, followersTable, keys);
      return new Map(items.map(followerFromItem).map((one) => [one.readerId, one]));
    },
    async replace(before, after) {
      const ids = after ?? before;
      if (!ids) return "replaced";
      const actions = [
        writeOf(followersTable, before, after, ids),
        addToCounts(followersTable, ids, changeOfCounts(before, after)),
      ];
      const failed = await failedConditionsOf(client, actions);
      return failed === undefined ? "replaced" : "raced";
    },
    async page(creatorId, shard, after, limit) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: followersTable,
          KeyConditionExpression: `pk = :pk${after === undefined ? "" : " AND sk > :after"}`,
          ExpressionAttributeValues: {
            ":pk": `followers#${creatorId}#${shard}`,
            ...(after !== undefined && { ":after": after }),
          },
          ConsistentRead: true,
          Limit: limit,
        }),
      );
      return Items.map(followerFromItem);
    },
    async counts(creatorId) {
      const shards = Array.from({ length: followerShards }, (_, shard) => shard);
      const keys = shards.map((shard) => countsKey(creatorId, shard));
      const items = await getItems(client, followersTable, keys);
      const byKey = new Map(items.map((item) => [item.sk, item]));
      return keys.map(({ sk }) => countsFromItem(byKey.get(sk)));
    },
  };
}

function writeOf(
  table: string,
  before: Follower | undefined,
  after: Follower | undefined,
  { creatorId, readerId }: Pick<Follower, "creatorId" | "readerId">,
): Action {
  const condition = before
    ? {
        ConditionExpression: "revision = :before",
        ExpressionAttributeValues: { ":before": BigInt(before.revision) },
      }
    : { ConditionExpression: "attribute_not_exists(pk)" };
  return after
    ? { Put: { TableName: table, Item: followerItem(after), ...condition } }
    : { Delete: { TableName: table, Key: keyOf(creatorId, readerId), ...condition } };
}

function addToCounts(
  table: string,
  { creatorId, readerId }: Pick<Follower, "creatorId" | "readerId">,
  change: FollowerCounts,
): Action {
  return {
    Update: {
      TableName: table,
      Key: countsKey(creatorId, shardOf(readerId)),
      UpdateExpression: `ADD ${countNames.map((name) => `${name} :${name}`).join(", ")}`,
      ExpressionAttributeValues: Object.fromEntries(
        countNames.map((name) => [`:${name}`, BigInt(change[name])]),
      ),
    },
  };
}

export function countsItem(creatorId: CreatorId, shard: number, counts: FollowerCounts): Item {
  const amounts = Object.entries(counts).map(([name, count]) => [name, BigInt(count)]);
  return { ...countsKey(creatorId, shard), ...Object.fromEntries(amounts) };
}

function countsFromItem(item: Item | undefined): FollowerCounts {
  const count = (name: keyof FollowerCounts) => Number(item?.[name] ?? 0);
  return {
    followers: count("followers"),
    email: count("email"),
    webPush: count("webPush"),
    inbox: count("inbox"),
  };
}

/** Also for tests that make many at once. */
export function followerItem(follower: Follower): Item {
  const { creatorId, readerId, stops, updatedAtMs, revision } = follower;
  return {
    ...keyOf(creatorId, readerId),
    creatorId,
    ...Object.fromEntries(
      notificationChannels.flatMap((channel) => {
        const { consentedAtMs, ...address } = follower[channel] ?? {};
        if (consentedAtMs === undefined) return [];
        return [[channel, { ...address, consentedAtMs: BigInt(consentedAtMs) }]];
      }),
    ),
    stops: Object.fromEntries(
      Object.entries(stops).map(([channel, { reason, atMs }]) => [
        channel,
        { reason, atMs: BigInt(atMs) },
      ]),
    ),
    updatedAtMs: BigInt(updatedAtMs),
    revision: BigInt(revision),
  };
}

function followerFromItem(item: Item): Follower {
  const channels = notificationChannels.flatMap((channel) => {
    const consent = item[channel] as Item | undefined;
    if (consent === undefined) return [];
    return [[channel, { ...consent, consentedAtMs: Number(consent.consentedAtMs) }]];
  });
  const stops = Object.entries((item.stops ?? {}) as Record<string, Item>).map(
    ([channel, { reason, atMs }]) => [channel, { reason, atMs: Number(atMs) }],
  );
  return {
    creatorId: String(item.creatorId) as CreatorId,
    readerId: String(item.sk) as ReaderId,
    ...(Object.fromEntries(channels) as Pick<Follower, NotificationChannel>),
    stops: Object.fromEntries(stops) as { [C in NotificationChannel]?: Stop },
    updatedAtMs: Number(item.updatedAtMs),
    revision: Number(item.revision),
  };
}
