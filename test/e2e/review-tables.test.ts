import { PutCommand, ScanCommand, TransactWriteCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addToCounter } from "../../adapters/dynamodb/counter-additions.ts";
import { counterFromItem, counterKey } from "../../adapters/dynamodb/counter-items.ts";
import { impressionItem, impressionKeyItem } from "../../adapters/dynamodb/impression-items.ts";
import { getItems } from "../../adapters/dynamodb/items.ts";
import { dynamoDbPoolTable } from "../../adapters/dynamodb/pool-table.ts";
import { dynamoDbReviews } from "../../adapters/dynamodb/review-store.ts";
import { dynamoDbReviewTable } from "../../adapters/dynamodb/review-table.ts";
import { sha256Hex, systemPacing } from "../../adapters/runtime.ts";
import { reviewRequested } from "../../core/contracts/events.ts";
import type { ArticleId, CreatorId, ReaderId } from "../../core/contracts/ids.ts";
import { effectOfLines, type LineTotal, noLine } from "../../core/earnings/counter.ts";
import { type ImpressionKey, readerDayOf } from "../../core/earnings/impression-key.ts";
import type { LineKey } from "../../core/earnings/line.ts";
import { applyReviews } from "../../core/reviews/apply-review.ts";
import { type Moderation, moderateComments } from "../../core/reviews/moderate-comments.ts";
import type { Review, ReviewFilter } from "../../core/reviews/review.ts";
import { micros } from "../../core/values/micros.ts";
import { daysOf, type UtcDay } from "../../core/values/time.ts";
import { startTables, type TestTables } from "../support/tables.ts";

const publisherId = "pennyline";
const [from, to] = ["2028-02-28" as UtcDay, "2028-03-01" as UtcDay];
const readers = ["r1", "r2"] as ReaderId[];
const keysOfDay = 9;
let tables: TestTables;

/** So long that a page (1 MB) holds a handful of them. */
const padding = "x".repeat(200_000);

beforeAll(async () => {
  tables = await startTables();
  const days = daysOf({ from: "2028-02-27" as UtcDay, to: "2028-03-02" as UtcDay });
  for (const readerId of readers) {
    for (const day of days) {
      const pk = readerDayOf(sha256Hex, publisherId, readerId, day);
      const put = (Item: object) =>
        tables.client.send(
          new PutCommand({ TableName: tables.impressionKeysTable, Item: { pk, ...Item } }),
        );
      await put({ sk: "!presented", requests: new Set(["a"]), ttl: 1n });
      await put({ sk: "rejected", state: "rejected", at: BigInt(Date.parse(day)), ttl: 1n });
      for (let index = 0; index < keysOfDay; index += 1) {
        await put({
          ...{ sk: `key-${index}`, state: "paid", articleId: "a", kind: "view", padding },
          ...{ at: BigInt(Date.parse(day)), counted: 1n, ttl: 2_000_000_000n, day, shard: 0n },
          credits: [{ c: "ada", l: "view.1.1.p", m: 1_000n }],
        });
      }
    }
  }
});
afterAll(() => tables.stop());

/** Every key that a review's segments come by, and how many pages that took. */
async function walk(filter: Partial<ReviewFilter>, segments: number) {
  const table = dynamoDbReviewTable({ ...tables, publisherId });
  const review: Review = {
    ...{ reviewId: "1", decision: "void", note: "n", requestedBy: "admin:a", requestId: "1" },
    ...{ filter: { from, to, ...filter }, requestedAtMs: 1, segments },
  };
  const keys: string[] = [];
  let pages = 0;
  for (let segment = 0; segment < segments; segment += 1) {
    let cursor: string | undefined;
    do {
      const page = await table.page(review, { reviewId: "1", segment, segments }, cursor);
      keys.push(...page.keys.map(({ key }) => key));
      cursor = page.cursor;
      pages += 1;
    } while (cursor !== undefined);
  }
  return { keys: keys.sort(), pages };
}

const expected = (of: readonly ReaderId[]) =>
  of
    .flatMap((readerId) => daysOf({ from, to }).map((day) => ({ readerId, day })))
    .map(({ readerId, day }) => readerDayOf(sha256Hex, publisherId, readerId, day))
    .flatMap((day) => Array.from({ length: keysOfDay }, (_, index) => `${day}/key-${index}`))
    .sort();

