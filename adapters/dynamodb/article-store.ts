import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { ArticleGroupId, ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import type {
  Article,
  ArticleStore,
  ArticleTerms,
  ListedArticle,
} from "../../core/registry/article.ts";
import { getItems, type Item } from "./items.ts";
import { putRevision } from "./put-revision.ts";
import { rateCardAttributes, rateCardFromAttributes } from "./rate-card-items.ts";

const articleKey = (articleId: ArticleId) => ({ pk: `article#${articleId}`, sk: "current" });

/** Articles in the registry table, one item each, with all their terms and own rate cards. */
export function dynamoDbArticles(
  client: DynamoDBDocumentClient,
  registryTable: string,
): ArticleStore {
  return {
    put: (article) => putRevision(client, registryTable, articleItem(article), article.revision),
    async getMany(articleIds) {
      const items = await getItems(client, registryTable, articleIds.map(articleKey));
      return new Map(items.map(articleFromItem).map((article) => [article.articleId, article]));
    },
  };
}

function articleItem({ articleId, title, terms, rateCards, ...times }: Article): Item {
  return {
    ...articleKey(articleId),
    articleId,
    title,
    terms: terms.map(termsAttribute),
    rateCards: rateCards.map(rateCardAttributes),
    updatedAtMs: BigInt(times.updatedAtMs),
    publishedAtMs: times.publishedAtMs === undefined ? undefined : BigInt(times.publishedAtMs),
  };
}

function articleFromItem(item: Item): Article {
  return {
    ...listedArticleFromItem(item),
    rateCards: (item.rateCards as Item[]).map(rateCardFromAttributes),
    revision: Number(item.revision),
  };
}

export function listedArticleFromItem({ publishedAtMs, ...item }: Item): ListedArticle {
  return {
    articleId: String(item.articleId) as ArticleId,
    title: String(item.title),
    terms: (item.terms as Item[]).map(termsFromAttribute),
    ...(publishedAtMs === undefined ? {} : { publishedAtMs: Number(publishedAtMs) }),
    updatedAtMs: Number(item.updatedAtMs),
  };
}

function termsAttribute({ version, effectiveFromMs, shares, group }: ArticleTerms): Item {
  return {
    version: BigInt(version),
    effectiveFromMs: BigInt(effectiveFromMs),
    shares: shares.map(({ creatorId, basisPoints }) => ({
      creatorId,
      basisPoints: BigInt(basisPoints),
    })),
    group,
  };
}

function termsFromAttribute({ version, effectiveFromMs, shares, group }: Item): ArticleTerms {
  return {
    version: Number(version),
    effectiveFromMs: Number(effectiveFromMs),
    shares: (shares as Item[]).map(({ creatorId, basisPoints }) => ({
      creatorId: String(creatorId) as CreatorId,
      basisPoints: Number(basisPoints),
    })),
    group: String(group) as ArticleGroupId,
  };
}
