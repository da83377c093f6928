import type * as z from "zod";
import type { ArticleGroupId, ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import {
  putArticleSchema,
  type putCreatorSchema,
} from "../../../core/contracts/registry-bodies.ts";
import { emptyAccount } from "../../../core/ledger/entry.ts";
import { type Article, type ArticleStore, putArticle } from "../../../core/registry/article.ts";
import type { ArticleGroup, ArticleGroupStore } from "../../../core/registry/article-group.ts";
import {
  type ChangeCreatorDeps,
  type Creator,
  type CreatorStore,
  patchCreator,
  putCreator,
} from "../../../core/registry/creator.ts";
import type { RateCard, RateCardStore } from "../../../core/registry/rate-card.ts";

/** The registry's stores in memory, with the conditions that the real ones keep, and a clock. */
export function memoryRegistry(startMs: number) {
  let nowMs = startMs;
  const clock = { nowMs: () => nowMs };
  const articles: ArticleStore = revisions<ArticleId, Article>(({ articleId }) => articleId);
  const creators: CreatorStore = revisions<CreatorId, Creator>(({ creatorId }) => creatorId);
  // Nobody is being paid.
  const payouts: ChangeCreatorDeps["payouts"] = { readAccount: async () => emptyAccount };
  return {
    ...{ articles, creators, payouts, clock, currency: "USD" },
    rateCards: memoryRateCards(),
    groups: memoryGroups(),
    nowMs: clock.nowMs,
    wait: (ms: number) => {
      nowMs += ms;
    },
    putArticle: (articleId: ArticleId, body: z.input<typeof putArticleSchema>) =>
      putArticle({ articles, clock }, articleId, putArticleSchema.parse(body)),
    putCreator: (creatorId: CreatorId, body: z.infer<typeof putCreatorSchema>) =>
      putCreator({ creators, payouts, clock }, creatorId, body),
    patchCreator: (creatorId: CreatorId, body: z.infer<typeof putCreatorSchema>) =>
      patchCreator({ creators, payouts, clock }, creatorId, body),
  };
}

/** Others get a turn at each call, as they would over a network. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function revisions<Id, Kind extends { readonly revision: number }>(
  idOf: (one: Kind) => Id,
  isTaken: (one: Kind, others: Iterable<Kind>) => boolean = () => false,
) {
  const stored = new Map<Id, Kind>();
  return {
    stored,
    async getMany(ids: readonly Id[]) {
      await turn();
      const found = ids.flatMap((id) => {
        const one = stored.get(id);
        return one ? [[id, one] as const] : [];
      });
      return new Map(found);
    },
    async put(one: Kind) {
      await turn();
      const revision = stored.get(idOf(one))?.revision ?? 0;
      if (revision !== one.revision - 1) return "raced" as const;
      if (revision === 0 && isTaken(one, stored.values())) return "raced" as const;
      stored.set(idOf(one), one);
      return "put" as const;
    },
  };
}

function memoryRateCards(): RateCardStore {
  const cards = new Map<number, RateCard>();
  return {
    async list() {
      await turn();
      return [...cards.values()];
    },
    async publish(card) {
      await turn();
      if (cards.has(card.version)) return "taken";
      cards.set(card.version, card);
      return "published";
    },
  };
}

function memoryGroups(): ArticleGroupStore {
  const { stored, put } = revisions<ArticleGroupId, ArticleGroup>(
    ({ groupId }) => groupId,
    ({ number }, others) => [...others].some((other) => other.number === number),
  );
  return {
    put,
    async list() {
      await turn();
      return [...stored.values()];
    },
  };
}
