import { z } from "zod";
import type { Api } from "../../cli/api/api-client.ts";
import { readGroups } from "../../cli/dead-letters/letters.ts";
import { type Proof, readProof } from "../../cli/proof/read-proof.ts";
import { readQueues } from "../../cli/status/read-status.ts";
import type { Article, Books, Earned } from "./oracle.ts";

/** The application's own test article: it counts as well, and is worth nothing. */
const canary = "pennyline-canary";

const earningsShape = z.object({
  items: z.array(
    z.object({
      ...{ articleId: z.string(), views: z.number(), reads: z.number(), reactions: z.number() },
      paidMicros: z.string().transform(BigInt),
    }),
  ),
});
const balanceShape = z.object({ pendingMicros: z.string().transform(BigInt) });

export interface AllBooks extends Books {
  readonly proof: Proof;
  /** Earned, and not in the ledger yet. */
  readonly pendingMicros: bigint;
}

export async function readBooks(api: Api, articles: readonly Article[]): Promise<AllBooks> {
  const creatorIds = [...new Set(articles.flatMap(({ shares }) => Object.keys(shares)))];
  const [earned, pending, sentByCanary, { value: proof }, queues, discarded] = await Promise.all([
    Promise.all(creatorIds.map((creatorId) => earnedBy(api, creatorId))),
    Promise.all(creatorIds.map((creatorId) => pendingOf(api, creatorId))),
    earnedBy(api, canary),
    readProof(api),
    readQueues(api),
    readGroups(api, { state: "discarded" }),
  ]);
  const letters = [...queues.value.items, ...queues.value.schedules];
  return {
    earned: earned.flat(),
    counted: Number(proof.counted.engagements) - sum(sentByCanary.map(({ counts }) => counts.view)),
    rejected: Number(proof.rejected.engagements),
    open: sum(letters.map(({ deadLettersOpen }) => deadLettersOpen)),
    discarded: sum(discarded.value.items.map(({ count }) => count)),
    proof,
    pendingMicros: pending.reduce((total, micros) => total + micros, 0n),
  };
}

async function earnedBy(api: Api, creatorId: string): Promise<Earned[]> {
  const { items } = await read(api, `/v1/creators/${creatorId}/earnings?limit=200`, earningsShape);
  return items.map(({ articleId, views, reads, reactions, paidMicros }) => ({
    ...{ creatorId, articleId, micros: paidMicros },
    counts: { view: views, read: reads, reaction: reactions },
  }));
}

async function pendingOf(api: Api, creatorId: string): Promise<bigint> {
  const { pendingMicros } = await read(api, `/v1/creators/${creatorId}/balance`, balanceShape);
  return pendingMicros;
}

async function read<Value>(api: Api, path: string, shape: z.ZodType<Value>): Promise<Value> {
  const { status, body } = await api({ as: "publisher", method: "GET", path });
  const value = shape.safeParse(body);
  if (status === 200 && value.success) return value.data;
  throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
