import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hourMs } from "../../core/values/time.ts";
import type { Cloud } from "../../local/cloud.ts";
import { type Answer, type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud } from "./support/cloud.ts";

let cloud: Cloud;
let api: ApiClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
});
afterAll(() => stopTestCloud(cloud));

const inHours = (hours: number) => new Date(Date.now() + hours * hourMs).toISOString();
const halves = [
  { creatorId: "ada", basisPoints: 5_000 },
  { creatorId: "bea", basisPoints: 5_000 },
];
const prices = { view: 7, read: 8, reaction: 9, comment: 10, search_visit: 11 };
const cardBody = (more: object = {}) => ({ currency: "USD", micros: prices, ...more });

const get = (path: string, token = api.publisher) => api.call("GET", path, { token });
const send = (method: string, path: string, body: object, token = api.publisher) =>
  api.call(method, path, { token, body, headers: { "idempotency-key": randomUUID() } });
const publish = (more: object = {}) =>
  send("POST", "/v1/rate-cards", cardBody({ feeBasisPoints: 0, ...more }));

function expectProblem(answer: Answer, status: number, code: string, ...words: string[]) {
  expect(answer.body).toMatchObject({ status, type: `urn:pennyline:problem:${code}` });
  expect(answer.status).toBe(status);
  for (const word of words) expect(answer.body.detail).toContain(word);
}

describe("articles", () => {
  test("shares and groups come in versions, of which the latest is shown", async () => {
    const path = "/v1/articles/shared";
    const first = await send("PUT", path, { title: "S", creatorId: "ada" });
    expect(first.body).toMatchObject({
      ...{ creatorId: "ada", sharesVersion: 1, group: "default" },
      shares: [{ creatorId: "ada", basisPoints: 10_000 }],
    });
    await send("PUT", path, { title: "S", shares: halves, group: "serials" });
    const renamed = await send("PUT", path, { title: "T", shares: halves });
    expect(renamed.status).toBe(200);
    const { body } = await get(path);
    expect(body).toEqual(renamed.body);
    expect(body).toMatchObject({ title: "T", shares: halves, sharesVersion: 2, group: "serials" });
    expect(body.versions).toMatchObject([
      { version: 1, effectiveFrom: "1970-01-01T00:00:00.000Z", group: "default" },
      { version: 2, shares: halves, group: "serials" },
    ]);
    expect(body).not.toHaveProperty("creatorId");
  });

  const share = (creatorId: string, basisPoints: unknown) => ({ creatorId, basisPoints });
  test.each([
    ["too little", [share("a", 5_000), share("b", 4_999)], ["shares", "10000", "9999"]],
    ["too much", [share("a", 10_000), share("b", 1)], ["shares", "10000", "10001"]],
    ["one creator twice", [share("a", 5_000), share("a", 5_000)], ["shares", "once"]],
    ["nobody anything", [], ["shares", "at least one creator"]],
    ["a fraction", [share("a", 0.5), share("b", 9_999.5)], ["basisPoints: 0.5", "whole"]],
    ["less than nothing", [share("a", -1), share("b", 10_001)], ["shares.0.basisPoints"]],
    ["a text", [share("a", "10000")], ["shares.0.basisPoints"]],
  ])("shares that give %s are a 400 that names them", async (_, shares, words) => {
    const answer = await send("PUT", "/v1/articles/bad", { title: "B", shares });
    expectProblem(answer, 400, "invalid-request", ...words);
    expect((await get("/v1/articles/bad")).status).toBe(404);
  });

  test("a PATCH changes what it names: a title leaves shares in force, shares begin a version", async () => {
    const path = "/v1/articles/patched";
    const publishedAt = "2026-01-01T00:00:00.000Z";
    await send("PUT", path, { title: "P", shares: halves, group: "serials", publishedAt });
    const kept = { shares: halves, sharesVersion: 1, group: "serials", publishedAt };
    const titled = await send("PATCH", path, { title: "Q" });
    expect([titled.status, titled.body]).toMatchObject([200, { title: "Q", ...kept }]);
    const moved = await send("PATCH", path, { creatorId: "bea" });
    expect(moved.body).toMatchObject({
      ...{ title: "Q", creatorId: "bea", sharesVersion: 2, group: "serials", publishedAt },
      versions: [{ version: 1, shares: halves }, { version: 2 }],
    });
    const undated = await send("PATCH", path, { publishedAt: null });
    expect(undated.body).not.toHaveProperty("publishedAt");
    expect(undated.body).toMatchObject({ title: "Q", sharesVersion: 2 });
    const both = await send("PATCH", path, { creatorId: "ada", shares: halves });
    expectProblem(both, 400, "invalid-request", "either creatorId or shares");
    expectProblem(await send("PATCH", path, { title: null }), 400, "invalid-request", "title");
    expectProblem(await send("PATCH", path, { tilte: "R" }), 400, "invalid-request", "tilte");
    expectProblem(await send("PATCH", "/v1/articles/none", { title: "N" }), 404, "not-found");
    expect((await get("/v1/articles/none")).status).toBe(404);
  });

  test("both a creator and shares, or neither, are a 400", async () => {
    const both = { title: "B", creatorId: "ada", shares: halves };
    for (const body of [both, { title: "B" }]) {
      const answer = await send("PUT", "/v1/articles/bad", body);
      expectProblem(answer, 400, "invalid-request", "either creatorId or shares");
    }
  });
});

