import type { ArticleId } from "../contracts/ids.ts";
import type { Admission } from "../jobs/request-job.ts";
import { type ArticleStore, readArticle } from "../registry/article.ts";

/** A job about an article that is not registered would fail later. @throws Problem 404 */
export function admitFanout(articles: Pick<ArticleStore, "getMany">): Admission {
  return async (payload) => {
    await readArticle(articles, payload.articleId as ArticleId);
    return payload;
  };
}
