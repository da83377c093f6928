import type { ArticleGroupId, ArticleId, CreatorId, ReaderId } from "../../core/contracts/ids.ts";
import { type EngagementKind, engagementKinds, reactionTypes } from "../../core/contracts/kinds.ts";
import { putArticle } from "../../core/registry/article.ts";
import { putArticleGroup } from "../../core/registry/article-group.ts";
import { putCreator } from "../../core/registry/creator.ts";
import { publishRateCard } from "../../core/registry/publish-rate-card.ts";
import type { Prng } from "./prng.ts";
import type { Cast } from "./scenario.ts";
import { currency } from "./wiring.ts";
import type { World } from "./world.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;
const pooled = "pooled" as ArticleGroupId;

/** What is there before anyone reads: creators, articles and who shares them, prices, a pool. */
export async function register(world: World, prng: Prng, cast: Cast): Promise<void> {
  const { creators, articles, readers } = cast;
  for (const creatorId of creators) {
    if (prng.chance(0.5)) continue;
    const readerIds = prng.chance(0.3) ? [prng.pick(readers) as ReaderId] : [];
    await world.insist((parts) => putCreator(parts, creatorId, { readerIds }));
  }
  const withPool = prng.chance(0.35);
  if (withPool) await startWithPool(world, poolOf(prng));
  if (prng.chance(0.5)) await publish(world, prng, "publisher", "the first");
  for (const [index, articleId] of articles.entries()) {
    const group = withPool && prng.chance(0.5) ? pooled : undefined;
    const body = { title: articleId, ...ownersOf(prng, creators, index), group };
    await world.insist((parts) => putArticle(parts, articleId, body as never));
  }
}

/** One creator who gets it all, or several with parts that divide nothing evenly. */
function ownersOf(prng: Prng, creators: readonly CreatorId[], index: number) {
  const most = Math.min(4, creators.length);
  const count = prng.chance(0.4) ? 1 : prng.int(1, most);
  if (count === 1) return { creatorId: creators[index % creators.length] };
  let left = 10_000;
  const shares = prng
    .shuffled(creators)
    .slice(0, count)
    .map((creatorId, at) => {
      const rest = count - at - 1;
      const basisPoints =
        rest === 0 ? left : Math.min(left - rest, prng.pick([1, 3_333, prng.int(1, left - rest)]));
      left -= basisPoints;
      return { creatorId, basisPoints };
    });
  return { shares };
}

function poolOf(prng: Prng) {
  const dailyMicros = prng.pick([1, 7, 1_000_001, 999_999_999]);
  const readerCap = prng.pick([1, 2_500, 7_000, 1_000_000]);
  return { model: "pool", dailyMicros, readerCap } as const;
}

/** As if it had been put the day before: a new pool begins with the next day. */
export async function startWithPool(
  world: World,
  { model, dailyMicros, readerCap }: ReturnType<typeof poolOf>,
): Promise<void> {
  const effectiveFromMs = Math.floor(world.clock.nowMs() / dayMs) * dayMs;
  const amounts = { dailyMicros: BigInt(dailyMicros), readerCap: BigInt(readerCap) };
  await world.insist(({ groups }) =>
    groups.put({
      ...{ groupId: pooled, number: 1, revision: 1 },
      versions: [{ model, ...amounts, version: 1, effectiveFromMs }],
    }),
  );
}

async function putPool(world: World, prng: Prng): Promise<void> {
  await world.insist((parts) => putArticleGroup(parts, pooled, poolOf(prng)));
}

type Scope = Parameters<typeof publishRateCard>[1]["scope"];

/** Prices that nothing divides, and a part of each for the publisher. */
async function publish(world: World, prng: Prng, scope: Scope, requestId: string): Promise<void> {
  const price = () => prng.pick([0, 1, 999, 12_347, 9_999_991, 1_000_000_000]);
  const prices = Object.fromEntries(engagementKinds.map((kind) => [kind, price()]));
  const weight = () => prng.pick([0, 33, 100, 100, 250]);
  const aheadMs = prng.pick([undefined, undefined, minuteMs, dayMs]);
  const effectiveFrom = aheadMs === undefined ? undefined : world.clock.nowMs() + aheadMs;
  const body = {
    scope,
    currency,
    micros: prices as Record<EngagementKind, number>,
    weights: {
      reaction: Object.fromEntries(reactionTypes.map((type) => [type, weight()])),
      comment: { short: weight(), medium: weight(), long: weight() },
    },
    feeBasisPoints: prng.pick([0, 0, 1, 333, 1_500, 10_000]),
    commentsPerReader: prng.pick([0, 1, 2, 20]),
    ...(effectiveFrom === undefined ? {} : { effectiveFrom }),
  };
  await world.persist("auditor", (parts) => publishRateCard(parts, body as never, requestId));
}

/** What a publisher changes while readers read: prices of all kinds, shares, groups, pseudonyms. */
export function scheduleRegistryChanges(world: World, prng: Prng, cast: Cast): void {
  const { creators, articles, readers } = cast;
  const { clock } = world;
  const soon = () =>
    clock.nowMs() + prng.pick([prng.int(0, 3_000), prng.int(0, 6 * minuteMs), dayMs]);
  for (let change = prng.int(0, 3); change > 0; change -= 1) {
    const scope = prng.pick<Scope>([
      "publisher",
      "publisher",
      { articleId: prng.pick(articles) },
      { creatorId: prng.pick(creators) },
    ]);
    clock.at(soon(), () => void publish(world, prng, scope, `card ${change}`));
  }
  if (prng.chance(0.3)) {
    const articleId: ArticleId = prng.pick(articles);
    const group = prng.pick([undefined, undefined, pooled, "default"]);
    const body = { title: "changed", ...ownersOf(prng, creators, prng.int(0, 9)), group };
    clock.at(soon(), () => {
      void world.insist((parts) => putArticle(parts, articleId, body as never));
    });
  }
  if (prng.chance(0.15)) clock.at(soon(), () => void putPool(world, prng));
  if (prng.chance(0.1)) {
    const [creatorId, reader] = [prng.pick(creators), prng.pick(readers) as ReaderId];
    clock.at(soon(), () => {
      void world.insist((parts) => putCreator(parts, creatorId, { readerIds: [reader] }));
    });
  }
}