describe("creators", () => {
  const payee = { name: "Ada Lovelace", iban: "DE89370400440532013000" };

  test("are what was put last, for the publisher and themselves", async () => {
    expectProblem(await get("/v1/creators/cora"), 404, "not-found");
    const body = { name: "Cora", readerIds: ["r-cora"], payee };
    const put = await send("PUT", "/v1/creators/cora", body);
    expect([put.status, put.body]).toMatchObject([200, { creatorId: "cora", ...body }]);
    const cora = await cloud.mintToken({ role: "creator", id: "cora" });
    expect((await get("/v1/creators/cora", cora)).body).toEqual(put.body);
    const other = await cloud.mintToken({ role: "creator", id: "other" });
    expectProblem(await get("/v1/creators/cora", other), 404, "not-found");
  });

  test("a PUT without payee or readerIds keeps them: they go when they are named", async () => {
    const path = "/v1/creators/kay";
    await send("PUT", path, { name: "Kay", readerIds: ["r-kay"], payee });
    const renamed = await send("PUT", path, { name: "Kay B." });
    expect(renamed.body).toMatchObject({ name: "Kay B.", readerIds: ["r-kay"], payee });
    const unnamed = await send("PUT", path, { readerIds: [] });
    expect(unnamed.body).toMatchObject({ readerIds: [], payee });
    expect(unnamed.body).not.toHaveProperty("name");
    const removed = await send("PUT", path, { payee: null });
    expect([removed.status, removed.body.payee]).toEqual([200, undefined]);
    expect((await get(path)).body).toEqual(removed.body);
  });

  test("a PATCH changes what it names, and nothing else", async () => {
    const path = "/v1/creators/lea";
    const key = { "idempotency-key": randomUUID() };
    expectProblem(await send("PATCH", path, { name: "Lea" }), 404, "not-found");
    expectProblem(await get(path), 404, "not-found");
    await send("PUT", path, { name: "Lea", readerIds: ["r-lea"] });
    const call = (body: object) =>
      api.call("PATCH", path, { token: api.publisher, body, headers: key });
    const patched = await call({ payee });
    expect([patched.status, patched.body]).toMatchObject([
      200,
      { name: "Lea", readerIds: ["r-lea"], payee },
    ]);
    // I6, I7: as every change.
    expect((await call({ payee })).body).toEqual(patched.body);
    expectProblem(await call({ name: "L" }), 409, "idempotency-key-reused");
    const unnamed = await send("PATCH", path, { name: null });
    expect(unnamed.body).toMatchObject({ readerIds: ["r-lea"], payee });
    expect(unnamed.body).not.toHaveProperty("name");
    expectProblem(await send("PATCH", path, { email: "x" }), 400, "invalid-request", "email");
    const wrong = { payee: { ...payee, iban: "DE89 3704" } };
    expectProblem(await send("PATCH", path, wrong), 400, "invalid-request", "payee.iban");
    const missing = await api.call("PATCH", path, { token: api.publisher, body: {} });
    expectProblem(missing, 400, "invalid-request", "Idempotency-Key");
    const lea = await cloud.mintToken({ role: "creator", id: "lea" });
    expect((await send("PATCH", path, { payee }, lea)).status).toBe(403);
  });

  test("PATCHes at once lose none of each other's fields", async () => {
    const path = "/v1/creators/mia";
    await send("PUT", path, {});
    const parts = [{ name: "Mia" }, { readerIds: ["r-mia"] }, { payee }];
    const answers = await Promise.all(parts.map((part) => send("PATCH", path, part)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await get(path)).body).toMatchObject({ name: "Mia", readerIds: ["r-mia"], payee });
  });

  test.each([
    ["characters", "DE89 3704 0044 0532 0130 00"],
    ["country", "XX89370400440532013000"],
    ["length", "DE8937040044053201300"],
    ["check digits", "DE89370400440532013001"],
    ["check digits", "DE89370400440532031000"],
  ])("an IBAN with wrong %s is a 400 that says so, by PUT and by PATCH", async (part, iban) => {
    const path = "/v1/creators/typo";
    await send("PUT", path, { payee });
    for (const method of ["PUT", "PATCH"]) {
      const answer = await send(method, path, { payee: { ...payee, iban } });
      expectProblem(answer, 400, "invalid-request", `payee.iban: has `, part);
    }
    expect((await get(path)).body).toMatchObject({ payee });
  });

  test.each([
    ["an IBAN that is none", { payee: { ...payee, iban: "DE89 3704" } }, "payee.iban"],
    ["a BIC of no country", { payee: { ...payee, bic: "COBAXXFF" } }, "payee.bic"],
    ["an address for a pseudonym", { readerIds: ["ada@example.com"] }, "readerIds.0"],
    ["another's field", { email: "ada@example.com" }, "email"],
  ])("with %s are a 400 that names it", async (_, body, field) => {
    const answer = await send("PUT", "/v1/creators/bad", body);
    expectProblem(answer, 400, "invalid-request", field);
  });
});

