import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { articleIdSchema } from "../../core/contracts/ids.ts";
import { presentArticle, readArticle } from "../../core/registry/article.ts";

const articles = dynamoDbArticles(documentClient, setting("registryTable"));

export const handler = apiHandler(async ({ event }) => {
  const articleId = pathParameter(event, "articleId", articleIdSchema);
  return ok(presentArticle(await readArticle(articles, articleId)));
});
