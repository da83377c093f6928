import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently } from "../../adapters/lambda/idempotency.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { articleIdSchema } from "../../core/contracts/ids.ts";
import { patchArticleSchema, putArticleSchema } from "../../core/contracts/registry-bodies.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { patchArticle, presentArticle, putArticle } from "../../core/registry/article.ts";

const deps = {
  articles: dynamoDbArticles(documentClient, setting("registryTable")),
  clock: systemClock,
};

const put = idempotently(async ({ event }, body) => {
  const articleId = pathParameter(event, "articleId", articleIdSchema);
  const article = event.routeKey.startsWith("PATCH ")
    ? await patchArticle(deps, articleId, validate(patchArticleSchema, body))
    : await putArticle(deps, articleId, validate(putArticleSchema, body));
  return ok(presentArticle(article));
});

export const handler = apiHandler((call) => put(call, jsonBody(call.event)));
