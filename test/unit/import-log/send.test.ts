import { describe, expect, it } from "vitest";
import {
  expectedCounts,
  type ImportedEngagement,
} from "../../../cli/import-log/expected-counts.ts";
import { articleRegistrar } from "../../../cli/import-log/register-articles.ts";
import { sender } from "../../../cli/import-log/send.ts";
import { simpleApi } from "./simple-api.ts";

function engagement(changes: Partial<ImportedEngagement> = {}): ImportedEngagement {
  const occurredAt = "2026-01-02T03:04:05.000Z";
  return { articleId: "/a/b", readerId: "r1", kind: "view", occurredAt, ...changes };
}

const about = { creatorId: "a", isBot: false };

function setUp() {
  const there = simpleApi();
  const expected = expectedCounts();
  const registrar = articleRegistrar(there.api);
  return { ...there, expected, send: sender({ api: there.api, registrar, expected }) };
}

describe("sender", () => {
  it("sends full batches and the rest, after registering each article once", async () => {
    const { send, batches, puts, expected } = setUp();
    for (let reader = 0; reader < 1_201; reader += 1) {
      await send.add(engagement({ readerId: `r${reader}`, articleId: `/a/${reader % 3}` }), about);
    }
    const totals = await send.finish();
    expect(batches.map(({ length }) => length).sort()).toEqual([201, 500, 500]);
    expect(puts.sort()).toEqual(["/a/0", "/a/1", "/a/2"]);
    expect(totals).toMatchObject({ offered: 1_201, accepted: 1_201, newArticles: 3 });
    expect(expected.distinct()).toBe(1_201);
  });

  it("keeps a batch's body under the limit", async () => {
    const { send, batches } = setUp();
    const referrer = `https://host.example/${"\u00e9".repeat(2_000)}`;
    for (let reader = 0; reader < 500; reader += 1) {
      await send.add(engagement({ readerId: `r${reader}`, referrer }), about);
    }
    await send.finish();
    expect(batches.length).toBeGreaterThan(1);
    for (const engagements of batches) {
      expect(Buffer.byteLength(JSON.stringify({ engagements }))).toBeLessThanOrEqual(1_048_576);
    }
  });

  it("leaves an article that is there alone, and pays whom it names", async () => {
    const { send, articles, puts, expected } = setUp();
    const shares = [{ creatorId: "somebody" }, { creatorId: "another" }];
    const versions = [{ shares: [{ creatorId: "earlier" }] }, { shares }];
    articles.set("/a/b", { articleId: "/a/b", shares, versions });
    await send.add(engagement(), about);
    expect(await send.finish()).toMatchObject({ newArticles: 0 });
    expect(puts).toEqual([]);
    expect(expected.articles()).toMatchObject([
      { creatorIds: ["somebody", "another", "earlier"], views: 1 },
    ]);
  });

  it("goes on without articles and engagements that the API refuses, and says why", async () => {
    const { send, expected } = setUp();
    await send.add(engagement({ articleId: "/refused" }), about);
    await send.add(engagement({ readerId: "refused-1" }), about);
    await send.add(engagement(), about);
    const { accepted, refused, refusedArticles } = await send.finish();
    expect(accepted).toBe(1);
    expect(refused.lines()).toEqual([{ reason: "invalid: no such reader", count: 1 }]);
    expect(refusedArticles.lines()).toMatchObject([{ reason: "400, not this one", count: 1 }]);
    expect(expected.distinct()).toBe(1);
  });

  it("takes an answer that refuses a whole batch, item by item", async () => {
    const { send } = setUp();
    await send.add(engagement({ readerId: "refused-1" }), about);
    const { accepted, refused } = await send.finish();
    expect([accepted, refused.total()]).toEqual([0, 1]);
  });

  it("fails when the API answers what it should not", async () => {
    const { api, ...rest } = setUp();
    const registrar = articleRegistrar(api);
    const broken = sender({
      ...rest,
      registrar,
      api: async () => ({ status: 404, body: { detail: "no route" } }),
    });
    await broken.add(engagement(), about);
    await expect(broken.finish()).rejects.toThrow("no route");
  });

  it("refuses an article whose id did not survive the way", async () => {
    const registrar = articleRegistrar(async () => ({
      status: 200,
      body: { articleId: "/a b", shares: [{ creatorId: "a" }] },
    }));
    expect(await registrar.ensure("/a%20b", "a")).toEqual({
      refused: 'the API read the id as "/a b"',
    });
  });
});

describe("expectedCounts", () => {
  const article = { articleId: "/a/b", creatorIds: ["a"] };

  it("counts a reader's view of an article once a UTC day, a search visit beside it", () => {
    const expected = expectedCounts();
    for (const changes of [
      {},
      { occurredAt: "2026-01-02T23:59:59.000Z" },
      { occurredAt: "2026-01-03T00:00:00.000Z" },
      { readerId: "r2" },
      { kind: "search_visit" as const },
      { kind: "search_visit" as const, referrer: "https://www.bing.com/" },
    ]) {
      expected.note(engagement(changes), article, "readerId" in changes);
    }
    expect(expected.articles()).toEqual([{ ...article, views: 3, searchVisits: 1 }]);
    expect(expected.distinct()).toBe(4);
    expect(expected.byBots()).toBe(1);
    expect(expected.exact()).toBe(true);
  });

  it("stops remembering at its limit and says so", () => {
    const expected = expectedCounts(2);
    for (const readerId of ["r1", "r2", "r1", "r3"])
      expected.note(engagement({ readerId }), article, false);
    expect(expected.articles()).toMatchObject([{ views: 2 }]);
    expect(expected.exact()).toBe(false);
  });
});
