import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbRegistryLists } from "../../adapters/dynamodb/registry-lists.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { articleIdSchema } from "../../core/contracts/ids.ts";
import { articlesQuerySchema } from "../../core/contracts/queries.ts";
import { presentArticle, readArticle } from "../../core/registry/article.ts";
import { listArticles } from "../../core/registry/list-articles.ts";

const registryTable = setting("registryTable");
const articles = dynamoDbArticles(documentClient, registryTable);
const lists = dynamoDbRegistryLists(documentClient, registryTable);

export const handler = apiHandler(async ({ event }) => {
  if (event.pathParameters?.articleId === undefined) {
    return ok(await listArticles(lists, callerOf(event), query(event, articlesQuerySchema)));
  }
  const articleId = pathParameter(event, "articleId", articleIdSchema);
  return ok(presentArticle(await readArticle(articles, articleId)));
});
