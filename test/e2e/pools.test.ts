import { randomUUID } from "node:crypto";
import { QueryCommand, TransactWriteCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dynamoDbArticleGroups } from "../../adapters/dynamodb/article-group-store.ts";
import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { addToCounter } from "../../adapters/dynamodb/counter-additions.ts";
import { poolBucketOf } from "../../adapters/dynamodb/counter-items.ts";
import { dynamoDbCountingTable } from "../../adapters/dynamodb/counting-table.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbEarnings } from "../../adapters/dynamodb/earnings-reader.ts";
import { dynamoDbPoolTable } from "../../adapters/dynamodb/pool-table.ts";
import { dynamoDbProofSource } from "../../adapters/dynamodb/proof-source.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { dynamoDbReaderHistory } from "../../adapters/dynamodb/reader-history.ts";
import { dynamoDbReviews } from "../../adapters/dynamodb/review-store.ts";
import { dynamoDbReviewTable } from "../../adapters/dynamodb/review-table.ts";
import { dynamoDbSettlementTable } from "../../adapters/dynamodb/settlement-table.ts";
import { addToTally } from "../../adapters/dynamodb/tally-items.ts";
import { sha256Hex, systemPacing } from "../../adapters/runtime.ts";
import { engagementsAccepted } from "../../core/contracts/events.ts";
import type { ArticleGroupId, ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import type { EngagementKind } from "../../core/contracts/kinds.ts";
import { tables as layout } from "../../core/contracts/storage.ts";
import { countEngagements } from "../../core/earnings/count-engagements.ts";
import { countInTransactions } from "../../core/earnings/count-in-transactions.ts";
import { type CounterId, type LineTotal, noLine } from "../../core/earnings/counter.ts";
import type { LineKey } from "../../core/earnings/line.ts";
import { pricePools } from "../../core/earnings/price-pools.ts";
import { readBalance } from "../../core/earnings/read-balance.ts";
import { readEarnings } from "../../core/earnings/read-earnings.ts";
import { settleCreator } from "../../core/earnings/settle-creator.ts";
import { proveMoney } from "../../core/ledger/prove-money.ts";
import type { ArticleGroup } from "../../core/registry/article-group.ts";
import { defaultRateCard } from "../../core/registry/rate-card.ts";
import { micros } from "../../core/values/micros.ts";
import { dayMs, hourMs, type UtcDay, utcDayOf } from "../../core/values/time.ts";
import type { Cloud } from "../../local/cloud.ts";
import { startTables, type TestTables } from "../support/tables.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud } from "./support/cloud.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";

const groupId = "serials" as ArticleGroupId;
const [ada, bea] = ["ada" as CreatorId, "bea" as CreatorId];
const dailyMicros = 1_000_001n;

describe("a pool's day on a real engine", () => {
  const day = "2028-02-29" as UtcDay;
  const midnightMs = Date.parse("2028-03-01T00:00:00Z");
  let tables: TestTables;
  let nowMs = midnightMs - 12 * hourMs;
  const clock = { nowMs: () => nowMs };
  const currency = "USD";
  const forever = Number.POSITIVE_INFINITY;

  beforeAll(async () => {
    tables = await startTables();
    const { client, registryTable } = tables;
    const articles = dynamoDbArticles(client, registryTable);
    const terms = { version: 1, effectiveFromMs: 0, group: groupId };
    const rest = { title: "A", updatedAtMs: nowMs, revision: 1 };
    await articles.put({
      ...{ ...rest, articleId: "/one" as ArticleId, rateCards: [] },
      terms: [{ ...terms, shares: [{ creatorId: ada, basisPoints: 10_000 }] }],
    });
    const [shareOfAda, shareOfBea] = [
      { creatorId: ada, basisPoints: 6_000 },
      { creatorId: bea, basisPoints: 4_000 },
    ];
    // An article's own card says what its engagements weigh, and the fee on what they get.
    const own = { ...defaultRateCard(currency), version: 1, feeBasisPoints: 1_000 };
    await articles.put({
      ...{ ...rest, articleId: "/two" as ArticleId, rateCards: [own] },
      terms: [{ ...terms, shares: [shareOfAda, shareOfBea] }],
    });
    await dynamoDbArticleGroups(client, registryTable).put({
      ...{ groupId, number: 1, revision: 1 },
      versions: [
        {
          ...{ version: 1, effectiveFromMs: Date.parse(`${day}T00:00:00Z`) },
          ...{ model: "pool", dailyMicros, readerCap: 2_500n },
        },
      ],
    });
  });
  afterAll(() => tables.stop());

  function count(engagements: readonly [reader: string, article: string, kind: EngagementKind][]) {
    const { client, registryTable, impressionKeysTable } = tables;
    const { source, detailType } = engagementsAccepted;
    const detail = {
      schemaVersion: 2,
      traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01`,
      acceptedAtMs: nowMs,
      engagements: engagements.map(([readerId, articleId, kind]) => ({
        ...{ readerId, articleId, kind, channel: "publisher" },
        occurredAtMs: midnightMs - 12 * hourMs,
      })),
    };
    const body = JSON.stringify({ source, "detail-type": detailType, detail });
    return countEngagements(
      {
        articles: dynamoDbArticles(client, registryTable),
        creators: dynamoDbCreators(client, registryTable),
        groups: dynamoDbArticleGroups(client, registryTable),
        rateCards: dynamoDbRateCards(client, registryTable),
        history: dynamoDbReaderHistory({ client, impressionKeysTable, clock, maxItems: 50 }),
        traffic: { maxPerReaderHour: 10, maxPerReaderDay: 20, tokenBurst: 5 },
        isBot: () => false,
        countOnce: countInTransactions({
          table: dynamoDbCountingTable({ ...tables, clock }),
          ...{ clock, pacing: systemPacing },
        }),
        ...{ clock, pacing: systemPacing, sha256: sha256Hex, publisherId: "p", currency },
        reviewTable: dynamoDbReviewTable({ ...tables, publisherId: "p" }),
        reviews: dynamoDbReviews(client, registryTable),
        ...{ dedupeTtlMs: 90 * dayMs, poolOpenMs: 6 * hourMs },
      },
      [{ id: randomUUID(), body }],
      nowMs + 60_000,
    );
  }

  function price() {
    const { client, registryTable } = tables;
    const deps = {
      table: dynamoDbPoolTable({ ...tables, clock }),
      groups: dynamoDbArticleGroups(client, registryTable),
      articles: dynamoDbArticles(client, registryTable),
      rateCards: dynamoDbRateCards(client, registryTable),
      ...{ clock, pacing: systemPacing, sha256: sha256Hex, currency, poolOpenMs: 6 * hourMs },
    };
    return pricePools(deps, forever);
  }

  const earnings = () => dynamoDbEarnings(tables.client, tables);
  const balance = (creatorId: CreatorId) =>
    readBalance({ earnings: earnings(), clock, pacing: systemPacing, currency }, creatorId);
  const byArticle = async (creatorId: CreatorId) => {
    const deps = { earnings: earnings(), clock };
    return (await readEarnings(deps, creatorId, { groupBy: "article", limit: 50 })).items;
  };
  const proof = () =>
    proveMoney({
      source: dynamoDbProofSource({ ...tables }),
      ...{ clock, pacing: systemPacing, holdMs: 14 * dayMs },
    });
  const waiting = async (on: UtcDay) => {
    const { Items = [] } = await tables.client.send(
      new QueryCommand({
        TableName: tables.earningsCountersTable,
        IndexName: layout.earningsCounters.dueIndex.name,
        KeyConditionExpression: "due = :due",
        ExpressionAttributeValues: { ":due": poolBucketOf(1, on) },
      }),
    );
    return Items.length;
  };

  test("engagements weigh, up to the reader's cap, and earn nothing yet", async () => {
    const counted = await count([
      ["r1", "/one", "view"],
      ["r1", "/one", "read"],
      ["r1", "/two", "view"],
      ["r2", "/one", "view"],
      ["r2", "/two", "view"],
      ["r3", "/two", "view"],
    ]);
    expect(counted).toMatchObject({ failedIds: [], recorded: 6 });
    expect(await balance(ada)).toMatchObject({ settledMicros: "0", pendingMicros: "0" });
    expect(await byArticle(ada)).toMatchObject([
      { articleId: "/one", views: 2, reads: 1, micros: "0", void: {} },
      { articleId: "/two", views: 2, micros: "0", void: { reader_cap: 1 } },
    ]);
    expect(await waiting(day)).toBe(3);
    expect(await proof()).toMatchObject({ ok: true });
  });

  test("S3: the day is priced once it is closed; what comes later takes part in the next", async () => {
    nowMs = midnightMs + 6 * hourMs + 14 * 60_000;
    expect(await price()).toMatchObject({ days: 0 });
    await count([["r4", "/two", "view"]]);
    nowMs += 60_000;
    const [some, others] = await Promise.all([price(), price()]);
    expect(some.days + others.days).toBeGreaterThan(0);
    expect(await price()).toMatchObject({ days: 0 });

    const weightOfOne = (1_000n + 1_500n + 1_000n) * 10_000n;
    const weightOfTwo = (1_000n + 1_000n) * 10_000n;
    const total = weightOfOne + weightOfTwo;
    const [day1] = await dynamoDbPoolTable({ ...tables, clock }).days(groupId, day);
    expect(day1).toMatchObject({
      ...{ day, state: "done", version: 1, dailyMicros, totalWeight: total, counters: 3 },
      unspentMicros: 0n,
    });
    expect((day1?.awardedMicros ?? 0n) + (day1?.feeMicros ?? 0n)).toBe(dailyMicros);
    const [ofAda, ofBea] = [await byArticle(ada), await byArticle(bea)];
    // Of the pool 8 in 55 parts are hers, 145,454.7, and a tenth of that is the fee.
    const bea8In55 = { micros: "130910", feeMicros: "14545" };
    expect(ofBea).toMatchObject([{ articleId: "/two", views: 3, ...bea8In55 }]);
    const money = [...ofAda, ...ofBea].flatMap((item) => [item.micros, item.feeMicros]);
    expect(money.reduce((sum, text) => sum + BigInt(text), 0n)).toBe(dailyMicros);
    expect(await waiting(day)).toBe(0);
    expect(await waiting("2028-03-01" as UtcDay)).toBe(2);
  });

  test("what it paid is settled like all money, and the proof holds", async () => {
    const table = dynamoDbSettlementTable({ ...tables, holdMs: 14 * dayMs });
    for (const creator of [ada, bea]) {
      const { pendingMicros } = await balance(creator);
      expect(BigInt(pendingMicros)).toBeGreaterThan(0n);
      const rules = { minMicros: micros(0), maxWaitMs: 0, currency };
      await settleCreator(
        { table, clock, pacing: systemPacing, ...rules },
        creator,
        "0".repeat(32),
      );
      const settled = { settledMicros: pendingMicros, pendingMicros: "0", heldMicros: "0" };
      expect(await balance(creator)).toMatchObject(settled);
    }
    expect(await proof()).toMatchObject({ ok: true, quiet: true, differences: [] });
  });

  test("a counter of which nothing weighs any more is closed without money", async () => {
    const id = { creatorId: bea, articleId: "/three" as ArticleId, shard: 0, pool: 1 };
    const line = (key: string): [LineKey, LineTotal] => [
      key as LineKey,
      { ...noLine, count: 1n, weight: 7n },
    ];
    const lines = new Map([line("view.~0.1.w"), line("view.~0.1.u.manual")]);
    const next = "2028-03-01" as UtcDay;
    await seed(tables, { id: { ...id, day: next }, lines });
    nowMs += dayMs;
    expect(await price()).toMatchObject({ days: 1 });
    expect(await waiting(next)).toBe(0);
    expect((await byArticle(bea))[0]).toMatchObject({ articleId: "/three", views: 0, micros: "0" });
    expect(await proof()).toMatchObject({ ok: true });
  });

  test("a counter of very many lines is paid in steps", async () => {
    const next = "2028-03-02" as UtcDay;
    const id = { creatorId: bea, articleId: "/four" as ArticleId, day: next, shard: 0, pool: 1 };
    const lines = Array.from({ length: 90 }, (_, version) => version).map(
      (version): [LineKey, LineTotal] => [
        `comment:medium.~0.${version}.w` as LineKey,
        { ...noLine, count: 1n, weight: 7n },
      ],
    );
    await seed(tables, { id, lines: new Map(lines) });
    nowMs += dayMs;
    expect(await price()).toMatchObject({ days: 1, awardedMicros: dailyMicros });
    const micros = String(dailyMicros);
    expect((await byArticle(bea))[0]).toMatchObject({ articleId: "/four", comments: 90, micros });
    expect(await proof()).toMatchObject({ ok: true });
  });
});

/** As if it had been counted. */
async function seed(
  { client, earningsCountersTable }: Pick<TestTables, "client" | "earningsCountersTable">,
  addition: { id: CounterId; lines: ReadonlyMap<LineKey, LineTotal> },
): Promise<void> {
  const events = [...addition.lines.values()].reduce((sum, { count }) => sum + count, 0n);
  await client.send(
    new TransactWriteCommand({
      TransactItems: [
        addToCounter(earningsCountersTable, addition, Date.now()),
        addToTally(earningsCountersTable, { shard: 0, events }),
      ],
    }),
  );
}

describe("a pool over the wire", () => {
  let cloud: Cloud;
  let api: ApiClient;
  let stored: CloudTables;

  beforeAll(async () => {
    cloud = await startTestCloud();
    api = await apiClient(cloud);
    stored = cloudTables(cloud);
  });
  afterAll(async () => {
    stored?.stop();
    await stopTestCloud(cloud);
  });

  const get = async (path: string) => {
    const { status, body } = await api.call("GET", path, { token: api.publisher });
    expect(status, JSON.stringify(body)).toBe(200);
    return body;
  };

  test("a closed day's pool becomes settled money; today's engagements wait", async () => {
    const put = (path: string, body: unknown) =>
      api.call("PUT", path, {
        ...{ token: api.publisher, body },
        headers: { "idempotency-key": randomUUID() },
      });
    const pool = { model: "pool", dailyMicros: 900_000, readerCap: 5_000 };
    expect((await put(`/v1/article-groups/${groupId}`, pool)).status).toBe(200);
    // A new pool begins with the next day; this one as if it had been put the day before.
    const { client, tableOf } = stored;
    const groups = dynamoDbArticleGroups(client, tableOf("Registry"));
    const [group] = await groups.list();
    const begun = group?.versions.map((version) => ({ ...version, effectiveFromMs: 0 })) ?? [];
    await groups.put({ ...(group as ArticleGroup), versions: begun, revision: 2 });
    const article = { title: "One", creatorId: ada, group: groupId };
    expect((await put("/v1/articles/one", article)).status).toBe(200);
    await api.postViews("one", ["reader-1", "reader-2"]);
    await cloud.waitUntilIdle();
    const today = { views: 2, micros: "0", paidMicros: "0" };
    const path = "/v1/creators/ada/earnings";
    expect((await get(`${path}?groupBy=kind`)).items).toMatchObject([{ kind: "view", ...today }]);

    // And one of some days ago.
    const closed = utcDayOf(Date.now() - 4 * dayMs);
    await groups.put({
      ...{ groupId: "older" as ArticleGroupId, number: 7, revision: 1 },
      versions: [
        {
          ...{ version: 1, effectiveFromMs: Date.parse(closed), model: "pool" },
          ...{ dailyMicros: 900_000n, readerCap: 5_000n },
        },
        { version: 2, effectiveFromMs: Date.parse(closed) + dayMs, model: "rates" },
      ],
    });
    const table = { client, earningsCountersTable: tableOf("EarningsCounters") };
    for (const [creatorId, weight] of [
      [ada, 2n],
      [bea, 1n],
    ] as const) {
      const id = { creatorId, articleId: "old" as ArticleId, day: closed, shard: 3, pool: 7 };
      const lines = new Map([["read.~0.1.w" as LineKey, { ...noLine, count: 5n, weight }]]);
      await seed(table, { id, lines });
    }
    for (let run = 0; run < 2; run += 1) {
      expect(await cloud.fireSchedule("pennyline-local-price-pools")).toMatchObject({ ok: true });
    }
    expect(await api.balance("ada")).toMatchObject({ settledMicros: "0", pendingMicros: "600000" });
    await cloud.fireSchedule("pennyline-local-settle-earnings");
    await cloud.waitUntilIdle();
    expect(await api.balance("ada")).toMatchObject({ settledMicros: "600000", pendingMicros: "0" });
    expect(await api.balance("bea")).toMatchObject({ settledMicros: "300000", pendingMicros: "0" });
    const days = await get(`${path}?groupBy=day&from=${closed}&to=${closed}`);
    expect(days.items).toMatchObject([{ day: closed, reads: 5, micros: "600000" }]);
    expect(await api.proof()).toMatchObject({ ok: true });
  });
});