test("a reader's days are walked page by page, each key once", async () => {
  const { keys, pages } = await walk({ readerId: readers[0] as ReaderId }, 1);
  expect(keys).toEqual(expected(["r1" as ReaderId]));
  expect(pages).toBeGreaterThan(3);
});

test("the segments of all keys hold each of the days' keys once", async () => {
  const { keys, pages } = await walk({}, 3);
  expect(keys).toEqual(expected(readers));
  expect(pages).toBeGreaterThan(6);
  expect((await walk({ articleId: "b" as never }, 3)).keys).toEqual([]);
});

test("what a pool awarded is given back to the micro, one review after the other", async () => {
  const { client, earningsCountersTable, impressionKeysTable, registryTable } = tables;
  const day = "2028-05-01" as UtcDay;
  const nowMs = Date.parse("2028-05-03T00:00:00Z");
  const creatorId = "ada" as CreatorId;
  const articleId = "pooled" as ArticleId;
  const id = { creatorId, articleId, day, shard: 3, pool: 1 };
  const line = "view.~1.1.w" as LineKey;
  const add = (key: string, total: Partial<LineTotal>) => {
    const lines = new Map([[key as LineKey, { ...noLine, count: 3n, ...total }]]);
    const action = addToCounter(earningsCountersTable, { id, lines }, nowMs);
    return client.send(new TransactWriteCommand({ TransactItems: [action] }));
  };
  const pooled = ["p1", "p2", "p3"] as ReaderId[];
  for (const readerId of pooled) {
    const key = `${readerDayOf(sha256Hex, publisherId, readerId, day)}/view` as ImpressionKey;
    const decision: Parameters<typeof impressionItem>[0] = {
      key,
      expiresAtMs: nowMs + 1e9,
      outcome: "counted",
      state: "paid",
      kind: "view",
      day,
      shard: 3,
      poolNumber: 1,
      engagement: { articleId, kind: "view", occurredAtMs: Date.parse(day) },
      credits: [{ creatorId, line, total: { ...noLine, count: 1n, weight: 7n } }],
    };
    const Item = impressionItem(decision, Date.parse(day));
    await client.send(new PutCommand({ TableName: impressionKeysTable, Item }));
  }
  await add(line, { weight: 21n });

  const store = dynamoDbReviews(client, registryTable);
  const failures: unknown[] = [];
  const apply = async (reviewId: string, readerId: ReaderId) => {
    const detail = { schemaVersion: 1, reviewId, segment: 0, segments: 1 };
    const { source, detailType } = reviewRequested;
    const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
    await store.put({
      ...{ reviewId, decision: "void", note: "n", requestedBy: "admin:a", requestId: reviewId },
      ...{ filter: { readerId, from: day, to: day }, requestedAtMs: nowMs, segments: 1 },
    });
    const body = { source, "detail-type": detailType, detail: { ...detail, traceparent } };
    const deps = {
      ...{ store, clock: { nowMs: () => nowMs }, pacing: systemPacing, poolOpenMs: 6 * 3_600_000 },
      table: dynamoDbReviewTable({ ...tables, publisherId }),
      bus: { publish: async () => {} },
      onFailed: (_: string, error: unknown) => void failures.push(error),
    };
    const deliveries = [{ id: "m", body: JSON.stringify(body) }];
    await applyReviews(deps, deliveries, Number.MAX_SAFE_INTEGER, traceparent);
  };
  const moneyOf = async () => {
    const [item] = await getItems(client, earningsCountersTable, [counterKey(id)]);
    return effectOfLines(counterFromItem(item ?? {}).counted);
  };

  await apply("2028-a", pooled[0] as ReaderId);
  expect(failures).toMatchObject([{ message: expect.stringMatching(/pool/) }]);
  await add("view.~1.1.p", { weight: 21n, micros: micros(100), feeMicros: micros(10) });
  const after: bigint[] = [];
  for (const [index, readerId] of pooled.entries()) {
    await apply(index === 0 ? "2028-a" : `2028-${index}`, readerId);
    after.push((await moneyOf()).payable);
  }
  expect(after).toEqual([67n, 34n, 0n]);
  expect(await moneyOf()).toEqual({ payable: 0n, held: 0n, fee: 0n });
  expect(failures).toHaveLength(1);
  expect(await store.creators("2028-1", 10)).toEqual([
    { creatorId, payableMicros: -33n, heldMicros: 0n },
  ]);
});

