import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chunk } from "../../core/values/group-by.ts";
import type { Cloud } from "../../local/cloud.ts";
import { type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud } from "./support/cloud.ts";

let cloud: Cloud;
let api: ApiClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
});
afterAll(() => stopTestCloud(cloud));

async function settle() {
  await cloud.waitUntilIdle();
  await cloud.fireSchedule("pennyline-local-settle-earnings");
  await cloud.waitUntilIdle();
}

describe("a page view becomes settled money", () => {
  test("a reader's view pays at the card's price, is pending, then settled", async () => {
    await api.putArticle("/serial/chapter 1", "ada");
    const token = await api.viewToken("/serial/chapter 1", "reader-1");
    const report = { token, kind: "view" };
    const answer = await api.call("POST", "/v1/engagements", { body: report });
    expect([answer.status, answer.body]).toEqual([202, { accepted: 1, rejected: [] }]);
    await cloud.waitUntilIdle();
    expect(await api.balance("ada")).toMatchObject({ settledMicros: "0", pendingMicros: "1000" });

    await settle();
    expect(await api.balance("ada")).toMatchObject({ settledMicros: "1000", pendingMicros: "0" });
    const ada = await cloud.mintToken({ role: "creator", id: "ada" });
    const earnings = await api.call("GET", "/v1/creators/ada/earnings", { token: ada });
    expect(earnings.body.items).toEqual([
      {
        articleId: "/serial/chapter 1",
        views: 1,
        reads: 0,
        reactions: 0,
        comments: 0,
        searchVisits: 0,
        ...{ micros: "1000", paidMicros: "1000", heldMicros: "0", feeMicros: "0" },
        ...{ held: {}, void: {} },
      },
    ]);
    const ledger = await api.call("GET", "/v1/creators/ada/ledger", { token: ada });
    expect(ledger.body.items[0].postings).toEqual([
      { account: "expense:revenue-share", amountMicros: "1000" },
      { account: "payable:ada", amountMicros: "-1000" },
    ]);
  });

  test("sendBeacon's text/plain is accepted, and so is a token minted offline", async () => {
    await api.putArticle("offline", "bea");
    const secretArn = cloud.resources.find(({ type }) => type === "AWS::SecretsManager::Secret");
    const secret = JSON.parse(cloud.secret(secretArn?.ref ?? ""));
    const token = await new SignJWT({ sub: "reader-9", art: "offline", jti: randomUUID() })
      .setProtectedHeader({ alg: "HS256", kid: secret.current })
      .setIssuedAt()
      .setExpirationTime("48h")
      .sign(new TextEncoder().encode(secret[secret.current]));
    const answer = await api.call("POST", "/v1/engagements", {
      raw: JSON.stringify({
        engagements: [
          { token, kind: "view" },
          { token, kind: "read" },
        ],
      }),
      headers: { "content-type": "text/plain;charset=UTF-8" },
    });
    expect([answer.status, answer.body.accepted]).toEqual([202, 2]);
    await cloud.waitUntilIdle();
    expect(await api.balance("bea")).toMatchObject({ pendingMicros: "4000" });
  });

  test("Q1: one reader posting one view 1,000 times over 50 connections earns once", async () => {
    await api.putArticle("storm", "cleo");
    const token = await api.viewToken("storm", "stormy");
    const statuses: number[] = [];
    const connections = Array.from({ length: 50 }, async () => {
      for (let time = 0; time < 20; time += 1) {
        const answer = await api.call("POST", "/v1/engagements", { body: { token, kind: "view" } });
        statuses.push(answer.status);
      }
    });
    await Promise.all(connections);
    expect(statuses.filter((status) => status === 202)).toHaveLength(1_000);
    await cloud.waitUntilIdle();
    // A storm of one token is no reader: unless it was counted before the storm showed, it is held.
    const { pendingMicros, heldMicros } = await api.balance("cleo");
    expect(BigInt(pendingMicros) + BigInt(heldMicros)).toBe(1_000n);
    const next = await api.viewToken("offline", "stormy");
    await api.call("POST", "/v1/engagements", { body: { token: next, kind: "reaction" } });
    await cloud.waitUntilIdle();
    expect(await api.balance("bea")).toMatchObject({ pendingMicros: "4000", heldMicros: "500" });
  });

  test("20,000 distinct views of one article all count, to the micro", async () => {
    await api.putArticle("viral", "dora");
    const parts = chunk(readerIds(20_000), 5_000);
    const accepted = await Promise.all(parts.map((part) => api.postViews("viral", part)));
    expect(accepted.reduce((sum, count) => sum + count)).toBe(20_000);
    // Settled while it is being counted: what is settled and what is pending are always one sum.
    await cloud.fireSchedule("pennyline-local-settle-earnings");
    await cloud.waitUntilIdle();
    const { settledMicros, pendingMicros } = await api.balance("dora");
    expect(BigInt(settledMicros) + BigInt(pendingMicros)).toBe(20_000_000n);
    await settle();
    expect(await api.balance("dora")).toMatchObject({
      settledMicros: "20000000",
      pendingMicros: "0",
    });
  });

  test("an engagement is priced by the card in force when it occurred", async () => {
    await api.putArticle("priced", "eve");
    const before = new Date().toISOString();
    const micros = { view: 7, read: 8, reaction: 9, comment: 10, search_visit: 11 };
    const card = await api.call("PUT", "/v1/rate-cards/current", {
      token: api.publisher,
      body: { currency: "USD", micros },
      headers: { "idempotency-key": randomUUID() },
    });
    expect([card.status, card.body.version]).toEqual([200, 1]);
    const engagements = [
      { articleId: "priced", readerId: "r1", kind: "view", occurredAt: before },
      { articleId: "priced", readerId: "r2", kind: "view" },
      {
        ...{ articleId: "priced", readerId: "r2", kind: "comment" },
        comment: { characters: 100, moderation: "approved" },
      },
    ];
    const path = "/v1/engagements/batch";
    await api.call("POST", path, { token: api.publisher, body: { engagements } });
    await cloud.waitUntilIdle();
    expect(await api.balance("eve")).toMatchObject({ pendingMicros: String(1_000 + 7 + 10) });
    const current = await api.call("GET", "/v1/rate-cards/current", { token: api.publisher });
    expect(current.body).toEqual(card.body);
  });

  test("earnings and ledger come in pages that leave nothing out", async () => {
    const articles = Array.from({ length: 4 }, (_, index) => `paged/${index}`);
    for (const article of articles) {
      await api.putArticle(article, "fay");
      await api.postViews(article, readerIds(2));
      await settle();
    }
    const seen: string[] = [];
    let cursor = "";
    do {
      const path = `/v1/creators/fay/earnings?limit=3${cursor && `&cursor=${cursor}`}`;
      const { body } = await api.call("GET", path, { token: api.publisher });
      seen.push(...body.items.map((item: { articleId: string }) => item.articleId));
      cursor = body.nextCursor ? encodeURIComponent(body.nextCursor) : "";
    } while (cursor);
    expect(seen).toEqual(articles);

    const sequences: number[] = [];
    do {
      const path = `/v1/creators/fay/ledger?limit=3${cursor && `&cursor=${cursor}`}`;
      const { body } = await api.call("GET", path, { token: api.publisher });
      sequences.push(...body.items.map((item: { sequence: number }) => item.sequence));
      cursor = body.nextCursor ?? "";
    } while (cursor);
    expect(sequences).toEqual([4, 3, 2, 1]);
  });

  test("a trace goes from the request over bus and queue into the workers' logs", async () => {
    const traceId = randomUUID().replaceAll("-", "");
    await api.putArticle("traced", "gil");
    const token = await api.viewToken("traced", "reader-1");
    const answer = await api.call("POST", "/v1/engagements", {
      body: { token, kind: "view" },
      headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    });
    expect(answer.headers.get("traceparent")).toMatch(
      new RegExp(`^00-${traceId}-[0-9a-f]{16}-0[01]$`),
    );
    await cloud.waitUntilIdle();
    for (const name of ["accept-engagements", "count-engagements"]) {
      const file = join(cloud.dataDir.logs, `pennyline-local-${name}.log`);
      const lines = readFileSync(file, "utf8").trim().split("\n");
      const logged = lines.filter((line) => line.includes(traceId)).map((line) => JSON.parse(line));
      expect(logged, name).not.toHaveLength(0);
    }
  });

  test("the proof is ok, and its totals are the sums of the above", async () => {
    await settle();
    const proof = await api.proof();
    expect(proof).toMatchObject({ ok: true, quiet: true, differences: [] });
    const { payableMicros, heldMicros } = proof.ledger;
    expect(BigInt(payableMicros) + BigInt(heldMicros)).toBe(BigInt(proof.counted.micros));
    expect(proof.counters).toEqual({ pendingMicros: "0", pendingHeldMicros: "0" });
  });
});
