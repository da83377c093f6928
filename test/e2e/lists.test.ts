import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Role } from "../../core/contracts/routes.ts";
import { type Answer, type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";

let cloud: TestCloud;
let api: ApiClient;

const iban = "DE89370400440532013000";
const halves = ["ada", "ben"].map((creatorId) => ({ creatorId, basisPoints: 5_000 }));

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  for (const id of ["a/1", "a/2", "b é~1", "c"]) await api.putArticle(id, "ada");
  await send("PUT", "/v1/articles/shared", { title: "Über uns", shares: halves, group: "news" });
  await send("PUT", "/v1/articles/other", { title: "Other", creatorId: "ben" });
  await send("PUT", "/v1/creators/ada", { name: "Ada", payee: { name: "Ada L.", iban } });
  await send("PUT", "/v1/creators/ben", { name: "ben" });
  await send("PUT", "/v1/creators/cleo", { payee: { name: "Cleo", iban } });
  // The canary registers its test article.
  expect(await cloud.fireSchedule("pennyline-local-run-canary")).toMatchObject({ ok: true });
});
afterAll(() => stopTestCloud(cloud));

const get = (path: string, token = api.publisher) => api.call("GET", path, { token });
async function send(method: string, path: string, body: object) {
  const headers = { "idempotency-key": randomUUID() };
  const answer = await api.call(method, path, { token: api.publisher, body, headers });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}
const tokenOf = (role: Role, id: string) => cloud.mintToken({ role, id });
const adasToken = () => tokenOf("creator", "ada");

// biome-ignore lint/suspicious/noExplicitAny: tests state the shape they expect
type Row = any;

/** Every item of a list, page by page; `between` is called after each page. */
async function all(path: string, token = api.publisher, between = async () => {}): Promise<Row[]> {
  const rows: Row[] = [];
  const url = new URL(path, cloud.url);
  for (let pages = 0; pages < 100; pages += 1) {
    const answer = await get(url.pathname + url.search, token);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    rows.push(...answer.body.items);
    const { nextCursor } = answer.body;
    if (nextCursor === undefined) return rows;
    url.searchParams.set("cursor", nextCursor);
    await between();
  }
  return expect.unreachable(`${path} does not end`);
}

const articleIds = async (query: string, token?: string) =>
  (await all(`/v1/articles${query}`, token)).map(({ articleId }) => articleId);
const creatorIds = async (query: string) =>
  (await all(`/v1/creators${query}`)).map(({ creatorId }) => creatorId);

function expectProblem(answer: Answer, ...words: string[]) {
  expect(answer.body).toMatchObject({
    ...{ status: 400, type: "urn:pennyline:problem:invalid-request" },
  });
  for (const word of words) expect(answer.body.detail).toContain(word);
}

