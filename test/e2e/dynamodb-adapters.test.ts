import { DeleteCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { counterKey } from "../../adapters/dynamodb/counter-items.ts";
import { dynamoDbCountingTable } from "../../adapters/dynamodb/counting-table.ts";
import { dynamoDbEarnings } from "../../adapters/dynamodb/earnings-reader.ts";
import { dynamoDbLedger } from "../../adapters/dynamodb/ledger-items.ts";
import { dynamoDbProofSource } from "../../adapters/dynamodb/proof-source.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { dynamoDbSettlementTable } from "../../adapters/dynamodb/settlement-table.ts";
import { sha256Hex, systemPacing } from "../../adapters/runtime.ts";
import { type AcceptedEngagement, engagementsAccepted } from "../../core/contracts/events.ts";
import type { ArticleId, CreatorId, ReaderId } from "../../core/contracts/ids.ts";
import { countEngagements } from "../../core/earnings/count-engagements.ts";
import { countInTransactions } from "../../core/earnings/count-in-transactions.ts";
import { readBalance, readEarnings } from "../../core/earnings/read-earnings.ts";
import { settleCreator } from "../../core/earnings/settle-creator.ts";
import { settleEarnings } from "../../core/earnings/settle-earnings.ts";
import { settlementEntry } from "../../core/ledger/entry.ts";
import { proveMoney } from "../../core/ledger/prove-money.ts";
import { readLedger } from "../../core/ledger/read-ledger.ts";
import { micros } from "../../core/values/micros.ts";
import { utcDayOf } from "../../core/values/time.ts";
import { startTables, type TestTables } from "../support/tables.ts";

const dedupeTtlMs = 90 * 86_400_000;
const startMs = Date.parse("2028-02-29T12:00:00Z");
const creatorId = "c1" as CreatorId;
const articleId = "/a b/é" as ArticleId;

let tables: TestTables;
let nowMs = startMs;
const clock = { nowMs: () => nowMs };

beforeAll(async () => {
  tables = await startTables();
  const articles = dynamoDbArticles(tables.client, tables.registryTable);
  await articles.put({ articleId, title: "A", creatorId, updatedAtMs: nowMs });
});
afterAll(() => tables.stop());

function world() {
  const { client } = tables;
  const earnings = dynamoDbEarnings(client, tables);
  const table = dynamoDbSettlementTable({ ...tables });
  const currency = "USD";
  const source = dynamoDbProofSource({ ...tables });
  return {
    earnings,
    count: (deliveries: readonly { id: string; body: string }[]) =>
      countEngagements(
        {
          articles: dynamoDbArticles(client, tables.registryTable),
          rateCards: dynamoDbRateCards(client, tables.registryTable),
          countOnce: countInTransactions({
            table: dynamoDbCountingTable({ ...tables, clock }),
            clock,
            pacing: systemPacing,
          }),
          clock,
          sha256: sha256Hex,
          publisherId: "p",
          currency,
          dedupeTtlMs,
        },
        deliveries,
        nowMs + 60_000,
      ),
    settle: () =>
      settleCreator(
        { table, clock, pacing: systemPacing, currency, minMicros: micros(0), maxWaitMs: 0 },
        creatorId,
        "0".repeat(32),
      ),
    balance: () => readBalance({ earnings, clock, pacing: systemPacing, currency }, creatorId),
    proof: () => proveMoney({ source, clock, pacing: systemPacing }),
  };
}

function delivery(id: string, engagements: readonly Partial<AcceptedEngagement>[]) {
  const detail = {
    schemaVersion: 1,
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
    expect(again).toEqual({ failedIds: [], recorded: 150, rejected: [], duplicates: 60 });
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
    const table = dynamoDbSettlementTable({ ...tables });
    const rival = "rival" as CreatorId;
    const entry = (articleId: string) =>
      settlementEntry({
        ...{ creatorId: rival, sequence: 1, currency: "USD", bookedAtMs: nowMs, traceId: "t" },
        lines: [
          {
            ...{ articleId: articleId as ArticleId, day: utcDayOf(nowMs), kind: "view" as const },
            ...{ rateCardVersion: 0, count: 1n, amountMicros: micros(1_000) },
          },
        ],
      });
    expect(await table.commit(entry("x"), [])).toBe("committed");
    expect(await table.commit(entry("y"), [])).toBe("raced");
    expect(await table.commit({ ...entry("y"), sequence: 3 }, [])).toBe("raced");
    expect(await table.readAccount(rival)).toEqual({ sequence: 1, settledMicros: 1_000n });
    await tables.client.send(new DeleteCommand(ledgerItem(rival, "account")));
    await tables.client.send(new DeleteCommand(ledgerItem(rival, "entry#0000000001")));
  });

  test("after a settlement new engagements are pending again, and due", async () => {
    const { count, balance, settle, proof } = world();
    await count([delivery("m4", readers(300, 310))]);
    expect(await balance()).toMatchObject({ settledMicros: "300000", pendingMicros: "10000" });
    const published: unknown[] = [];
    const bus = { publish: async (events: readonly unknown[]) => void published.push(...events) };
    const table = dynamoDbSettlementTable({ ...tables });
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
    await add(tables.earningsCountersTable, counterKey(id), "m:view.0");
    await add(tables.earningsCountersTable, { pk: "tally#00", sk: "total" }, "m");
    await count([delivery("m6", readers(400, 401))]);
    await settle();
    const expected = String(beyond + 311_000n);
    expect(await balance()).toMatchObject({ settledMicros: expected, pendingMicros: "0" });
    const page = await readEarnings(earnings, creatorId, { limit: 10 });
    expect(page.items).toMatchObject([{ articleId, views: 311, micros: expected }]);
    expect(await proof()).toMatchObject({ ok: true });
  });

  test("the proof names the creator when money is tampered with", async () => {
    const { proof } = world();
    await tables.client.send(
      new UpdateCommand({
        TableName: tables.ledgerTable,
        Key: { pk: "creator#c1", sk: "account" },
        UpdateExpression: "ADD settledMicros :one",
        ExpressionAttributeValues: { ":one": 1n },
      }),
    );
    const { ok, differences } = await proof();
    expect(ok).toBe(false);
    expect(differences).toMatchObject([
      { what: "the account's micros differ from its entries", creatorId: "c1" },
    ]);
  });
});
