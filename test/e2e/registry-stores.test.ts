import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dynamoDbArticleGroups } from "../../adapters/dynamodb/article-group-store.ts";
import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { counterKey } from "../../adapters/dynamodb/counter-items.ts";
import { dynamoDbCountersInRange } from "../../adapters/dynamodb/counters-in-range.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbLedgerStore } from "../../adapters/dynamodb/ledger-store.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import {
  type ArticleId,
  articleGroupIdSchema,
  type CreatorId,
  type ReaderId,
} from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import {
  publishRateCardSchema,
  putArticleSchema,
  putCreatorSchema,
} from "../../core/contracts/registry-bodies.ts";
import type { Counter } from "../../core/earnings/counter.ts";
import { type Article, putArticle, readArticle } from "../../core/registry/article.ts";
import { putArticleGroup } from "../../core/registry/article-group.ts";
import { putCreator, readCreator } from "../../core/registry/creator.ts";
import { publishRateCard } from "../../core/registry/publish-rate-card.ts";
import { ratesOf } from "../../core/registry/rate-card.ts";
import type { UtcDay } from "../../core/values/time.ts";
import { startTables, type TestTables } from "../support/tables.ts";

const noon = Date.parse("2028-02-29T12:00:00Z");
const articleId = "/a b/é" as ArticleId;
const creatorId = "ada" as CreatorId;

let tables: TestTables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

function registry() {
  const { client, registryTable, ledgerTable } = tables;
  return {
    payouts: dynamoDbLedgerStore(client, ledgerTable),
    articles: dynamoDbArticles(client, registryTable),
    creators: dynamoDbCreators(client, registryTable),
    rateCards: dynamoDbRateCards(client, registryTable),
    groups: dynamoDbArticleGroups(client, registryTable),
    clock: { nowMs: () => noon },
    currency: "USD",
  };
}

const card = (view: number, scope: unknown) =>
  publishRateCardSchema.parse({
    currency: "USD",
    micros: { view, read: 1, reaction: 1, comment: 1, search_visit: 1 },
    weights: { reaction: { love: 150 }, comment: { long: 0 } },
    feeBasisPoints: 250,
    scope,
  });

