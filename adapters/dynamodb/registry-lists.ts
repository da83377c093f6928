import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { tables } from "../../core/contracts/storage.ts";
import type { ArticleList } from "../../core/registry/list-articles.ts";
import type { CreatorList } from "../../core/registry/list-creators.ts";
import { listedArticleFromItem } from "./article-store.ts";
import { listedCreatorFromItem } from "./creator-store.ts";
import { queryItems } from "./items.ts";

const { currentIndex } = tables.registry;
/** Read with each query: 100 KB of articles with a few shares each. */
const rowsAtOnce = 250;

/** All articles, and all creators, by the index of what is current. */
export function dynamoDbRegistryLists(
  client: DynamoDBDocumentClient,
  registryTable: string,
): ArticleList & CreatorList {
  const listed = (kind: "article" | "creator", afterId: string | undefined) =>
    queryItems(client, {
      TableName: registryTable,
      IndexName: currentIndex.name,
      KeyConditionExpression: "#current = :current AND #id BETWEEN :first AND :end",
      ExpressionAttributeNames: {
        "#current": currentIndex.partitionKey,
        "#id": currentIndex.sortKey,
      },
      ExpressionAttributeValues: {
        ":current": "current",
        // Ids hold no control characters, so this is the very next that there could be.
        ":first": afterId === undefined ? `${kind}#` : `${kind}#${afterId}\u0000`,
        // `$` follows `#`: after the last of the kind.
        ":end": `${kind}$`,
      },
      Limit: rowsAtOnce,
    });
  return {
    async *articles(afterId) {
      for await (const item of listed("article", afterId)) yield listedArticleFromItem(item);
    },
    async *creators(afterId) {
      for await (const item of listed("creator", afterId)) yield listedCreatorFromItem(item);
    },
  };
}
