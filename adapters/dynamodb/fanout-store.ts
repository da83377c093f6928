import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { ReaderId } from "../../core/contracts/ids.ts";
import { type NotificationChannel, notificationChannels } from "../../core/contracts/kinds.ts";
import {
  type Chain,
  type ChainId,
  type ChannelTallies,
  type Chunk,
  type ChunkId,
  type FanoutPlan,
  type FanoutStore,
  partsOf,
  remainderOf,
} from "../../core/notifications/fanout.ts";
import { backoffMs, type Pacing } from "../../core/values/retry.ts";
import { getItem, type Item, itemsUnder } from "./items.ts";
import { type Action, cancellationOf, putNew } from "./write-transaction.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly followersTable: string;
  readonly pacing: Pacing;
}

const partitionOf = (jobId: string) => `fanout#${jobId}`;
const chainName = ({ creatorId, shard }: ChainId) =>
  `${creatorId}#${String(shard).padStart(2, "0")}`;
const chunkName = (id: ChunkId) => `${chainName(id)}#${String(id.chunk).padStart(6, "0")}`;
const chainKey = (id: ChainId) => ({ pk: partitionOf(id.jobId), sk: `chain#${chainName(id)}` });
const chunkKey = (id: ChunkId) => ({ pk: partitionOf(id.jobId), sk: `chunk#${chunkName(id)}` });
const nextKey = (id: ChunkId) => ({ pk: partitionOf(id.jobId), sk: `next#${chunkName(id)}` });
const partKey = (id: ChunkId, channel: NotificationChannel) => ({
  pk: partitionOf(id.jobId),
  sk: `part#${chunkName(id)}#${channel}`,
});
const ttlOf = ({ expiresAtMs }: FanoutPlan) => BigInt(Math.ceil(expiresAtMs / 1_000));

/** Chunks of a chain close at the same time, and all of them add to its sums. */
const maxAttempts = 15;

/** How far fan-outs have come, in the table of followers. */
export function dynamoDbFanouts(deps: Deps): FanoutStore {
  const { client, followersTable: TableName } = deps;
  const get = (key: Item) => getItem(client, TableName, key);
  const put = async (item: Item) => {
    try {
      await client.send(new PutCommand(putNew(TableName, item).Put as never));
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  };
  /** Writes an item that is not there yet, and adds to its chain. */
  const once = async (item: Item, id: ChainId, change: Change): Promise<void> => {
    const actions = [putNew(TableName, item), addToChain(TableName, id, change)];
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const codes = await cancellationOf(client, actions);
      if (codes === undefined || codes[0] === "ConditionalCheckFailed") return;
      if (codes[1] === "ConditionalCheckFailed") throw new Error(`${item.sk}: its chain has ended`);
      await deps.pacing.sleep(backoffMs(attempt, { baseMs: 10, capMs: 1_000 }, deps.pacing.random));
    }
    throw new Error(`others kept changing the chain of ${item.sk}`);
  };
  return {
    async begin(plan, chains) {
      const { jobId, expiresAtMs, ...rest } = plan;
      const ttl = ttlOf(plan);
      await put({
        ...{ pk: partitionOf(jobId), sk: "plan", ...rest, expiresAtMs: BigInt(expiresAtMs), ttl },
      });
      await Promise.all(
        chains.map(({ expected, ...id }) =>
          put({ ...chainKey(id), ...countAttributes("expected", expected), ttl }),
        ),
      );
    },
    async plan(jobId) {
      const item = await get({ pk: partitionOf(jobId), sk: "plan" });
      if (item === undefined) return undefined;
      const { pk: _, sk: __, ttl: ___, expiresAtMs, ...rest } = item;
      return { jobId, ...(rest as Omit<FanoutPlan, "jobId">), expiresAtMs: Number(expiresAtMs) };
    },
    async chains(jobId) {
      const chains: Chain[] = [];
      for await (const item of itemsUnder(client, TableName, partitionOf(jobId), "chain#")) {
        chains.push(chainFromItem(item));
      }
      return chains;
    },
    async chunk(id) {
      const item = await get(chunkKey(id));
      return item && chunkFromItem(item);
    },
    async open(id, chunk, plan) {
      const { readers, last } = chunk;
      const opened = Object.fromEntries(
        notificationChannels.map((channel) => [channel, readers[channel].length]),
      );
      const item = { ...chunkKey(id), readers, ...(last !== undefined && { last }) };
      await once({ ...item, ttl: ttlOf(plan) }, id, {
        amounts: { ...countAttributes("opened", opened), parts: BigInt(partsOf(chunk).length) },
        ends: last === undefined,
        onlyBeforeItsEnd: true,
      });
      const stored = await get(chunkKey(id));
      if (stored === undefined) throw new Error("the chunk that was there a moment ago is gone");
      return chunkFromItem(stored);
    },
    handOn: (id, plan) => put({ ...nextKey(id), ttl: ttlOf(plan) }),
    isHandedOn: async (id) => (await get(nextKey(id))) !== undefined,
    isClosed: async (id, channel) => (await get(partKey(id, channel))) !== undefined,
    close: (id, channel, tally, plan) =>
      once({ ...partKey(id, channel), ...countAttributes("", tally), ttl: ttlOf(plan) }, id, {
        amounts: { ...countAttributes(`tally.${channel}.`, tally), closed: 1n },
      }),
    async breakOff(id) {
      const chain = await get(chainKey(id));
      if (chain === undefined) return;
      const amounts = Object.fromEntries(
        remainderOf(chainFromItem(chain)).map(({ channel, left }) => [
          `tally.${channel}.failed.gave-up`,
          BigInt(left),
        ]),
      );
      const change = { amounts, ends: true, onlyBeforeItsEnd: true };
      const codes = await cancellationOf(client, [addToChain(TableName, id, change)]);
      if (codes && !codes.includes("ConditionalCheckFailed")) {
        throw new Error(`others held ${chain.sk}`);
      }
    },
  };
}