test("what weighed nothing in a pool leaves it without bringing its counter back on a list", async () => {
  const { client, earningsCountersTable } = tables;
  const day = "2028-05-01" as UtcDay;
  const id = {
    ...{ creatorId: "ada" as CreatorId, articleId: "light" as ArticleId },
    ...{ day, shard: 3, pool: 1 },
  };
  const stored = async () => {
    const [item] = await getItems(client, earningsCountersTable, [counterKey(id)]);
    return item;
  };
  const add = async (key: string) => {
    const lines = new Map([[key as LineKey, { ...noLine, count: 1n }]]);
    const action = addToCounter(earningsCountersTable, { id, lines }, 1);
    await client.send(new TransactWriteCommand({ TransactItems: [action] }));
  };
  await add("view.~1.1.w");
  expect(await stored()).toHaveProperty("due");
  const award = { id, step: 0, lines: new Map() };
  const pools = dynamoDbPoolTable({ ...tables, clock: { nowMs: () => 1 } });
  expect(await pools.award(award, 0)).toBe("awarded");
  await add("view.~1.1.u");
  expect(await stored()).toMatchObject({ "n:view.~1.1.u": 1n });
  expect(await stored()).not.toHaveProperty("due");
});

test("what no review decided changes keys and counters, and no review", async () => {
  const { client, impressionKeysTable, earningsCountersTable, registryTable } = tables;
  const table = dynamoDbReviewTable({ ...tables, publisherId });
  const day = "2028-05-01" as UtcDay;
  const key =
    `${readerDayOf(sha256Hex, publisherId, "m" as ReaderId, day)}/comment` as ImpressionKey;
  const nowMs = Date.parse("2028-05-01T12:00:00Z");
  const [creatorId, articleId] = ["moderated" as CreatorId, "m" as ArticleId];
  const total = { ...noLine, count: 1n, micros: micros(900), feeMicros: micros(100) };
  const line = "comment:short.1.1.h.unmoderated" as LineKey;
  const decision: Parameters<typeof impressionItem>[0] = {
    ...{ key, expiresAtMs: nowMs + 1e9, outcome: "counted", kind: "comment:short", day, shard: 3 },
    ...{ state: "held", reason: "unmoderated", credits: [{ creatorId, line, total }] },
    engagement: { articleId, kind: "comment", occurredAtMs: nowMs },
  };
  const id = { creatorId, articleId, day, shard: 3 };
  const item = impressionItem(decision, nowMs);
  await client.send(new PutCommand({ TableName: impressionKeysTable, Item: item }));
  const held = addToCounter(earningsCountersTable, { id, lines: new Map([[line, total]]) }, nowMs);
  await client.send(new TransactWriteCommand({ TransactItems: [held] }));

  const before = await client.send(new ScanCommand({ TableName: registryTable }));
  const deps = { table, clock: { nowMs: () => nowMs }, pacing: systemPacing, poolOpenMs: 0 };
  const say = (moderation: Moderation) =>
    moderateComments(deps, new Map([[key, moderation]]), Number.MAX_SAFE_INTEGER);
  // Side by side: one of them decides.
  const all = await Promise.all([say("rejected"), say("rejected"), say("rejected")]);
  expect(all.map(({ failed }) => failed)).toEqual([[], [], []]);
  expect(all.reduce((sum, { changed }) => sum + changed, 0)).toBe(1);
  expect(await say("approved")).toEqual({ changed: 0, failed: [] });

  const [changed] = await getItems(client, impressionKeysTable, [impressionKeyItem(key)]);
  expect(changed).toEqual({ ...item, state: "void", reason: "comment_rejected" });
  const [counter] = await getItems(client, earningsCountersTable, [counterKey(id)]);
  const { counted } = counterFromItem(counter ?? {});
  expect(effectOfLines(counted)).toEqual({ payable: 0n, held: 0n, fee: 0n });
  expect(counted.get("comment:short.1.1.d.unmoderated" as LineKey)).toEqual(total);
  expect(await client.send(new ScanCommand({ TableName: registryTable }))).toMatchObject({
    Items: before.Items,
  });
});
