import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { routes } from "../../core/contracts/routes.ts";
import type { Cloud } from "../../local/cloud.ts";
import { type Answer, type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud } from "./support/cloud.ts";
import { mintViewToken } from "./support/mint-view-token.ts";

let cloud: Cloud;
let api: ApiClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  await api.putArticle("a", "ada");
});
afterAll(() => stopTestCloud(cloud));

const json = { "content-type": "application/json" };
const key = () => ({ "idempotency-key": randomUUID() });

function expectProblem(answer: Answer, status: number, code: string) {
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.body).toMatchObject({ status, type: `urn:pennyline:problem:${code}` });
  expect(answer.status).toBe(status);
  expect(answer.body.detail.length).toBeGreaterThan(10);
}

const post = (raw: string | Uint8Array<ArrayBuffer>) =>
  api.call("POST", "/v1/engagements", { raw, headers: json });

async function expectNoEvent(work: () => Promise<void>) {
  const before = cloud.stats.eventsAccepted;
  await work();
  expect(cloud.stats.eventsAccepted).toBe(before);
}

describe("bad input gets a problem that says what to change, and no event", () => {
  test.each([
    ["empty", ""],
    ["cut off", '{"token":'],
    ["not an object", "[1]"],
    ["a string", '"x"'],
  ])("I1: %s JSON is a 400", async (_, raw) => {
    await expectNoEvent(async () => expectProblem(await post(raw), 400, "invalid-request"));
  });

  test("I1: a body that is not UTF-8 is a 400", async () => {
    await expectNoEvent(async () => {
      const answer = await post(new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]));
      expectProblem(answer, 400, "invalid-request");
      expect(answer.body.detail).toContain("UTF-8");
    });
  });

  test.each(["1e400", "-1", "0.1", '"5"', "9007199254740993", "0.99999999999999999999", "1e3"])(
    "I2: %s micros are a 400, never rounded",
    async (price) => {
      const raw = `{"currency":"USD","micros":{"view":${price},"read":1,"reaction":1,"comment":1,"search_visit":1}}`;
      const headers = { ...json, ...key() };
      const path = "/v1/rate-cards/current";
      const answer = await api.call("PUT", path, { token: api.publisher, raw, headers });
      expectProblem(answer, 400, "invalid-request");
      expect(answer.body.detail).toContain("view");
    },
  );

  test("I3: nesting 10,000 deep is a 400, a body over the limit a 413", async () => {
    await expectNoEvent(async () => {
      const deep = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;
      expectProblem(await post(deep), 400, "invalid-request");
      expectProblem(await post(`{"token":"${"x".repeat(1_100_000)}"}`), 413, "too-large");
      expect((await api.call("GET", "/v1/health")).status).toBe(200);
    });
  });

  test.each(["__proto__", "constructor", "prototype"])("I4: the key %s is a 400", async (name) => {
    await expectNoEvent(async () => {
      expectProblem(await post(`{"token":"x","${name}":{"polluted":1}}`), 400, "invalid-request");
    });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test.each([
    ["missing", undefined],
    ["empty", ""],
    ["over 255 characters", "k".repeat(256)],
    ["with a tab", "a\tb"],
    ["with other alphabets", "kéy"],
  ])("I5: an Idempotency-Key that is %s is a 400", async (_, value) => {
    const answer = await api.call("PUT", "/v1/articles/x", {
      token: api.publisher,
      body: { title: "X", creatorId: "ada" },
      headers: value === undefined ? {} : { "idempotency-key": value },
    });
    expectProblem(answer, 400, "invalid-request");
    expect(answer.body.detail).toContain("Idempotency-Key");
  });

  const withoutKey = new Set([
    "accept-engagements",
    "accept-publisher-engagements",
    "issue-view-token",
    "issue-connection-ticket",
    // Anyone may ask for these as often as they like: nothing comes of it, or the same again.
    ...["dry-run-rate-card", "test-integration", "unsubscribe"],
  ]);
  test.each(
    routes
      .filter(({ method, operation }) => /PUT|POST/.test(method) && !withoutKey.has(operation))
      .map(({ method, path, allow }) => [method, path, allow[0]] as const),
  )(
    "I5: %s %s without an Idempotency-Key is a 400 that asks for one",
    async (method, path, role) => {
      const token = await cloud.mintToken({ role: role ?? "publisher", id: "ada" });
      const ids = {
        "{creatorId}": "ada",
        "{articleId+}": "a/publish",
        "{endpointId}": `ep_${"0".repeat(24)}`,
      };
      const filled = Object.entries(ids).reduce<string>(
        (so, [name, id]) => so.replace(name, id),
        path,
      );
      // Uploads are judged first: a key only names them.
      const upload = { contentType: "image/png", bytes: 1, purpose: "cover" };
      const body = path === "/v1/uploads" ? upload : {};
      const answer = await api.call(method, filled, { token, body });
      expectProblem(answer, 400, "invalid-request");
      expect(answer.body.detail).toContain("Idempotency-Key");
    },
  );

  test("I1 to I4: a job's body is held to the same, and nothing is accepted", async () => {
    const job = (raw: string | Uint8Array<ArrayBuffer>) =>
      api.call("POST", "/v1/jobs", { token: api.publisher, raw, headers: { ...json, ...key() } });
    const withData = (data: string) =>
      job(`{"type":"integration.sync","payload":{"integrationId":"crm","data":${data}}}`);
    await expectNoEvent(async () => {
      for (const raw of ["", '{"type":', "[1]", '"x"', new Uint8Array([0x7b, 0xff])]) {
        expectProblem(await job(raw), 400, "invalid-request");
      }
      for (const data of [
        "1e400",
        "[]",
        '{"a":0.1}',
        '{"a":9007199254740993}',
        '{"__proto__":{}}',
      ]) {
        expectProblem(await withData(data), 400, "invalid-request");
      }
      for (const depth of [1_500, 2_200, 10_000]) {
        const deep = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
        expectProblem(await withData(deep), 400, "invalid-request");
      }
      expectProblem(await job(`{"type":"${"x".repeat(3_000_000)}"}`), 413, "too-large");
      expectProblem(await withData("{}"), 404, "not-found");
    });
    const jobs = await api.call("GET", "/v1/jobs", { token: api.publisher });
    expect(jobs.body.items).toEqual([]);
  });

  const reversed = "Ada\u202eecnalev";
  const article = { title: "A", creatorId: "ada" };
  const published = { url: "https://pages.example.com/a" };
  const reviewed = { decision: "void", from: "2026-01-01", to: "2026-01-01", everything: true };
  const redriven = { queue: "count-engagements-dead-letters" };
  const draft = { creatorId: "ada", draftId: "d", baseRevision: 0, text: "Once" };
  test.each([
    ["PUT", "articles/u", "title", { ...article, title: reversed }],
    ["PATCH", "articles/a", "title", { title: reversed }],
    ["PUT", "creators/ada", "name", { name: reversed }],
    ["PATCH", "creators/ada", "name", { name: reversed }],
    [
      ...["PUT", "creators/ada", "payee.name"],
      { payee: { name: reversed, iban: "DE89370400440532013000" } },
    ],
    [
      ...["POST", "ledger/adjustments", "note"],
      { creatorId: "ada", amountMicros: "1", note: reversed },
    ],
    ["POST", "ledger/reversals", "note", { entryId: "ada.0000000001", note: reversed }],
    ["POST", "payouts/ada.0000000001/result", "reason", { status: "failed", reason: reversed }],
    ["POST", "creators/ada/appeals", "note", { note: reversed }],
    ["POST", "admin/reviews", "note", { ...reviewed, note: reversed }],
    ["POST", "admin/dead-letters/redrives", "note", { ...redriven, note: reversed }],
    ["POST", "admin/dead-letters/discards", "note", { ...redriven, note: reversed }],
    [
      ...["POST", "webhook-endpoints", "description"],
      { url: "https://hooks.example.com/", description: reversed },
    ],
    ["POST", "articles/a/publish", "title", { ...published, title: reversed }],
    ["POST", "articles/a/publish", "excerpt", { ...published, excerpt: reversed }],
    [
      ...["POST", "jobs", "payload.title"],
      { type: "draft.save", payload: { ...draft, title: reversed } },
    ],
  ] as [string, string, string, object][])(
    "%s %s: an invisible character in %s is a 400 that names it and its place",
    async (method, path, field, body) => {
      const token = path.startsWith("admin/") ? api.admin : api.publisher;
      await expectNoEvent(async () => {
        const answer = await api.call(method, `/v1/${path}`, { token, body, headers: key() });
        expectProblem(answer, 400, "invalid-request");
        expect(answer.body.errors).toEqual([
          { field, detail: expect.stringContaining("must not contain U+202E (character 4)") },
        ]);
        expect(JSON.stringify(answer.body)).not.toContain("\u202e");
      });
    },
  );

  test("what scripts and emoji need is no invisible character, and comes back as it was", async () => {
    for (const title of [
      "می\u200cخواهم",
      "क्\u200dष",
      "👩\u200d👩\u200d👧 ❤\ufe0f",
      "ภาษา\u200bไทย",
    ]) {
      const body = { ...article, title };
      const answer = await api.call("PUT", "/v1/articles/script", {
        ...{ token: api.publisher, body, headers: key() },
      });
      expect([answer.status, answer.body.title]).toEqual([200, title]);
    }
  });

  test("I6 I9: the same key and body, in any order of keys, get the first answer again", async () => {
    const headers = key();
    const put = (body: object) =>
      api.call("PUT", "/v1/articles/once", { token: api.publisher, body, headers });
    const first = await put({ title: "Once", creatorId: "ada" });
    const again = await put({ creatorId: "ada", title: "Once" });
    expect(first.status).toBe(200);
    expect([again.status, again.body]).toEqual([200, first.body]);
  });

  test("I7: the same key with another body is a 409, and changes nothing", async () => {
    const headers = key();
    const put = (creatorId: string) =>
      api.call("PUT", "/v1/articles/b", {
        token: api.publisher,
        body: { title: "B", creatorId },
        headers,
      });
    expect((await put("ada")).status).toBe(200);
    expectProblem(await put("mallory"), 409, "idempotency-key-reused");
    const article = await api.call("GET", "/v1/articles/b", { token: api.publisher });
    expect(article.body.creatorId).toBe("ada");
  });

  test("I8: the same key from two callers are two requests", async () => {
    const headers = key();
    const other = await cloud.mintToken({ role: "publisher", id: "other-publisher" });
    const put = (token: string, title: string) =>
      api.call("PUT", "/v1/articles/c", { token, body: { title, creatorId: "ada" }, headers });
    expect((await put(api.publisher, "C")).status).toBe(200);
    expect((await put(other, "D")).body.title).toBe("D");
  });

  test("a mended request may use the key of one that was refused", async () => {
    const headers = key();
    const put = (body: object) =>
      api.call("PUT", "/v1/articles/d", { token: api.publisher, body, headers });
    expectProblem(await put({ title: "D" }), 400, "invalid-request");
    expect((await put({ title: "D", creatorId: "ada" })).status).toBe(200);
  });

  test("each bad engagement is named by its index, and the good ones are accepted", async () => {
    const now = Date.now();
    const at = (ageMs: number) => new Date(now - ageMs).toISOString();
    const hour = 3_600_000;
    const good = { articleId: "a", readerId: "r", kind: "view" };
    const engagements = [
      good,
      { ...good, kind: "clap" },
      { ...good, articleId: "never-registered" },
      { ...good, readerId: "someone@example.com" },
      { ...good, readerId: "2001:db8::1" },
      { ...good, occurredAt: at(-6 * 60_000) },
      { ...good, occurredAt: at(36 * 24 * hour) },
      { ...good, occurredAt: "yesterday" },
      { ...good, extra: true },
      { ...good, kind: "search_visit", referrer: "https://google.com.evil.example/" },
      { ...good, kind: "search_visit", referrer: "https://www.google.co.uk/" },
      { ...good, articleId: "a\nb" },
      { ...good, userAgent: "not for queues: \uffff" },
      "not an object",
    ];
    const path = "/v1/engagements/batch";
    const answer = await api.call("POST", path, { token: api.publisher, body: { engagements } });
    expect([answer.status, answer.body.accepted]).toEqual([202, 2]);
    const codes = answer.body.rejected.map(({ index, code }: { index: number; code: string }) => [
      index,
      code,
    ]);
    expect(codes).toEqual([
      [1, "invalid"],
      [2, "unknown_article"],
      [3, "invalid"],
      [4, "invalid"],
      [5, "too_far_ahead"],
      [6, "too_old"],
      [7, "invalid"],
      [8, "invalid"],
      [9, "not_a_search_engine"],
      [11, "invalid"],
      [12, "invalid"],
      [13, "invalid"],
    ]);
  });

  test.each([
    [{ kind: "share" }, "invalid", /kind: must be one of view, read, reaction/],
    [{ kind: "read", attentionMs: 29_999 }, "not_a_read", /29999/],
    [{ kind: "view", attentionMs: 40_000 }, "invalid", /only a read/],
    [{ kind: "reaction", reaction: "boo" }, "invalid", /reaction: must be one of like, love/],
    [{ kind: "view", reaction: "like" }, "invalid", /only a reaction/],
    [{ kind: "search_visit" }, "not_a_search_engine", /referrer is missing/],
    [{ kind: "view", comment: { characters: 9, moderation: "approved" } }, "invalid", /comment/],
    [
      { kind: "comment", comment: { characters: 0, moderation: "approved" } },
      "invalid",
      /at least/,
    ],
    [{ kind: "comment", comment: { characters: 9, moderation: "fine" } }, "invalid", /one of/],
  ])("what its kind does not allow is refused by name: %o", async (particulars, code, detail) => {
    const engagements = [{ articleId: "a", readerId: "r", ...particulars }];
    const path = "/v1/engagements/batch";
    const answer = await api.call("POST", path, { token: api.publisher, body: { engagements } });
    expectProblem(answer, 400, "none-acceptable");
    expect(answer.body.rejected).toMatchObject([{ index: 0, code }]);
    expect(answer.body.rejected[0].detail).toMatch(detail);
  });

  test("a browser's word on a comment is not taken: it has no length or moderation to tell", async () => {
    const token = await api.viewToken("a", "commenter");
    const comment = { characters: 9_000, moderation: "approved" };
    const body = { token, kind: "comment", comment };
    expectProblem(await api.call("POST", "/v1/engagements", { body }), 400, "none-acceptable");
  });

  test("S6: a browser may report 48 hours back, and 5 minutes ahead, by the server's clock", async () => {
    const iat = Math.floor(Date.now() / 1_000) - 49 * 3_600;
    const times = { iat, exp: iat + 3 * 86_400 };
    const token = await mintViewToken(cloud, { articleId: "a", readerId: "clock" }, times);
    const report = async (offsetMs: number) => {
      const occurredAt = new Date(Date.now() + offsetMs).toISOString();
      const body = { token, kind: "view", occurredAt };
      return (await api.call("POST", "/v1/engagements", { body })).status;
    };
    const hour = 3_600_000;
    expect(await report(-48 * hour + 60_000)).toBe(202);
    expect(await report(-48 * hour - 60_000)).toBe(400);
    expect(await report(4 * 60_000)).toBe(202);
    expect(await report(6 * 60_000)).toBe(400);
  });

  test("nothing acceptable is a 400 that lists why; 501 engagements are a 400", async () => {
    await expectNoEvent(async () => {
      const token = { token: "not.a.token", kind: "view" };
      const none = await api.call("POST", "/v1/engagements", { body: token });
      expectProblem(none, 400, "none-acceptable");
      expect(none.body.rejected).toMatchObject([{ index: 0, code: "token_invalid" }]);
      const engagements = Array.from({ length: 501 }, () => token);
      const many = await api.call("POST", "/v1/engagements", { body: { engagements } });
      expectProblem(many, 400, "invalid-request");
    });
  });

  test("a forgotten view token is named", async () => {
    const answer = await api.call("POST", "/v1/engagements", { body: { kind: "view" } });
    expectProblem(answer, 400, "none-acceptable");
    expect(answer.body.detail).toContain("token");
  });

  test("other media types are a 415", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answer = await api.call("POST", "/v1/engagements", { raw: "a=b", headers });
    expectProblem(answer, 415, "unsupported-media-type");
  });

  test("a rate card in another currency is refused", async () => {
    const micros = { view: 1, read: 1, reaction: 1, comment: 1, search_visit: 1 };
    const answer = await api.call("PUT", "/v1/rate-cards/current", {
      token: api.publisher,
      body: { currency: "EUR", micros },
      headers: key(),
    });
    expectProblem(answer, 400, "invalid-request");
    expect(answer.body.detail).toContain("USD");
  });

  test.each(["limit=0", "limit=abc", "limit=1000", "cursor=", "page=2"])(
    "the query ?%s is a 400",
    async (search) => {
      const path = `/v1/creators/ada/ledger?${search}`;
      expectProblem(await api.call("GET", path, { token: api.publisher }), 400, "invalid-request");
    },
  );
});