describe("GET /v1/articles", () => {
  test("has each article once, by id, in pages of any size, without the canary's", async () => {
    const ids = ["a/1", "a/2", "b é~1", "c", "other", "shared"];
    for (const query of ["", "?limit=1", "?limit=4"]) expect(await articleIds(query)).toEqual(ids);
    expect(await articleIds("", api.admin)).toEqual(ids);
  });

  test("shows an article as the single read does, but for the versions", async () => {
    const [shown] = await all("/v1/articles?titlePrefix=%C3%BCBER");
    const { versions: _, ...single } = (await get("/v1/articles/shared")).body;
    expect(shown).toEqual(single);
  });

  test("is filtered by creator, group, title and time of change", async () => {
    expect(await articleIds("?creatorId=ben")).toEqual(["other", "shared"]);
    expect(await articleIds("?group=news")).toEqual(["shared"]);
    expect(await articleIds("?creatorId=ada&titlePrefix=A")).toEqual(["a/1", "a/2"]);
    expect(await articleIds("?creatorId=nobody")).toEqual([]);
    const { updatedAt } = (await get("/v1/articles/c")).body;
    const later = await articleIds(`?updatedAfter=${updatedAt}`);
    expect(later).toEqual(["other", "shared"]);
  });

  test("pages stay whole while articles are added and changed", async () => {
    let added = 0;
    const seen = await all("/v1/articles?limit=2", api.publisher, async () => {
      added += 1;
      await api.putArticle(`a/0-${added}`, "zoe");
      await api.putArticle(`zz-${added}`, "zoe");
      await api.putArticle("c", "ada");
    });
    const ids = seen.map(({ articleId }) => articleId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(["a/1", "a/2", "b é~1", "c", "other", "shared"]));
    expect(ids.filter((id) => id.startsWith("zz-")).length).toBeGreaterThan(0);
  });

  test("shows creators their own, and of shares only theirs", async () => {
    const ben = await tokenOf("creator", "ben");
    const rows = await all("/v1/articles", ben);
    expect(rows.map(({ articleId }) => articleId)).toEqual(["other", "shared"]);
    expect(rows[1].shares).toEqual([halves[1]]);
    expect((await get("/v1/articles?creatorId=ada", ben)).status).toBe(404);
  });

  test.each([
    ["?cursor=nonsense", "cursor", "nextCursor"],
    ["?cursor=creator.ada", "cursor"],
    ["?limit=101", "limit", "100"],
    ["?limit=0", "limit"],
    ["?updatedAfter=yesterday", "updatedAfter", "ISO 8601"],
    ["?group=No%20Group", "group"],
    ["?creator=ada", "creator", "not known"],
    ["?titlePrefix=", "titlePrefix"],
  ])("%s is a 400 that says what to change", async (query, ...words) => {
    expectProblem(await get(`/v1/articles${query}`), ...words);
  });
});

describe("GET /v1/creators", () => {
  test("has each registered creator once, and filters by name and payee", async () => {
    const ids = ["ada", "ben", "cleo"];
    for (const query of ["", "?limit=1"]) expect(await creatorIds(query)).toEqual(ids);
    expect(await creatorIds("?namePrefix=AD")).toEqual(["ada"]);
    expect(await creatorIds("?hasPayee=true")).toEqual(["ada", "cleo"]);
    expect(await creatorIds("?hasPayee=false")).toEqual(["ben"]);
    const { updatedAt } = (await get("/v1/creators/ben")).body;
    expect(await creatorIds(`?updatedAfter=${updatedAt}`)).toEqual(["cleo"]);
  });

  test("masks bank details", async () => {
    const { body } = await get("/v1/creators");
    expect(body.items[0].payee).toEqual({ name: "Ada L.", iban: "DE89…3000" });
    expect(JSON.stringify(body)).not.toContain(iban);
  });

  test.each([
    ["?hasPayee=maybe", "hasPayee", "true or false"],
    ["?cursor=article.c", "cursor"],
    ["?updatedAfter=2026-02-30T00:00:00Z", "updatedAfter"],
    ["?name=Ada", "name"],
  ])("%s is a 400 that says what to change", async (query, ...words) => {
    expectProblem(await get(`/v1/creators${query}`), ...words);
  });
});

