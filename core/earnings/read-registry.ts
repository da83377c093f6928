import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import type { Article, ArticleStore } from "../registry/article.ts";
import type { ArticleGroupStore } from "../registry/article-group.ts";
import type { CreatorStore } from "../registry/creator.ts";
import { allRateCards, type RateCardStore } from "../registry/rate-card.ts";
import type { Registry } from "./decide-engagement.ts";

export interface RegistryDeps {
  readonly articles: Pick<ArticleStore, "getMany">;
  readonly creators: Pick<CreatorStore, "getMany">;
  readonly groups: Pick<ArticleGroupStore, "list">;
  readonly rateCards: Pick<RateCardStore, "list">;
  readonly currency: string;
}

/** All of it is read afresh for each batch: a price or a creator from a cache would be wrong money. */
export async function readRegistry(
  deps: RegistryDeps,
  articleIds: readonly ArticleId[],
): Promise<Registry> {
  const [publisher, groups, articles] = await Promise.all([
    allRateCards(deps.rateCards, deps.currency),
    deps.groups.list(),
    deps.articles.getMany([...new Set(articleIds)]),
  ]);
  const creators = await deps.creators.getMany([...creatorsOf(articles.values())]);
  return {
    articles,
    cards: { publisher, creators },
    creators,
    groups: new Map(groups.map((group) => [group.groupId, group])),
  };
}

function creatorsOf(articles: Iterable<Article>): Set<CreatorId> {
  const ids = new Set<CreatorId>();
  for (const { terms } of articles) {
    for (const { shares } of terms) for (const { creatorId } of shares) ids.add(creatorId);
  }
  return ids;
}
