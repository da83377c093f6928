import { BatchWriteCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { countsItem, followerItem, shardOf } from "../../../adapters/dynamodb/follower-store.ts";
import type { CreatorId, ReaderId } from "../../../core/contracts/ids.ts";
import { followerShards } from "../../../core/contracts/storage.ts";
import {
  addCounts,
  changeOfCounts,
  type Follower,
  type FollowerChannels,
  noFollowers,
} from "../../../core/notifications/follower.ts";
import { chunk, groupBy } from "../../../core/values/group-by.ts";
import type { CloudTables } from "./cloud-tables.ts";

const batchesAtOnce = 8;

/** As if each of them had been put by a request, of which there would be too many for a test. */
export async function putManyFollowers(
  tables: CloudTables,
  creatorId: string,
  readers: readonly string[],
  channelsOf: (reader: string) => FollowerChannels,
): Promise<void> {
  const table = tables.tableOf("Followers");
  const followers = readers.map(
    (reader): Follower => ({
      ...{ creatorId: creatorId as CreatorId, readerId: reader as ReaderId, stops: {} },
      ...{ updatedAtMs: 1, revision: 1 },
      ...channelsOf(reader),
    }),
  );
  for (const batches of chunk(chunk(followers, 25), batchesAtOnce)) {
    await Promise.all(
      batches.map((batch) =>
        tables.client.send(
          new BatchWriteCommand({
            RequestItems: {
              [table]: batch.map((one) => ({ PutRequest: { Item: followerItem(one) } })),
            },
          }),
        ),
      ),
    );
  }
  const byShard = groupBy(followers, ({ readerId }) => shardOf(readerId));
  for (let shard = 0; shard < followerShards; shard += 1) {
    const counts = (byShard.get(shard) ?? [])
      .map((follower) => changeOfCounts(undefined, follower))
      .reduce(addCounts, noFollowers);
    const Item = countsItem(creatorId as CreatorId, shard, counts);
    await tables.client.send(new PutCommand({ TableName: table, Item }));
  }
}