describe("GET /v1/payouts", () => {
  const today = new Date().toISOString().slice(0, 10);
  const ids = new Map<string, string>();
  beforeAll(async () => {
    for (const creatorId of ["ada", "ben", "cleo", "dan"]) {
      await send("POST", "/v1/ledger/adjustments", {
        ...{ creatorId, amountMicros: "40000000", note: "owed" },
      });
      const body = { amountMicros: "20000000" };
      const { payoutId } = await send("POST", `/v1/creators/${creatorId}/payouts`, body);
      ids.set(creatorId, payoutId);
    }
    await send("POST", `/v1/payouts/${ids.get("ada")}/result`, { status: "paid" });
    const failed = { status: "failed", reason: "account closed" };
    await send("POST", `/v1/payouts/${ids.get("ben")}/result`, failed);
  });
  const payees = async (query: string, token?: string) =>
    (await all(`/v1/payouts${query}`, token)).map(({ creatorId }) => creatorId);

  test("has everybody's, latest first, as the creator's own list shows them", async () => {
    for (const query of ["", "?limit=1", "?limit=3"]) {
      expect(await payees(query)).toEqual(["dan", "cleo", "ben", "ada"]);
    }
    const [own] = (await get("/v1/creators/ada/payouts")).body.items;
    expect((await all("/v1/payouts", api.admin)).at(-1)).toEqual(own);
  });

  test("is filtered by state, creator and days", async () => {
    expect(await payees("?state=reserved")).toEqual(["dan", "cleo"]);
    expect(await payees("?state=paid&limit=1")).toEqual(["ada"]);
    expect(await payees("?state=failed&creatorId=ada")).toEqual([]);
    expect(await payees("?creatorId=ben&state=failed")).toEqual(["ben"]);
    expect(await payees(`?from=${today}&to=${today}`)).toHaveLength(4);
    expect(await payees("?to=2026-01-01")).toEqual([]);
    expect(await payees(`?from=2026-01-01&creatorId=cleo`)).toEqual(["cleo"]);
  });

  test("pages stay whole while payouts are requested and concluded", async () => {
    let asked = 0;
    const rows = await all("/v1/payouts?limit=1", api.publisher, async () => {
      asked += 1;
      if (asked === 1) await send("POST", "/v1/creators/ada/payouts", {});
      const cleo = ids.get("cleo");
      if (asked === 1) await send("POST", `/v1/payouts/${cleo}/result`, { status: "paid" });
    });
    expect(rows.map(({ creatorId }) => creatorId)).toEqual(["dan", "cleo", "ben", "ada"]);
  });

  test("shows creators their own, without who asked for them", async () => {
    const rows = await all("/v1/payouts", await adasToken());
    expect(rows.map(({ creatorId, state }) => [creatorId, state])).toEqual([
      ["ada", "reserved"],
      ["ada", "paid"],
    ]);
    expect(rows[0]).not.toHaveProperty("requestedBy");
    expect((await get("/v1/payouts?creatorId=ben", await adasToken())).status).toBe(404);
  });

  test.each([
    ["?cursor=nonsense", "cursor", "nextCursor"],
    ["?cursor=1.ada.0000000001", "cursor"],
    ["?state=lost", "state", "reserved, paid, failed"],
    ["?from=2026-02-30", "from", "day"],
    ["?from=2026-02-02&to=2026-02-01", "from", "after to"],
    ["?creatorId=a/b", "creatorId"],
    ["?since=2026-02-01", "since"],
  ])("%s is a 400 that says what to change", async (query, ...words) => {
    expectProblem(await get(`/v1/payouts${query}`), ...words);
  });
});

