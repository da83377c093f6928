import type { ArticleId, CreatorId, ReaderId } from "../contracts/ids.ts";
import { type NotificationChannel, notificationChannels } from "../contracts/kinds.ts";
import type { FollowerCounts } from "./follower.ts";

/** What one job tells, and whose followers; fixed when it begins. */
export interface FanoutPlan {
  readonly jobId: string;
  readonly articleId: ArticleId;
  readonly title: string;
  readonly url: string;
  readonly excerpt?: string;
  /** Who shares in the article. Each has one chain of chunks for every shard of followers. */
  readonly creators: readonly { readonly creatorId: CreatorId; readonly name?: string }[];
  /** From then on what is kept of it may be forgotten. */
  readonly expiresAtMs: number;
}

export interface ChainId {
  readonly jobId: string;
  readonly creatorId: CreatorId;
  readonly shard: number;
}

export interface ChunkId extends ChainId {
  /** 0, 1, 2 … */
  readonly chunk: number;
}

/** Some followers of one shard, fixed when they are first read: a later look finds the same ones. */
export interface Chunk {
  /** Whom to tell, by channel. */
  readonly readers: Readonly<Record<NotificationChannel, readonly ReaderId[]>>;
  /** Where the next chunk begins; none: this is the chain's last. */
  readonly last?: ReaderId;
}

/** Why a follower was not told, or could not be. */
export type SkipReason = "not-set-up" | "told-before" | "unfollowed" | "gone";
export type FailReason = "rejected" | "gave-up" | "unknown";

/** How many were told, and how many not, and why: `sent`, `skipped.<why>`, `failed.<why>`. */
export type Tally = Readonly<
  Record<"sent" | `skipped.${SkipReason}` | `failed.${FailReason}`, number>
>;

export type ChannelTallies = Readonly<Partial<Record<NotificationChannel, Partial<Tally>>>>;

/** How far one chain has come, in sums that are added to together with what they sum up. */
export interface Chain {
  /** Followers by channel when the job began. */
  readonly expected: FollowerCounts;
  /** Those that its chunks hold. */
  readonly opened: FollowerCounts;
  /** Channels of its chunks, and those of them with a result. */
  readonly parts: number;
  readonly closed: number;
  /** No chunk will follow. */
  readonly ended: boolean;
  readonly tallies: ChannelTallies;
}

/** What is kept of a job's fan-out. All of it may be written again, and stays as it was first. */
export interface FanoutStore {
  begin(
    plan: FanoutPlan,
    chains: readonly (ChainId & { expected: FollowerCounts })[],
  ): Promise<void>;
  plan(jobId: string): Promise<FanoutPlan | undefined>;
  chains(jobId: string): Promise<readonly Chain[]>;
  chunk(id: ChunkId): Promise<Chunk | undefined>;
  /** Fixes a chunk and adds it to its chain. @returns the one that was fixed first. */
  open(id: ChunkId, chunk: Chunk, plan: FanoutPlan): Promise<Chunk>;
  /** That what follows a chunk was announced. */
  handOn(id: ChunkId, plan: FanoutPlan): Promise<void>;
  isHandedOn(id: ChunkId): Promise<boolean>;
  isClosed(id: ChunkId, channel: NotificationChannel): Promise<boolean>;
  /** Records what became of a chunk's channel and adds it to its chain, once. */
  close(
    id: ChunkId,
    channel: NotificationChannel,
    tally: Partial<Tally>,
    plan: FanoutPlan,
  ): Promise<void>;
  /** Ends a chain before its last chunk; who is left of those expected could not be told. */
  breakOff(id: ChainId): Promise<void>;
}

/** Those of a chunk's channels that have somebody to tell. */
export function partsOf({ readers }: Chunk): NotificationChannel[] {
  return notificationChannels.filter((channel) => readers[channel].length > 0);
}

export function isDone(chains: readonly Chain[]): boolean {
  return chains.every(({ ended, parts, closed }) => ended && closed === parts);
}

/** Whom a chain that ends early leaves out. */
export function remainderOf({ expected, opened }: Pick<Chain, "expected" | "opened">) {
  return notificationChannels.flatMap((channel) => {
    const left = expected[channel] - opened[channel];
    return left > 0 ? [{ channel, left }] : [];
  });
}

const kinds = ["sent", "skipped", "failed"] as const;

/** Sums over all chains: by channel what clients see, and why where somebody was not told. */
export function summarize(chains: readonly Chain[]) {
  const counts: Record<string, number> = {};
  const reasons: Record<string, number> = {};
  const add = (sums: Record<string, number>, name: string, amount: number) => {
    sums[name] = (sums[name] ?? 0) + amount;
  };
  for (const channel of notificationChannels) {
    for (const kind of kinds) counts[`${channel}.${kind}`] = 0;
    for (const { tallies } of chains) {
      for (const [name, amount] of Object.entries(tallies[channel] ?? {})) {
        const [kind = "", reason] = name.split(".");
        add(counts, `${channel}.${kind}`, amount);
        if (reason !== undefined) add(reasons, `${channel}.${name}`, amount);
      }
    }
  }
  const total = (kind: (typeof kinds)[number]) =>
    notificationChannels.reduce((sum, channel) => sum + (counts[`${channel}.${kind}`] ?? 0), 0);
  const expected = notificationChannels.reduce(
    (sum, channel) =>
      sum +
      chains.reduce((all, one) => all + Math.max(one.expected[channel], one.opened[channel]), 0),
    0,
  );
  const [sent, skipped, failed] = kinds.map(total) as [number, number, number];
  return { counts, reasons, expected, sent, skipped, failed };
}
