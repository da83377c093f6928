import type * as z from "zod";
import type { putArticleSchema } from "../contracts/bodies.ts";
import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";

/** What readers engage with, and whom that pays. */
export interface Article {
  readonly articleId: ArticleId;
  readonly title: string;
  readonly creatorId: CreatorId;
  readonly publishedAtMs?: number;
  readonly updatedAtMs: number;
}

export interface ArticleStore {
  put(article: Article): Promise<void>;
  /** Strongly consistent; an unknown id is simply absent from the result. */
  getMany(articleIds: readonly ArticleId[]): Promise<ReadonlyMap<ArticleId, Article>>;
}

export async function putArticle(
  { articles, clock }: { articles: ArticleStore; clock: Clock },
  articleId: ArticleId,
  body: z.infer<typeof putArticleSchema>,
): Promise<Article> {
  const article: Article = {
    articleId,
    title: body.title,
    creatorId: body.creatorId,
    ...(body.publishedAt === undefined ? {} : { publishedAtMs: body.publishedAt }),
    updatedAtMs: clock.nowMs(),
  };
  await articles.put(article);
  return article;
}

/** @throws Problem 404 when it was never registered. */
export async function readArticle(articles: ArticleStore, articleId: ArticleId): Promise<Article> {
  const article = (await articles.getMany([articleId])).get(articleId);
  if (!article) throw problems.notFound(`article ${JSON.stringify(articleId)}`);
  return article;
}

/** The public shape. */
export function presentArticle({ publishedAtMs, updatedAtMs, ...rest }: Article) {
  return {
    ...rest,
    ...(publishedAtMs === undefined ? {} : { publishedAt: new Date(publishedAtMs).toISOString() }),
    updatedAt: new Date(updatedAtMs).toISOString(),
  };
}
