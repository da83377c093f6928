import { type ArticleId, articleIdSchema } from "../contracts/ids.ts";
import { problems } from "../perimeter/problem.ts";
import { validate } from "../perimeter/validate.ts";

const ending = "/publish";

/**
 * The article in `/v1/articles/{articleId}/publish`. Its id may hold slashes, and API Gateway takes
 * such a parameter only at the end of a path, with all that follows.
 * @throws Problem 404 for another ending; 400 for an id that cannot be one.
 */
export function articleOfPublishPath(rest: string): ArticleId {
  if (!rest.endsWith(ending)) throw problems.notFound(`route POST /v1/articles/${rest}`);
  return validate(articleIdSchema, rest.slice(0, -ending.length), "articleId");
}
