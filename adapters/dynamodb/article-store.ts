import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { ArticleId } from "../../core/contracts/ids.ts";
import type { Article, ArticleStore } from "../../core/registry/article.ts";
import { getItems, type Item } from "./items.ts";

const articleKey = (articleId: ArticleId) => ({ pk: `article#${articleId}`, sk: "current" });

/** Articles in the registry table, one item each. */
export function dynamoDbArticles(
  client: DynamoDBDocumentClient,
  registryTable: string,
): ArticleStore {
  return {
    async put({ publishedAtMs, ...article }) {
      const item: Item = {
        ...articleKey(article.articleId),
        ...article,
        updatedAtMs: BigInt(article.updatedAtMs),
        publishedAtMs: publishedAtMs === undefined ? undefined : BigInt(publishedAtMs),
      };
      await client.send(new PutCommand({ TableName: registryTable, Item: item }));
    },
    async getMany(articleIds) {
      const items = await getItems(client, registryTable, articleIds.map(articleKey));
      return new Map(items.map(articleFromItem).map((article) => [article.articleId, article]));
    },
  };
}

function articleFromItem({ pk: _pk, sk: _sk, updatedAtMs, publishedAtMs, ...item }: Item): Article {
  return {
    ...(item as unknown as Pick<Article, "articleId" | "title" | "creatorId">),
    updatedAtMs: Number(updatedAtMs),
    ...(publishedAtMs === undefined ? {} : { publishedAtMs: Number(publishedAtMs) }),
  };
}
