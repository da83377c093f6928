import type * as z from "zod";
import {
  type ArticleId,
  articleIdSchema,
  type CreatorId,
  canaryArticleId,
} from "../contracts/ids.ts";
import type { articlesQuerySchema } from "../contracts/queries.ts";
import { type Caller, creatorListed, seesAll } from "../perimeter/caller.ts";
import { afterId, idOfCursor, matchingPage } from "../perimeter/page.ts";
import { startsAlike } from "../values/text.ts";
import { type ListedArticle, latestTerms, presentListed } from "./article.ts";

export interface ArticleList {
  /** Articles after an id, in the order of their ids as UTF-8; may be a second behind writes. */
  articles(afterId: ArticleId | undefined): AsyncIterable<ListedArticle>;
}

const list = "article";

/**
 * A page of the articles, by id. Creators are shown those that they share in, with their own share.
 * The canary's test article is nobody's, and left out.
 * @throws Problem 400 for a cursor that no answer gave; 404 for a creator that is not the caller.
 */
export async function listArticles(
  articles: ArticleList,
  caller: Caller,
  query: z.infer<typeof articlesQuerySchema>,
) {
  const { group, titlePrefix, updatedAfter, limit, cursor } = query;
  const creatorId = creatorListed(caller, query.creatorId);
  const matches = (article: ListedArticle) =>
    article.articleId !== canaryArticleId &&
    (creatorId === undefined || sharesIn(article, creatorId)) &&
    (group === undefined || latestTerms(article).group === group) &&
    (titlePrefix === undefined || startsAlike(article.title, titlePrefix)) &&
    (updatedAfter === undefined || article.updatedAtMs > updatedAfter);
  const cursorOf = ({ articleId }: ListedArticle) => afterId(list, articleId);
  const all = articles.articles(idOfCursor(list, articleIdSchema, cursor));
  const { rows, next } = await matchingPage(all, limit, { matches, cursorOf });
  const own = seesAll(caller) ? undefined : creatorId;
  return { items: rows.map((article) => present(article, own)), ...next };
}

function sharesIn(article: ListedArticle, creatorId: CreatorId): boolean {
  return latestTerms(article).shares.some((share) => share.creatorId === creatorId);
}

/** @param own the creator who asks: what others get is not its business. */
function present(article: ListedArticle, own: CreatorId | undefined) {
  const shown = presentListed(article);
  if (own === undefined) return shown;
  return { ...shown, shares: shown.shares.filter(({ creatorId }) => creatorId === own) };
}
