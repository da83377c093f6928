import type { ArticleId } from "../contracts/ids.ts";
import type { ArticleStore } from "./article.ts";

/** Which of these ids are registered. */
export type FindKnown = (articleIds: readonly ArticleId[]) => Promise<ReadonlySet<ArticleId>>;

/**
 * Remembers ids that were found, since an article is never deleted; one that was not found is
 * looked up again each time. Holds at most `capacity` ids, the longest known go first.
 */
export function knownArticles(store: Pick<ArticleStore, "getMany">, capacity: number): FindKnown {
  const known = new Set<ArticleId>();
  return async (articleIds) => {
    const asked = new Set(articleIds);
    const unknown = [...asked].filter((id) => !known.has(id));
    const found = unknown.length === 0 ? [] : [...(await store.getMany(unknown)).keys()];
    const result = new Set([...asked].filter((id) => known.has(id)).concat(found));
    for (const id of found) {
      known.add(id);
      const [oldest] = known;
      if (known.size > capacity && oldest !== undefined) known.delete(oldest);
    }
    return result;
  };
}
