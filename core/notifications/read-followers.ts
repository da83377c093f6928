import { type CreatorId, type ReaderId, readerIdSchema } from "../contracts/ids.ts";
import { followerShards } from "../contracts/storage.ts";
import { type PageQuery, wrongCursor } from "../perimeter/page.ts";
import { addCounts, type Follower, noFollowers, presentFollower } from "./follower.ts";
import type { FollowerStore } from "./follower-store.ts";

/** How many follow, as creators see it. */
export async function countFollowers(followers: FollowerStore, creatorId: CreatorId) {
  const { followers: total, ...channels } = (await followers.counts(creatorId)).reduce(
    addCounts,
    noFollowers,
  );
  return { creatorId, followers: total, channels };
}

/** The same with a page of who they are, for the publisher; addresses are masked. */
export async function listFollowers(
  followers: FollowerStore,
  creatorId: CreatorId,
  { limit, cursor }: PageQuery,
) {
  let after = cursor === undefined ? undefined : readerOfCursor(cursor);
  const first = after === undefined ? 0 : followers.shardOf(after);
  const found: Follower[] = [];
  for (let shard = first; shard < followerShards && found.length < limit; shard += 1) {
    found.push(...(await followers.page(creatorId, shard, after, limit - found.length)));
    after = undefined;
  }
  const last = found.at(-1);
  return {
    ...(await countFollowers(followers, creatorId)),
    items: found.map((follower) => {
      const { readerId, channels } = presentFollower(follower, { hints: true });
      return { readerId, channels };
    }),
    ...(last && found.length === limit ? { nextCursor: last.readerId } : {}),
  };
}

function readerOfCursor(cursor: string): ReaderId {
  const reader = readerIdSchema.safeParse(cursor);
  if (!reader.success) throw wrongCursor();
  return reader.data;
}
