import { createHash } from "node:crypto";
import { formatDay } from "./rebase.ts";
import type { RegisteredArticle } from "./register-articles.ts";

export type ImportedKind = "view" | "search_visit";

export interface ImportedEngagement {
  readonly articleId: string;
  readonly readerId: string;
  readonly kind: ImportedKind;
  readonly occurredAt: string;
  readonly referrer?: string;
  readonly userAgent?: string;
}

export interface ExpectedArticle extends RegisteredArticle {
  readonly views: number;
  readonly searchVisits: number;
}

/** What must be in the counters when all that was accepted is counted. */
export interface ExpectedCounts {
  note(engagement: ImportedEngagement, article: RegisteredArticle, isBot: boolean): void;
  /** Different engagements: one a reader, article, kind and UTC day. */
  distinct(): number;
  /** Of these, by known bots: certainly void. How many of the others are paid is not known here. */
  byBots(): number;
  /** False past the limit: the numbers are then the least that must be there. */
  exact(): boolean;
  articles(): readonly ExpectedArticle[];
}

/** About 40 MB of hashes; a log with more is still imported whole. */
const maxRemembered = 1_000_000;

export function expectedCounts(limit = maxRemembered): ExpectedCounts {
  const seen = new Set<number>();
  const articles = new Map<
    string,
    { creatorIds: readonly string[]; views: number; searchVisits: number }
  >();
  let isExact = true;
  let byBots = 0;
  return {
    note(engagement, { articleId, creatorIds }, isBot) {
      const article = articles.get(articleId) ?? { creatorIds, views: 0, searchVisits: 0 };
      articles.set(articleId, article);
      const hash = hashOf(engagement);
      if (seen.has(hash)) return;
      if (seen.size >= limit) {
        isExact = false;
        return;
      }
      seen.add(hash);
      if (isBot) byBots += 1;
      if (engagement.kind === "view") article.views += 1;
      else article.searchVisits += 1;
    },
    distinct: () => seen.size,
    byBots: () => byBots,
    exact: () => isExact,
    articles: () => [...articles].map(([articleId, article]) => ({ articleId, ...article })),
  };
}

/** 48 bits: among a million, two meet once in 500 runs, and then one count is expected too few. */
function hashOf({ articleId, readerId, kind, occurredAt }: ImportedEngagement): number {
  const parts = [articleId, readerId, kind, formatDay(Date.parse(occurredAt))];
  return createHash("sha256").update(JSON.stringify(parts)).digest().readUIntBE(0, 6);
}
