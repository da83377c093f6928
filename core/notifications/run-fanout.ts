import type * as z from "zod";
import type { CreatorId } from "../contracts/ids.ts";
import type { jobTypes } from "../contracts/job-types.ts";
import { limits } from "../contracts/limits.ts";
import type { JobOutcome } from "../jobs/job.ts";
import type { JobRun } from "../jobs/run-job.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { type ArticleStore, termsInForce } from "../registry/article.ts";
import type { CreatorStore } from "../registry/creator.ts";
import { type Clock, dayMs } from "../values/time.ts";
import { chunkDue } from "./chunk-events.ts";
import type { FanoutPlan, FanoutStore } from "./fanout.ts";
import type { FollowerStore } from "./follower-store.ts";

type Payload = z.infer<(typeof jobTypes)["notification.fanout"]["payload"]>;

export interface RunDeps {
  readonly articles: Pick<ArticleStore, "getMany">;
  readonly creators: Pick<CreatorStore, "getMany">;
  readonly followers: Pick<FollowerStore, "counts">;
  readonly fanouts: Pick<FanoutStore, "begin" | "plan">;
  readonly bus: EventPublisher;
  readonly clock: Clock;
}

/**
 * Begins to tell an article's followers: fixes what is told and whose followers are told, and starts
 * a chain of chunks for each shard of them. Begun again, it starts chains that find their work done.
 */
export async function runFanout(
  deps: RunDeps,
  { jobId, payload, trace }: Pick<JobRun<Payload>, "jobId" | "payload" | "trace">,
): Promise<JobOutcome> {
  const plan = (await deps.fanouts.plan(jobId)) ?? (await planOf(deps, jobId, payload));
  if (plan === undefined) {
    const { articleId } = payload;
    const detail = `There is no article ${JSON.stringify(articleId)}; register it first.`;
    return {
      kind: "failed",
      problem: { code: "not-found", title: "Not found", detail, status: 404 },
    };
  }
  const chains = await Promise.all(
    plan.creators.map(async ({ creatorId }) =>
      (await deps.followers.counts(creatorId)).map((expected, shard) => ({
        ...{ jobId, creatorId, shard, expected },
      })),
    ),
  );
  await deps.fanouts.begin(plan, chains.flat());
  await deps.bus.publish(
    chains
      .flat()
      .map(({ creatorId, shard }) =>
        chunkDue({ jobId, creatorId, shard, chunk: 0 }, undefined, trace.traceparent),
      ),
  );
  return { kind: "handed-over" };
}

async function planOf(
  { articles, creators, clock }: RunDeps,
  jobId: string,
  { articleId, url, title, excerpt }: Payload,
): Promise<FanoutPlan | undefined> {
  const article = (await articles.getMany([articleId])).get(articleId);
  if (article === undefined) return undefined;
  const nowMs = clock.nowMs();
  const creatorIds = termsInForce(article, nowMs).shares.map(({ creatorId }) => creatorId);
  const known = await creators.getMany(creatorIds);
  return {
    ...{ jobId, articleId, url, title: title ?? article.title },
    ...(excerpt !== undefined && { excerpt }),
    creators: creatorIds.map((creatorId) => named(creatorId, known.get(creatorId)?.name)),
    expiresAtMs: nowMs + limits.toldTtlDays * dayMs,
  };
}

function named(creatorId: CreatorId, name: string | undefined) {
  return { creatorId, ...(name !== undefined && { name }) };
}
