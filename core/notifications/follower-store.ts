import type { CreatorId, ReaderId } from "../contracts/ids.ts";
import type { Follower, FollowerCounts } from "./follower.ts";

/** Who follows whom; strongly consistent. */
export interface FollowerStore {
  read(creatorId: CreatorId, readerId: ReaderId): Promise<Follower | undefined>;
  /** Those of them who follow. */
  readMany(
    creatorId: CreatorId,
    readerIds: readonly ReaderId[],
  ): Promise<ReadonlyMap<ReaderId, Follower>>;
  /**
   * Replaces what was read by what it became, and counts what that changes; undefined: there is
   * none. `raced`: somebody else changed it in between.
   */
  replace(before: Follower | undefined, after: Follower | undefined): Promise<"replaced" | "raced">;
  /** Followers of one shard after a reader (none: the first ones), in order of their ids. */
  page(
    creatorId: CreatorId,
    shard: number,
    after: ReaderId | undefined,
    limit: number,
  ): Promise<readonly Follower[]>;
  /** How many follow a creator, by shard: one for each. */
  counts(creatorId: CreatorId): Promise<readonly FollowerCounts[]>;
  /** Where a reader's followings are. */
  shardOf(readerId: ReaderId): number;
}