describe("article groups", () => {
  const pool = { model: "pool", dailyMicros: 5_000_000, readerCap: 1_000 };

  test("change from the next UTC day on, and are all listed", async () => {
    const put = await send("PUT", "/v1/article-groups/serials", pool);
    // Today it is paid by rates, as before it was put.
    expect(put.body).toMatchObject({
      ...{ groupId: "serials", model: "rates" },
      versions: [{ version: 1, ...pool }],
    });
    expect(put.body.versions[0].effectiveFrom).toMatch(/T00:00:00.000Z$/);
    expect(Date.parse(put.body.versions[0].effectiveFrom)).toBeGreaterThan(Date.now());
    const more = { ...pool, dailyMicros: 7 };
    const changed = await send("PUT", "/v1/article-groups/serials", more);
    expect(changed.body.versions).toMatchObject([{ version: 2, ...more }]);
    await send("PUT", "/v1/article-groups/news", pool);
    const { items } = (await get("/v1/article-groups")).body;
    const listed = items.map(({ groupId }: { groupId: string }) => groupId);
    expect(listed.sort()).toEqual(["news", "serials"]);
  });

  test.each([
    ["a negative amount", { ...pool, dailyMicros: -1 }, "dailyMicros"],
    ["a fraction of a micro", { ...pool, dailyMicros: 0.5 }, "dailyMicros"],
    ["no cap", { model: "pool", dailyMicros: 1 }, "readerCap"],
    ["another model", { model: "lottery" }, "model"],
  ])("with %s are a 400 that names it", async (_, body, field) => {
    const answer = await send("PUT", "/v1/article-groups/bad", body);
    expectProblem(answer, 400, "invalid-request", field);
  });

  test("with a name that is none are a 400", async () => {
    const answer = await send("PUT", "/v1/article-groups/Bad%20Name", pool);
    expectProblem(answer, 400, "invalid-request", "groupId");
  });
});

