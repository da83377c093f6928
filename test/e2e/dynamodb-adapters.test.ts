import { DeleteCommand, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isKnownBot } from "../../adapters/bots.ts";
import { dynamoDbArticleGroups } from "../../adapters/dynamodb/article-group-store.ts";
import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { counterKey, holdBucketOf } from "../../adapters/dynamodb/counter-items.ts";
import { dynamoDbCountingTable } from "../../adapters/dynamodb/counting-table.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbEarnings } from "../../adapters/dynamodb/earnings-reader.ts";
import { dynamoDbLedger } from "../../adapters/dynamodb/ledger-items.ts";
import { dynamoDbProofSource } from "../../adapters/dynamodb/proof-source.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { dynamoDbReaderHistory } from "../../adapters/dynamodb/reader-history.ts";
import { dynamoDbReviews } from "../../adapters/dynamodb/review-store.ts";
import { dynamoDbReviewTable } from "../../adapters/dynamodb/review-table.ts";
import { dynamoDbSettlementTable } from "../../adapters/dynamodb/settlement-table.ts";
import { sha256Hex, systemPacing } from "../../adapters/runtime.ts";
import { type AcceptedEngagement, engagementsAccepted } from "../../core/contracts/events.ts";
import {
  type ArticleId,
  type CreatorId,
  defaultArticleGroup,
  type ReaderId,
} from "../../core/contracts/ids.ts";
import { countEngagements } from "../../core/earnings/count-engagements.ts";
import { countInTransactions } from "../../core/earnings/count-in-transactions.ts";
import { lineKey, parseLineKey } from "../../core/earnings/line.ts";
import { readBalance } from "../../core/earnings/read-balance.ts";
import { readEarnings } from "../../core/earnings/read-earnings.ts";
import { settleCreator } from "../../core/earnings/settle-creator.ts";
import { settleEarnings } from "../../core/earnings/settle-earnings.ts";
import { emptyAccount, entryOfLines } from "../../core/ledger/entry.ts";
import { proveMoney } from "../../core/ledger/prove-money.ts";
import { readLedger } from "../../core/ledger/read-ledger.ts";
import type { Article, ArticleTerms } from "../../core/registry/article.ts";
import { micros } from "../../core/values/micros.ts";
import { dayMs, utcDayOf } from "../../core/values/time.ts";
import { startTables, type TestTables } from "../support/tables.ts";

const dedupeTtlMs = 90 * dayMs;
const holdMs = 14 * dayMs;
const startMs = Date.parse("2028-02-29T12:00:00Z");
const creatorId = "c1" as CreatorId;
const articleId = "/a b/é" as ArticleId;

const viewLine = lineKey({
  ...{ kind: "view", model: "rates", card: "0", sharesVersion: 1 },
  movement: "paid",
});

let tables: TestTables;
let nowMs = startMs;
const clock = { nowMs: () => nowMs };

beforeAll(async () => {
  tables = await startTables();
  const articles = dynamoDbArticles(tables.client, tables.registryTable);
  await articles.put(articleOf([{ creatorId, basisPoints: 10_000 }]));
});
afterAll(() => tables.stop());

function articleOf(shares: ArticleTerms["shares"], revision = 1): Article {
  const terms = { version: 1, effectiveFromMs: 0, shares, group: defaultArticleGroup };
  return { articleId, title: "A", terms: [terms], rateCards: [], updatedAtMs: nowMs, revision };
}

function world() {
  const { client, registryTable, impressionKeysTable } = tables;
  const earnings = dynamoDbEarnings(client, tables);
  const table = dynamoDbSettlementTable({ ...tables, holdMs });
  const currency = "USD";
  const source = dynamoDbProofSource({ ...tables });
  return {
    earnings,
    count: (deliveries: readonly { id: string; body: string }[]) =>
      countEngagements(
        {
          articles: dynamoDbArticles(client, registryTable),
          creators: dynamoDbCreators(client, registryTable),
          groups: dynamoDbArticleGroups(client, registryTable),
          rateCards: dynamoDbRateCards(client, registryTable),
          history: dynamoDbReaderHistory({ client, impressionKeysTable, clock, maxItems: 50 }),
          traffic: { maxPerReaderHour: 10, maxPerReaderDay: 20, tokenBurst: 5 },
          isBot: isKnownBot,
          poolOpenMs: 0,
          countOnce: countInTransactions({
            table: dynamoDbCountingTable({ ...tables, clock }),
            clock,
            pacing: systemPacing,
          }),
          clock,
          pacing: systemPacing,
          reviewTable: dynamoDbReviewTable({ ...tables, publisherId: "p" }),
          reviews: dynamoDbReviews(client, registryTable),
          sha256: sha256Hex,
          publisherId: "p",
          currency,
          dedupeTtlMs,
        },
        deliveries,
        nowMs + 60_000,
      ),
    settle: (creator = creatorId) =>
      settleCreator(
        { table, clock, pacing: systemPacing, currency, minMicros: micros(0), maxWaitMs: 0 },
        creator,
        "0".repeat(32),
      ),
    balance: (creator = creatorId) =>
      readBalance({ earnings, clock, pacing: systemPacing, currency }, creator),
    proof: () => proveMoney({ source, clock, pacing: systemPacing, holdMs }),
  };
}