describe("the registry on a real engine", () => {
  test("an article comes back as it was put, own rate cards included", async () => {
    const stores = registry();
    const publishedAt = "2028-02-01T00:00:00Z";
    const body = putArticleSchema.parse({ title: "A", creatorId, publishedAt });
    await putArticle(stores, articleId, body);
    const published = await publishRateCard(stores, card(7, { articleId }), "r1");
    const shares = [
      { creatorId, basisPoints: 1 },
      { creatorId: "bea", basisPoints: 9_999 },
    ];
    const shared = putArticleSchema.parse({ title: "B", shares, publishedAt, group: "serials" });
    const put = await putArticle(stores, articleId, shared);
    expect(await readArticle(stores.articles, articleId)).toEqual(put);
    expect(put).toMatchObject({ rateCards: [published], revision: 3, terms: [{}, { shares }] });
  });

  test("an article with all the versions it may have, of ids of full length, fits an item", async () => {
    const { articles } = registry();
    const long = "l".repeat(limits.maxArticleIdBytes) as ArticleId;
    const versions = Array.from({ length: limits.maxVersions }, (_, at) => at + 1);
    const shares = Array.from({ length: limits.maxCreatorsPerArticle }, (_, at) => ({
      creatorId: String(at).padEnd(limits.maxCreatorIdBytes, "c") as CreatorId,
      basisPoints: limits.basisPoints / limits.maxCreatorsPerArticle,
    }));
    const dearest = card(limits.maxPriceMicros, { articleId: long });
    const rates = { ...ratesOf(dearest, "USD"), requestId: "r".repeat(64) };
    const group = articleGroupIdSchema.parse("g".repeat(64));
    const article: Article = {
      ...{ articleId: long, title: "t".repeat(limits.maxTitleBytes) },
      terms: versions.map((version) => ({
        version,
        effectiveFromMs: noon + version,
        shares,
        group,
      })),
      rateCards: versions.map((version) => ({
        ...rates,
        version,
        effectiveFromMs: noon + version,
      })),
      ...{ updatedAtMs: noon, publishedAtMs: noon, revision: 1 },
    };
    expect(await articles.put(article)).toBe("put");
    expect(await readArticle(articles, long)).toEqual(article);
  });

  test("a creator comes back as it was put, own rate cards included", async () => {
    const stores = registry();
    const published = await publishRateCard(stores, card(7, { creatorId }), "r1");
    const body = putCreatorSchema.parse({
      readerIds: ["r-ada" as ReaderId],
      payee: { name: "Ada", iban: "DE89370400440532013000" },
    });
    const put = await putCreator(stores, creatorId, body);
    expect(await readCreator(stores.creators, creatorId)).toEqual(put);
    expect(put).toMatchObject({ rateCards: [published], revision: 2 });
  });

  test("of two who change a revision at once one is told that it was raced", async () => {
    const { articles, creators } = registry();
    const article = await readArticle(articles, articleId);
    const changed = { ...article, revision: article.revision + 1 };
    const puts = await Promise.all([articles.put(changed), articles.put(changed)]);
    expect(puts.sort()).toEqual(["put", "raced"]);
    expect(await articles.put({ ...article, revision: 1 })).toBe("raced");
    const creator = await readCreator(creators, creatorId);
    expect(await creators.put({ ...creator, revision: creator.revision })).toBe("raced");
  });

  test("everybody's cards come back in order, whoever publishes at once", async () => {
    const stores = registry();
    const views = [1, 2, 3, 4, 5];
    const published = await Promise.all(
      views.map((view) => publishRateCard(stores, card(view, "publisher"), `r${view}`)),
    );
    const byVersion = published.toSorted((a, b) => a.version - b.version);
    expect(await stores.rateCards.list()).toEqual(byVersion);
    expect(byVersion.map(({ version }) => version)).toEqual(views);
  });

  test("groups that come to be at once get numbers of their own, and come back as put", async () => {
    const stores = registry();
    const pool = { model: "pool" as const, dailyMicros: 1_000_000_000_000, readerCap: 5 };
    const ids = ["a", "b", "c", "d"].map((id) => articleGroupIdSchema.parse(id));
    const put = await Promise.all(ids.map((id) => putArticleGroup(stores, id, pool)));
    expect(put.map(({ number }) => number).sort()).toEqual([1, 2, 3, 4]);
    expect(await stores.groups.list()).toEqual(put);
    const [first] = put;
    if (!first) expect.unreachable();
    expect(await stores.groups.put({ ...first, revision: 2 })).toBe("put");
    expect(await stores.groups.put({ ...first, revision: 2 })).toBe("raced");
  });

  test("counters are found by their days: all, a creator's, an article's", async () => {
    const put = (creator: string, article: string, day: string) => {
      const id = { creatorId: creator as CreatorId, articleId: article as ArticleId, shard: 0 };
      const Item = counterKey({ ...id, day: day as UtcDay });
      return tables.client.send(new PutCommand({ TableName: tables.earningsCountersTable, Item }));
    };
    for (const day of ["2028-02-27", "2028-02-28", "2028-02-29", "2028-03-01"]) {
      await put("ada", "x", day);
      await put("ada", "x2", day);
      await put("bea", "x", day);
    }
    await tables.client.send(
      new PutCommand({
        TableName: tables.earningsCountersTable,
        Item: { pk: "tally#00", sk: "total", m: 1n },
      }),
    );
    const range = { from: "2028-02-28" as UtcDay, to: "2028-02-29" as UtcDay };
    const counters = dynamoDbCountersInRange(tables.client, tables.earningsCountersTable);
    const idsOf = async (found: AsyncIterable<Counter>) => {
      const ids: string[] = [];
      for await (const { id } of found) ids.push(`${id.creatorId} ${id.articleId} ${id.day}`);
      return ids.sort();
    };
    const adas = ["ada x 2028-02-28", "ada x 2028-02-29"];
    const ofX2 = ["ada x2 2028-02-28", "ada x2 2028-02-29"];
    const beas = ["bea x 2028-02-28", "bea x 2028-02-29"];
    expect(await idsOf(counters.all(range))).toEqual([...adas, ...ofX2, ...beas]);
    expect(await idsOf(counters.ofCreator(creatorId, range))).toEqual([...adas, ...ofX2]);
    const both = [creatorId, "bea" as CreatorId];
    const ofX = counters.ofArticle("x" as ArticleId, both, range);
    expect(await idsOf(ofX)).toEqual([...adas, ...beas]);
  });
});