describe("rate cards", () => {
  test("a fee or weights that the card before has are not lost by leaving them out", async () => {
    const scope = { creatorId: "fee" };
    const weights = { reaction: { love: 150 } };
    await publish({ scope, weights, feeBasisPoints: 250, commentsPerReader: 3 });
    const forgot = await publish({ scope, feeBasisPoints: 250 });
    expectProblem(forgot, 400, "invalid-request", "weights: must be said", "150");
    expect(forgot.body.errors.map(({ field }: { field: string }) => field)).toEqual([
      ...["weights", "commentsPerReader"],
    ]);
    const said = await publish({ scope, weights, feeBasisPoints: 0, commentsPerReader: 20 });
    expect(said.status).toBe(201);
  });

  test("an article's and a creator's own show in their lists, and nowhere else", async () => {
    await api.putArticle("own", "dora");
    const weights = { reaction: { love: 150 }, comment: { short: 50, long: 300 } };
    const scope = { articleId: "own" };
    const ofArticle = await publish({ scope, weights, feeBasisPoints: 250, commentsPerReader: 3 });
    expect(ofArticle.status).toBe(201);
    expect(ofArticle.body).toMatchObject({
      ...{ version: 1, scope, micros: prices, feeBasisPoints: 250, commentsPerReader: 3 },
      weights: {
        reaction: { like: 100, love: 150, clap: 100, insightful: 100, save: 100 },
        comment: { short: 50, medium: 100, long: 300 },
      },
    });
    const ofCreator = await publish({ scope: { creatorId: "dora" } });
    const later = await publish({ scope: { creatorId: "dora" }, effectiveFrom: inHours(1) });
    expect((await get("/v1/rate-cards?articleId=own")).body.items).toEqual([ofArticle.body]);
    const dora = await get("/v1/rate-cards?creatorId=dora");
    expect(dora.body.items).toEqual([later.body, ofCreator.body]);
    const current = await get("/v1/rate-cards/current?creatorId=dora");
    expect(current.body).toEqual(ofCreator.body);
    const everybodys = (await get("/v1/rate-cards")).body.items;
    expect(everybodys.map(({ scope }: { scope: unknown }) => scope)).not.toContainEqual(scope);
    expect((await get("/v1/articles/own")).body).toMatchObject({ creatorId: "dora" });
    expect((await get("/v1/creators/dora")).body).toMatchObject({ creatorId: "dora" });
  });

  test("both scopes at once are a 400; an article that is not there is a 404", async () => {
    const both = await get("/v1/rate-cards?articleId=own&creatorId=dora");
    expectProblem(both, 400, "invalid-request", "not both");
    expectProblem(await get("/v1/rate-cards?articleId=nowhere"), 404, "not-found", "nowhere");
    expectProblem(await publish({ scope: { articleId: "nowhere" } }), 404, "not-found", "nowhere");
    expect((await get("/v1/rate-cards?creatorId=nobody")).body).toEqual({ items: [] });
    expectProblem(await get("/v1/rate-cards/current?creatorId=nobody"), 404, "not-found", "nobody");
  });

  test("times that overlap are a 409 that names them and the version in the way", async () => {
    const scope = { creatorId: "eve" };
    const first = await publish({ scope, effectiveFrom: inHours(2) });
    const { effectiveFrom } = first.body;
    const same = await publish({ scope, effectiveFrom });
    expectProblem(same, 409, "rate-card-overlaps", "effectiveFrom", effectiveFrom, "version 1");
    const before = inHours(1);
    const earlier = await publish({ scope, effectiveFrom: before });
    expectProblem(earlier, 409, "rate-card-overlaps", before, effectiveFrom, "version 1");
    expectProblem(await publish({ scope }), 409, "rate-card-overlaps", "left out", effectiveFrom);
    const after = await publish({ scope, effectiveFrom: inHours(3) });
    expect([after.status, after.body.version]).toEqual([201, 2]);
  });

  test("a past time is a 409 that says how to correct what is settled", async () => {
    const effectiveFrom = inHours(-1);
    const answer = await publish({ scope: { creatorId: "fay" }, effectiveFrom });
    const words = ["effectiveFrom", effectiveFrom, "settled", "dry-run", "/v1/ledger/adjustments"];
    expectProblem(answer, 409, "rate-card-time-settled", ...words);
    expectProblem(await get("/v1/creators/fay"), 404, "not-found");
  });

  test.each<[string, object, string[]]>([
    ["negative micros", { micros: { ...prices, view: -1 } }, ["micros.view", "negative"]],
    ["a fraction of a micro", { micros: { ...prices, read: 0.1 } }, ["read: 0.1", "whole"]],
    ["micros as text", { micros: { ...prices, read: "1" } }, ["micros.read"]],
    ["too many micros", { micros: { ...prices, read: 1_000_000_001 } }, ["micros.read"]],
    ["a kind unknown", { micros: { ...prices, share: 1 } }, ["micros", "share"]],
    ["a kind missing", { micros: { view: 1 } }, ["micros.read"]],
    ["a weight unknown", { weights: { reaction: { meh: 1 } } }, ["weights.reaction", "meh"]],
    ["a negative weight", { weights: { comment: { long: -1 } } }, ["weights.comment.long"]],
    ["half a percent", { weights: { reaction: { love: 0.5 } } }, ["love: 0.5", "whole"]],
    ["a weight of too much", { weights: { reaction: { love: 1_001 } } }, ["1000 percent"]],
    ["a fee of more than all", { feeBasisPoints: 10_001 }, ["feeBasisPoints", "10000"]],
    ["a negative cap", { commentsPerReader: -1 }, ["commentsPerReader"]],
    ["a scope that is none", { scope: "everyone" }, ["scope", "publisher"]],
    ["two scopes", { scope: { articleId: "own", creatorId: "dora" } }, ["scope"]],
    ["a time that is none", { effectiveFrom: "tomorrow" }, ["effectiveFrom", "ISO 8601"]],
    ["another currency", { currency: "EUR" }, ["currency", "USD", "EUR"]],
  ])("with %s are a 400 that names it", async (_, more, words) => {
    expectProblem(await publish(more), 400, "invalid-request", ...words);
    const path = "/v1/rate-cards/dry-run";
    const body = { from: "2026-01-01", to: "2026-01-01", card: cardBody(more) };
    const dryRun = await api.call("POST", path, { token: api.publisher, body });
    expectProblem(dryRun, 400, "invalid-request");
  });

  test("an own card that leaves its fee open is a 400: it would inherit nothing", async () => {
    const answer = await publish({ scope: { creatorId: "ada" }, feeBasisPoints: undefined });
    expectProblem(answer, 400, "invalid-request", "feeBasisPoints", "own card");
  });

  test("I6: the same request is answered once, with 201 again", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const call = () => {
      const body = cardBody({ scope: { creatorId: "gil" }, feeBasisPoints: 0 });
      return api.call("POST", "/v1/rate-cards", { token: api.publisher, body, headers });
    };
    const first = await call();
    const again = await call();
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect((await get("/v1/rate-cards?creatorId=gil")).body.items).toHaveLength(1);
  });
});