describe("GET /v1/earnings/summary", () => {
  const month = new Date().toISOString().slice(0, 7);
  const read = async (query = "", token = api.publisher) =>
    await get(`/v1/earnings/summary${query}`, token);
  const sumOf = (rows: readonly Row[], field: string) =>
    rows.reduce((sum, row) => sum + BigInt(row[field]), 0n);

  test("is a 404 that says how to get one until the first proof has run", async () => {
    const answer = await read();
    expect(answer.status).toBe(404);
    expect(answer.body.type).toBe("urn:pennyline:problem:no-summary-yet");
    expect(answer.body.detail).toContain("/v1/admin/proof");
  });

  test("sums up every creator's balance and earnings, as the proof does", async () => {
    await api.postViews("c", readerIds(7));
    await api.postViews("shared", readerIds(5));
    const comment = { characters: 90, moderation: "pending" };
    await send("POST", "/v1/engagements/batch", {
      engagements: [{ articleId: "other", readerId: "r", kind: "comment", comment }],
    });
    await cloud.waitUntilIdle();
    await cloud.fireSchedule("pennyline-local-settle-earnings");
    await cloud.waitUntilIdle();
    // Counted and not settled.
    await api.postViews("other", readerIds(3));
    await cloud.waitUntilIdle();
    expect(await cloud.fireSchedule("pennyline-local-audit-money")).toMatchObject({ ok: true });

    const { status, body } = await read();
    expect(status, JSON.stringify(body)).toBe(200);
    const proof = await api.proof();
    expect(body).toMatchObject({ currency: "USD", proof: { ok: true, quiet: true } });
    expect(Date.parse(body.asOf)).toBeLessThanOrEqual(Date.parse(proof.asOf));

    const names = ["ada", "ben", "cleo", "dan"];
    const balances = await Promise.all(names.map((creatorId) => api.balance(creatorId)));
    const { payableMicros, pendingMicros, heldMicros, inPayoutMicros, paidOutMicros } = body;
    expect({ payableMicros, pendingMicros, heldMicros, inPayoutMicros, paidOutMicros }).toEqual({
      payableMicros: String(sumOf(balances, "settledMicros")),
      pendingMicros: String(sumOf(balances, "pendingMicros")),
      heldMicros: String(sumOf(balances, "heldMicros")),
      inPayoutMicros: String(sumOf(balances, "inPayoutMicros")),
      paidOutMicros: proof.ledger.paidOutMicros,
    });
    expect([pendingMicros, heldMicros, paidOutMicros]).toEqual(["3000", "2000", "40000000"]);
    expect(payableMicros).toBe(proof.ledger.payableMicros);
    expect(inPayoutMicros).toBe(proof.ledger.inPayoutMicros);
    expect(BigInt(heldMicros)).toBe(
      BigInt(proof.ledger.heldMicros) + BigInt(proof.counters.pendingHeldMicros),
    );
    // All that ever came in is somewhere.
    expect(sumOf(body.months, "earnedMicros") + sumOf(body.months, "adjustedMicros")).toBe(
      BigInt(payableMicros) +
        BigInt(pendingMicros) +
        BigInt(heldMicros) +
        BigInt(inPayoutMicros) +
        BigInt(paidOutMicros),
    );
  });

  test("names who and what earned most in a month, with names and titles", async () => {
    const { body } = await read(`?month=${month}`, api.admin);
    expect(body.top).toEqual({
      month,
      asOf: body.asOf,
      creators: [
        { creatorId: "ada", name: "Ada", earnedMicros: "9500" },
        { creatorId: "ben", name: "ben", earnedMicros: "7500" },
      ],
      articles: [
        { articleId: "c", title: "c", earnedMicros: "7000" },
        { articleId: "other", title: "Other", earnedMicros: "5000" },
        { articleId: "shared", title: "Über uns", earnedMicros: "5000" },
      ],
    });
    for (const { creatorId, earnedMicros } of body.top.creators) {
      const path = `/v1/creators/${creatorId}/earnings?groupBy=day`;
      expect(sumOf((await get(path)).body.items, "micros")).toBe(BigInt(earnedMicros));
    }
    expect((await read("?limit=1")).body.top.creators).toHaveLength(1);
    expect((await read("?month=2026-01")).body.top).toMatchObject({ creators: [], articles: [] });
    expect(JSON.stringify(body)).not.toContain("canary");
  });

  test("is made anew by each proof", async () => {
    const before = (await read()).body;
    await send("POST", "/v1/ledger/adjustments", {
      ...{ creatorId: "dan", amountMicros: "7", note: "owed" },
    });
    expect((await read()).body).toEqual(before);
    await api.proof();
    const { body } = await read();
    expect(BigInt(body.payableMicros)).toBe(BigInt(before.payableMicros) + 7n);
    expect(Date.parse(body.asOf)).toBeGreaterThan(Date.parse(before.asOf));
  });

  test.each([
    ["?month=2026-13", "month", "2026-01"],
    ["?month=2999-01", "month", "has not begun"],
    ["?limit=101", "limit", "100"],
    ["?from=2026-01-01", "from"],
  ])("%s is a 400 that says what to change", async (query, ...words) => {
    expectProblem(await read(query), ...words);
  });
});