function delivery(id: string, engagements: readonly Partial<AcceptedEngagement>[]) {
  const detail = {
    schemaVersion: 2,
    traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01`,
    acceptedAtMs: nowMs,
    engagements: engagements.map((engagement) => ({
      articleId,
      readerId: "r1",
      kind: "view",
      occurredAtMs: nowMs,
      channel: "publisher",
      ...engagement,
    })),
  };
  const { source, detailType } = engagementsAccepted;
  return { id, body: JSON.stringify({ source, "detail-type": detailType, detail }) };
}

const readers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ readerId: `r${from + index}` as ReaderId }));

function ledgerItem(creator: CreatorId, sk: string) {
  return { TableName: tables.ledgerTable, Key: { pk: `creator#${creator}`, sk } };
}

describe("the money path on a real engine", () => {
  test("D2 Q1: duplicates inside a transaction are dropped and the rest is counted", async () => {
    const { count, balance } = world();
    expect(await count([delivery("m1", readers(0, 150))])).toMatchObject({
      failedIds: [],
      recorded: 150,
    });
    const again = await count([delivery("m2", readers(100, 300)), delivery("m3", readers(0, 10))]);
    expect(again).toEqual({
      ...{
        failedIds: [],
        recorded: 150,
        rejected: [],
        duplicates: 60,
        moderated: 0,
        reviewed: 0,
        canaries: 0,
      },
      states: new Map([["paid", 150]]),
    });
    expect(await balance()).toMatchObject({ settledMicros: "0", pendingMicros: "300000" });
  });

  test("S1: overlapping settlements book once; entries balance and explain themselves", async () => {
    const { settle, balance, proof } = world();
    await Promise.all([settle(), settle(), settle()]);
    expect(await balance()).toMatchObject({ settledMicros: "300000", pendingMicros: "0" });
    expect(await proof()).toMatchObject({ ok: true, quiet: true, differences: [] });
    const ledger = dynamoDbLedger(tables.client, tables.ledgerTable);
    const page = await readLedger(ledger, creatorId, { limit: 10 });
    expect(page.items).toHaveLength(1);
    expect(page.items[0]).toMatchObject({
      entryId: "c1.0000000001",
      amountMicros: "300000",
      postings: [
        { account: "expense:revenue-share", amountMicros: "300000" },
        { account: "payable:c1", amountMicros: "-300000" },
      ],
    });
    const lines = page.items[0]?.lines ?? [];
    expect(lines.every(({ day }) => day === "2028-02-29")).toBe(true);
    expect(lines.reduce((sum, { count }) => sum + Number(count), 0)).toBe(300);
  });

  test("S1: an entry's number is taken once, even by settlements of different counters", async () => {
    const table = dynamoDbSettlementTable({ ...tables, holdMs });
    const rival = "rival" as CreatorId;
    const entry = (articleId: string) =>
      entryOfLines(
        emptyAccount,
        { creatorId: rival, currency: "USD", nowMs, traceId: "t" },
        "settlement",
        [
          {
            ...parseLineKey(viewLine),
            ...{ articleId: articleId as ArticleId, day: utcDayOf(nowMs), count: 1n },
            ...{ amountMicros: micros(1_000), feeMicros: micros(0) },
          },
        ],
      );
    expect(await table.commit(entry("x"), [])).toBe("committed");
    expect(await table.commit(entry("y"), [])).toBe("raced");
    expect(await table.commit({ ...entry("y"), sequence: 3 }, [])).toBe("raced");
    expect(await table.readAccount(rival)).toMatchObject({
      ...{ sequence: 1, bookedAtMs: nowMs },
      totals: { earned: 1_000n },
    });
    await tables.client.send(new DeleteCommand(ledgerItem(rival, "account")));
    await tables.client.send(new DeleteCommand(ledgerItem(rival, "entry#0000000001")));
  });

  test("after a settlement new engagements are pending again, and due", async () => {
    const { count, balance, settle, proof } = world();
    await count([delivery("m4", readers(300, 310))]);
    expect(await balance()).toMatchObject({ settledMicros: "300000", pendingMicros: "10000" });
    const published: unknown[] = [];
    const bus = { publish: async (events: readonly unknown[]) => void published.push(...events) };
    const table = dynamoDbSettlementTable({ ...tables, holdMs });
    expect(await settleEarnings({ table, bus }, "t")).toBe(1);
    expect(published).toMatchObject([{ detail: { creatorIds: [creatorId] } }]);
    await settle();
    expect(await settleEarnings({ table, bus }, "t")).toBe(0);
    expect(await balance()).toMatchObject({ settledMicros: "310000", pendingMicros: "0" });
    expect(await proof()).toMatchObject({ ok: true });
  });

  test("D4: an expired key that DynamoDB has not deleted yet does not count as present", async () => {
    const { count } = world();
    const lastSecondMs = Date.parse("2028-03-01T00:00:00Z") + dedupeTtlMs;
    const old = delivery("m5", [{ readerId: "r1" as ReaderId }]);
    nowMs = lastSecondMs - 1;
    expect(await count([old])).toMatchObject({ recorded: 0, duplicates: 1 });
    nowMs = lastSecondMs + 1_000;
    expect(await count([old])).toMatchObject({
      ...{ recorded: 1, duplicates: 0 },
      rejected: [{ reason: "past_dedupe_horizon", engagement: { articleId, kind: "view" } }],
    });
    nowMs = startMs;
  });

  test("D3: a counter beyond 2^53 stays exact through settlement and reads", async () => {
    const { count, settle, balance, earnings, proof } = world();
    const beyond = 2n ** 60n + 1n;
    const id = { creatorId, articleId, day: utcDayOf(nowMs), shard: 0 };
    const add = (table: string, Key: object, attribute: string) =>
      tables.client.send(
        new UpdateCommand({
          TableName: table,
          Key: Key as Record<string, unknown>,
          UpdateExpression: "ADD #m :m",
          ExpressionAttributeNames: { "#m": attribute },
          ExpressionAttributeValues: { ":m": beyond },
        }),
      );
    await add(tables.earningsCountersTable, counterKey(id), `m:${viewLine}`);
    await add(tables.earningsCountersTable, { pk: "tally#00", sk: "total" }, "m");
    await count([delivery("m6", readers(400, 401))]);
    await settle();
    const expected = String(beyond + 311_000n);
    expect(await balance()).toMatchObject({ settledMicros: expected, pendingMicros: "0" });
    const page = await readEarnings({ earnings, clock }, creatorId, {
      groupBy: "article",
      limit: 10,
    });
    expect(page.items).toMatchObject([{ articleId, views: 311, micros: expected }]);
    expect(await proof()).toMatchObject({ ok: true });
  });

  test("what is held is booked as held, and waits on the list of its hold", async () => {
    const { count, settle, balance, proof } = world();
    // Eleven of one reader within an hour, of which ten are allowed.
    const articles = dynamoDbArticles(tables.client, tables.registryTable);
    const many = Array.from({ length: 11 }, (_, index) => `held/${index}` as ArticleId);
    for (const id of many) {
      const article = articleOf([
        { creatorId: "held" as CreatorId, basisPoints: 6_667 },
        { creatorId: "other" as CreatorId, basisPoints: 3_333 },
      ]);
      await articles.put({ ...article, articleId: id });
    }
    const readerId = "busy" as ReaderId;
    const counted = await count([
      delivery(
        "m7",
        many.map((id) => ({ articleId: id, readerId })),
      ),
    ]);
    expect(Object.fromEntries(counted.states)).toEqual({ paid: 10, "held.over_rate": 1 });
    const held = "held" as CreatorId;
    await settle(held);
    expect(await balance(held)).toMatchObject({
      ...{ settledMicros: "6670", heldMicros: "667", pendingMicros: "0" },
    });
    await settle("other" as CreatorId);
    expect(await balance("other" as CreatorId)).toMatchObject({
      ...{ settledMicros: "3330", heldMicros: "333" },
    });
    const { Items = [] } = await tables.client.send(
      new QueryCommand({
        TableName: tables.earningsCountersTable,
        IndexName: "due",
        KeyConditionExpression: "due = :bucket",
        ExpressionAttributeValues: { ":bucket": holdBucketOf(nowMs + holdMs) },
      }),
    );
    expect(Items.map(({ pk }) => pk).sort()).toEqual(["creator#held", "creator#other"]);
    expect(await proof()).toMatchObject({ ok: true, differences: [] });
  });

  test("the proof names the creator when money is tampered with", async () => {
    const { proof } = world();
    await tables.client.send(
      new UpdateCommand({
        TableName: tables.ledgerTable,
        Key: { pk: "creator#c1", sk: "account" },
        UpdateExpression: "ADD totals.earned :one",
        ExpressionAttributeValues: { ":one": 1n },
      }),
    );
    const { ok, differences } = await proof();
    expect(ok).toBe(false);
    expect(differences).toMatchObject([
      { what: `the account's "earned" differs from its entries`, creatorId: "c1" },
    ]);
  });
});