describe("a dry run", () => {
  test("says what a card would have made of what was counted, and changes nothing", async () => {
    const shares = halves.map((share) => ({ ...share, creatorId: `dry-${share.creatorId}` }));
    await send("PUT", "/v1/articles/dry", { title: "D", shares });
    await api.postViews("dry", readerIds(10, "dry"));
    await cloud.waitUntilIdle();
    const today = new Date().toISOString().slice(0, 10);
    const yesterday = inHours(-24).slice(0, 10);
    const dryRun = (scope: unknown, from = yesterday, to = today) =>
      api.call("POST", "/v1/rate-cards/dry-run", {
        token: api.publisher,
        body: { from, to, card: cardBody({ scope, micros: { ...prices, view: 3_000 } }) },
      });
    const { asOf: _then, ...before } = await api.balance("dry-ada");
    const each = { currentMicros: "5000", proposedMicros: "15000", differenceMicros: "10000" };
    const ofArticle = await dryRun({ articleId: "dry" });
    expect([ofArticle.status, ofArticle.body]).toEqual([
      200,
      {
        ...{ from: yesterday, to: today },
        ...{ currentMicros: "10000", proposedMicros: "30000", differenceMicros: "20000" },
        creators: [
          { creatorId: "dry-ada", ...each },
          { creatorId: "dry-bea", ...each },
        ],
        truncated: false,
        poolLinesLeftOut: 0,
      },
    ]);
    expect((await dryRun({ creatorId: "dry-ada" })).body).toMatchObject(each);
    expect((await dryRun("publisher")).body.creators).toContainEqual({
      ...{ creatorId: "dry-bea", ...each },
    });
    expect(await api.balance("dry-ada")).toMatchObject(before);
    expectProblem(await dryRun("publisher", today, yesterday), 400, "invalid-request", "from");
    const long = await dryRun("publisher", "2026-01-01", "2026-02-01");
    expectProblem(long, 400, "invalid-request", "31");
    const nowhere = await dryRun({ articleId: "nowhere" });
    expectProblem(nowhere, 404, "not-found", "nowhere");
  });
});

test("a PUT of everybody's prices that leaves out the fee in force is a 400: it does not end it", async () => {
  const put = (more: object) => send("PUT", "/v1/rate-cards/current", cardBody(more));
  expect((await put({ feeBasisPoints: 1_000 })).body).toMatchObject({ feeBasisPoints: 1_000 });
  expectProblem(await put({}), 400, "invalid-request", "feeBasisPoints: must be said", "1000");
  expect((await get("/v1/rate-cards/current")).body).toMatchObject({ feeBasisPoints: 1_000 });
  expect((await put({ feeBasisPoints: 0 })).body).toMatchObject({ feeBasisPoints: 0 });
});
