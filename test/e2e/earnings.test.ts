import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dayMs, utcDayOf } from "../../core/values/time.ts";
import type { Cloud } from "../../local/cloud.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud } from "./support/cloud.ts";

let cloud: Cloud;
let api: ApiClient;
let ada: string;

// Noon, so that an hour more or less is the same day.
const noonMs = Math.floor(Date.now() / dayMs) * dayMs - dayMs / 2;
const [yesterday, before] = [utcDayOf(noonMs), utcDayOf(noonMs - 3 * dayMs)];

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  ada = await cloud.mintToken({ role: "creator", id: "ada" });
  const put = async (path: string, body: unknown) => {
    const headers = { "idempotency-key": randomUUID() };
    const answer = await api.call("PUT", path, { token: api.publisher, body, headers });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  };
  const shares = [
    { creatorId: "ada", basisPoints: 7_500 },
    { creatorId: "bea", basisPoints: 2_500 },
  ];
  await put("/v1/articles/alone", { title: "Alone", creatorId: "ada" });
  await put("/v1/articles/shared", { title: "Shared", shares });
  const occurredAt = new Date(noonMs).toISOString();
  const earlier = new Date(noonMs - 3 * dayMs).toISOString();
  const comment = { characters: 500, moderation: "approved" };
  await report([
    { articleId: "alone", readerId: "r1", kind: "view", occurredAt },
    { articleId: "alone", readerId: "r1", kind: "read", occurredAt },
    { articleId: "alone", readerId: "r2", kind: "view", occurredAt: earlier },
    // Reads their own article.
    { articleId: "alone", readerId: "ada", kind: "view", occurredAt },
    { articleId: "shared", readerId: "r1", kind: "view", occurredAt },
    { articleId: "shared", readerId: "r1", kind: "comment", occurredAt, comment },
    // Nobody has looked at it yet.
    { articleId: "shared", readerId: "r2", kind: "comment", occurredAt },
  ]);
});
afterAll(() => stopTestCloud(cloud));

async function report(engagements: readonly object[]): Promise<void> {
  const body = { engagements };
  const path = "/v1/engagements/batch";
  const answer = await api.call("POST", path, { token: api.publisher, body });
  expect([answer.status, answer.body.rejected]).toEqual([202, []]);
  await cloud.waitUntilIdle();
}

const earnings = (query = "", creator = "ada", token = ada) =>
  api.call("GET", `/v1/creators/${creator}/earnings${query}`, { token });

const none = { views: 0, reads: 0, reactions: 0, comments: 0, searchVisits: 0 };

test("by article: what earns, what waits, what is void, and the money of each", async () => {
  const { status, body } = await earnings();
  expect(status).toBe(200);
  expect(body).toEqual({
    items: [
      {
        ...{ articleId: "alone", ...none, views: 2, reads: 1 },
        ...{ micros: "5000", paidMicros: "5000", heldMicros: "0", feeMicros: "0" },
        ...{ held: {}, void: { self_view: 1 } },
      },
      {
        ...{ articleId: "shared", ...none, views: 1, comments: 2 },
        ...{ micros: "3750", paidMicros: "2250", heldMicros: "1500", feeMicros: "0" },
        ...{ held: { unmoderated: 1 }, void: {} },
      },
    ],
  });
});

test("by day and by kind, of a range of days", async () => {
  const days = await earnings(`?groupBy=day&from=${before}&to=${yesterday}`);
  expect(days.body.items).toMatchObject([
    { day: before, ...none, views: 1, micros: "1000" },
    { day: yesterday, ...none, views: 2, reads: 1, comments: 2, micros: "7750" },
  ]);
  const kinds = await earnings(`?groupBy=kind&from=${yesterday}&to=${yesterday}`);
  expect(kinds.body.items).toMatchObject([
    { kind: "view", ...none, views: 2, micros: "1750", void: { self_view: 1 } },
    { kind: "read", ...none, reads: 1, micros: "3000" },
    { kind: "comment", ...none, comments: 2, micros: "3000", held: { unmoderated: 1 } },
  ]);
  const articles = await earnings(`?from=${before}&to=${before}`);
  expect(articles.body).toMatchObject({ items: [{ articleId: "alone", views: 1 }] });
});

test("pages of articles leave nothing out", async () => {
  const first = await earnings("?limit=1");
  expect(first.body).toMatchObject({ items: [{ articleId: "alone" }], nextCursor: "alone" });
  const second = await earnings("?limit=1&cursor=alone");
  expect(second.body.items).toMatchObject([{ articleId: "shared" }]);
  expect(second.body).not.toHaveProperty("nextCursor");
});

test("settled or not, earnings and the balance say the same; held money waits", async () => {
  const { items } = (await earnings()).body;
  const sum = (name: string) =>
    items.reduce(
      (total: bigint, item: Record<string, string>) => total + BigInt(item[name] ?? 0),
      0n,
    );
  const money = { heldMicros: String(sum("heldMicros")), inPayoutMicros: "0" };
  const pending = { settledMicros: "0", pendingMicros: String(sum("paidMicros")) };
  expect(await api.balance("ada")).toMatchObject({ currency: "USD", ...pending, ...money });
  await cloud.fireSchedule("pennyline-local-settle-earnings");
  await cloud.waitUntilIdle();
  const settled = { settledMicros: pending.pendingMicros, pendingMicros: "0" };
  expect(await api.balance("ada")).toMatchObject({ ...settled, ...money });
  expect(await api.balance("bea")).toMatchObject({ settledMicros: "750", heldMicros: "500" });
  expect((await earnings()).body.items).toEqual(items);
  expect(await api.proof()).toMatchObject({ ok: true });
});

test.each([
  ["?groupBy=week", "groupBy"],
  ["?from=2028-02-30", "from"],
  ["?from=2028-02-02&to=2028-02-01", "to"],
  ["?groupBy=day&from=2026-01-01&to=2027-01-02", "to"],
  ["?groupBy=kind&cursor=alone", "cursor"],
  ["?limit=0", "limit"],
])("refuses %s and names what is wrong", async (query, field) => {
  const { status, body } = await earnings(query);
  expect(status).toBe(400);
  expect(body.errors).toMatchObject([{ field: expect.stringContaining(field) }]);
});

test("nobody sees another creator's earnings", async () => {
  const bea = await cloud.mintToken({ role: "creator", id: "bea" });
  expect((await earnings("", "ada", bea)).status).toBe(404);
  expect((await earnings("", "bea", bea)).status).toBe(200);
});