interface Change {
  readonly amounts: Readonly<Record<string, bigint>>;
  readonly ends?: boolean;
  readonly onlyBeforeItsEnd?: boolean;
}

function addToChain(TableName: string, id: ChainId, change: Change): Action {
  const amounts = Object.entries(change.amounts).filter(([, amount]) => amount !== 0n);
  const names = amounts.map(([name], index) => [`#n${index}`, name] as const);
  const values = amounts.map(([, amount], index) => [`:n${index}`, amount] as const);
  const adds = names.map(([name], index) => `${name} :n${index}`).join(", ");
  return {
    Update: {
      TableName,
      Key: chainKey(id),
      UpdateExpression: [change.ends ? "SET ended = :true" : "", adds && `ADD ${adds}`].join(" "),
      ConditionExpression: change.onlyBeforeItsEnd
        ? "attribute_exists(pk) AND attribute_not_exists(ended)"
        : "attribute_exists(pk)",
      ...(names.length > 0 && { ExpressionAttributeNames: Object.fromEntries(names) }),
      ...((values.length > 0 || change.ends) && {
        ExpressionAttributeValues: {
          ...Object.fromEntries(values),
          ...(change.ends && { ":true": true }),
        },
      }),
    },
  };
}

function countAttributes(prefix: string, counts: Readonly<Record<string, number>>) {
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [
      prefix === "" || prefix.endsWith(".") ? `${prefix}${name}` : `${prefix}.${name}`,
      BigInt(count),
    ]),
  );
}

function chainFromItem(item: Item): Chain {
  const counts = (prefix: string) => ({
    followers: Number(item[`${prefix}.followers`] ?? 0),
    email: Number(item[`${prefix}.email`] ?? 0),
    webPush: Number(item[`${prefix}.webPush`] ?? 0),
    inbox: Number(item[`${prefix}.inbox`] ?? 0),
  });
  const tallies: Record<string, Record<string, number>> = {};
  for (const [name, amount] of Object.entries(item)) {
    const [, channel, key] = /^tally\.(\w+)\.(.+)$/.exec(name) ?? [];
    if (channel && key) tallies[channel] = { ...tallies[channel], [key]: Number(amount) };
  }
  return {
    expected: counts("expected"),
    opened: counts("opened"),
    parts: Number(item.parts ?? 0),
    closed: Number(item.closed ?? 0),
    ended: item.ended === true,
    tallies: tallies as ChannelTallies,
  };
}

function chunkFromItem({ readers, last }: Item): Chunk {
  return {
    readers: readers as Chunk["readers"],
    ...(last !== undefined && { last: String(last) as ReaderId }),
  };
}
