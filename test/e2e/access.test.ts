import { createHmac, createPublicKey, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { decodeJwt, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Role, roles, routes } from "../../core/contracts/routes.ts";
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

const callers: readonly (Role | "reader")[] = ["reader", ...roles];

async function tokenFor(caller: Role | "reader") {
  return caller === "reader" ? undefined : await cloud.mintToken({ role: caller, id: "ada" });
}

describe("who may do what", () => {
  test.each(
    callers.flatMap((caller) => routes.map((route) => [caller, route.method, route.path] as const)),
  )("%s on %s %s", async (caller, method, path) => {
    const { allow } = routes.find((route) => route.method === method && route.path === path) ?? {};
    const filled = path.replace("{creatorId}", "ada").replace("{articleId+}", "a");
    const token = await tokenFor(caller);
    const answer = await api.call(method, filled, {
      token,
      ...(method === "GET" ? {} : { body: {}, headers: { "idempotency-key": randomUUID() } }),
    });
    const allowed = allow?.length === 0 || (allow as readonly string[])?.includes(caller);
    // Let in, whatever then becomes of an empty body, or of what does not exist.
    if (allowed) expect([200, 201, 400, 404, 409]).toContain(answer.status);
    else expect(answer.status).toBe(caller === "reader" ? 401 : 403);
  });

  test.each([
    "balance",
    "earnings",
    "ledger",
    "payouts",
    "statements/2026-01",
    "drafts",
    "followers",
  ])("another creator's %s is a 404", async (what) => {
    const token = await cloud.mintToken({ role: "creator", id: "mallory" });
    const answer = await api.call("GET", `/v1/creators/ada/${what}`, { token });
    expect(answer.status).toBe(404);
    expect(answer.body.type).toBe("urn:pennyline:problem:not-found");
  });

  test.each(["articles", "payouts"])(
    "in the list of %s a creator finds none of another's, and may not ask for them",
    async (list) => {
      const token = await cloud.mintToken({ role: "creator", id: "mallory" });
      expect((await api.call("GET", `/v1/${list}`, { token })).body).toEqual({ items: [] });
      const answer = await api.call("GET", `/v1/${list}?creatorId=ada`, { token });
      expect([answer.status, answer.body.type]).toEqual([404, "urn:pennyline:problem:not-found"]);
    },
  );

  test("an unknown route is a 404", async () => {
    expect((await api.call("GET", "/v1/nothing", { token: api.admin })).status).toBe(404);
  });
});

describe("view tokens", () => {
  const report = (token: string) =>
    api.call("POST", "/v1/engagements", { body: { token, kind: "view" } });

  function secret() {
    const resource = cloud.resources.find(({ type }) => type === "AWS::SecretsManager::Secret");
    return JSON.parse(cloud.secret(resource?.ref ?? "")) as Record<string, string>;
  }

  async function forge(claims: Record<string, unknown>, key: string, kid: string, exp = "1h") {
    return await new SignJWT({ sub: "r", art: "a", jti: "j", ...claims })
      .setProtectedHeader({ alg: "HS256", kid })
      .setIssuedAt()
      .setExpirationTime(exp)
      .sign(new TextEncoder().encode(key));
  }

  test("a good one is accepted", async () => {
    const { current = "" } = secret();
    expect((await report(await forge({}, secret()[current] ?? "", current))).status).toBe(202);
  });

  test("forged, expired, unsigned, of an unknown kid or with claims missing: refused", async () => {
    const { current = "" } = secret();
    const right = secret()[current] ?? "";
    const [header, payload] = (await forge({}, right, current)).split(".");
    const none = Buffer.from(JSON.stringify({ alg: "none", kid: current })).toString("base64url");
    const cases: Record<string, string> = {
      "another secret": await forge({}, "x".repeat(40), current),
      "another kid": await forge({}, right, "k99"),
      "a kid that is not a secret": await forge({}, current, "current"),
      "alg none": `${none}.${payload}.`,
      "signature cut off": `${header}.${payload}.`,
      "no reader": await forge({ sub: undefined }, right, current),
      "an e-mail as reader": await forge({ sub: "a@example.com" }, right, current),
    };
    for (const [name, token] of Object.entries(cases)) {
      const answer = await report(token);
      expect([name, answer.status, answer.body.rejected?.[0].code]).toEqual([
        name,
        400,
        "token_invalid",
      ]);
    }
    const expired = await report(await forge({}, right, current, "-1h"));
    expect(expired.body.rejected[0].code).toBe("token_expired");
  });

  test("one of another article pays that article, never the one in the request", async () => {
    const token = await api.viewToken("a", "r");
    const body = { token, kind: "view", articleId: "b" };
    const answer = await api.call("POST", "/v1/engagements", { body });
    expect(answer.status).toBe(400);
  });
});

describe("when a browser may date an engagement", () => {
  const minuteMs = 60_000;
  const hourMs = 60 * minuteMs;
  const nowSeconds = () => Math.floor(Date.now() / 1_000);
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
  const send = (body: unknown) => api.call("POST", "/v1/engagements", { body });
  const codeOf = ({ status, body }: Answer) => [status, body.rejected?.[0]?.code];

  async function earned(creatorId: string): Promise<string> {
    await cloud.waitUntilIdle();
    return (await api.balance(creatorId)).pendingMicros;
  }

  test("S8: a token just issued pays each kind once, whatever days and hours it is dated", async () => {
    await api.putArticle("dated", "dana");
    const token = await api.viewToken("dated", "time-traveller");
    const referrer = "https://www.google.com/";
    const kinds = [
      ...["view", "read", "reaction"].map((kind) => ({ kind })),
      { kind: "search_visit", referrer },
    ];
    const dates = [{}, ...[8, 24, 47].map((hours) => ({ occurredAt: ago(hours * hourMs) }))];
    const engagements = dates.flatMap((date) => kinds.map((kind) => ({ token, ...kind, ...date })));
    const { status, body } = await send({ engagements });
    expect([status, body.accepted]).toEqual([202, 4]);
    expect(body.rejected).toMatchObject(
      Array.from({ length: 12 }, (_, index) => ({ index: index + 4, code: "before_token" })),
    );
    expect(body.rejected[0].detail).toMatch(/5 minutes before the view token was issued, 20.*Z/);
    expect(await earned("dana")).toBe(String(1_000 + 3_000 + 500 + 1_500));
  });

  test("S8: dated before an article's shares moved, it does not pay who had them", async () => {
    await api.putArticle("sold", "first-owner");
    await api.putArticle("sold", "new-owner");
    const token = await api.viewToken("sold", "r");
    const dated = await send({ token, kind: "view", occurredAt: ago(6 * minuteMs) });
    expect(codeOf(dated)).toEqual([400, "before_token"]);
    expect(dated.headers.get("content-type")).toBe("application/problem+json");
    expect((await send({ token, kind: "view" })).status).toBe(202);
    expect([await earned("first-owner"), await earned("new-owner")]).toEqual(["0", "1000"]);
  });

  test("S8: what was done offline keeps its date, from five minutes before the issue on", async () => {
    const iat = nowSeconds() - 40 * 3_600;
    const about = { articleId: "a", readerId: "offline" };
    const token = await mintViewToken(cloud, about, { iat, exp: iat + 48 * 3_600 });
    const at = (ms: number) =>
      send({ token, kind: "view", occurredAt: new Date(iat * 1_000 + ms).toISOString() });
    expect(codeOf(await at(-5 * minuteMs - 1))).toEqual([400, "before_token"]);
    for (const ms of [-5 * minuteMs, 0, 20 * hourMs, 40 * hourMs]) {
      expect((await at(ms)).status, `${ms}`).toBe(202);
    }
  });

  test("S8: what happens after the token expires is refused", async () => {
    const iat = nowSeconds() - 3_600;
    const exp = nowSeconds() + 120;
    const token = await mintViewToken(cloud, { articleId: "a", readerId: "late" }, { iat, exp });
    const at = (seconds: number) =>
      send({ token, kind: "view", occurredAt: new Date(seconds * 1_000).toISOString() });
    expect(codeOf(await at(exp + 1))).toEqual([400, "after_token"]);
    expect((await at(exp)).status).toBe(202);
  });

  test("S8: a queue's same bytes count once, and are refused once the token has expired", async () => {
    await api.putArticle("queued", "quinn");
    const [iat, exp] = [nowSeconds() - 60, nowSeconds() + 6];
    const about = { articleId: "queued", readerId: "patient" };
    const token = await mintViewToken(cloud, about, { iat, exp });
    const body = { token, kind: "view", occurredAt: ago(30_000) };
    expect((await send(body)).status).toBe(202);
    const again = async () => codeOf(await send(body));
    await expect.poll(again, { timeout: 30_000 }).toEqual([400, "token_expired"]);
    expect(codeOf(await send({ token, kind: "view" }))).toEqual([400, "token_expired"]);
    expect(await earned("quinn")).toBe("1000");
  });

  test("S8: a token that the publisher mints must say when, and lasts a week at most", async () => {
    const now = nowSeconds();
    const day = 86_400;
    const inMilliseconds = Date.now() + 2 * day * 1_000;
    const cases: [name: string, times: { iat?: number; exp?: number }, code?: string][] = [
      ["no iat", { exp: now + day }, "token_invalid"],
      ["no exp", { iat: now }, "token_invalid"],
      ["iat six minutes ahead", { iat: now + 360, exp: now + day }, "token_invalid"],
      ["iat four minutes ahead", { iat: now + 240, exp: now + day }],
      ["iat in milliseconds", { iat: Date.now(), exp: inMilliseconds }, "token_invalid"],
      ["exp in milliseconds", { iat: now, exp: inMilliseconds }],
      ["of six days ago, exp in milliseconds", { iat: now - 6 * day, exp: inMilliseconds }],
      ["of a week ago", { iat: now - 7 * day, exp: inMilliseconds }, "token_expired"],
      ["of 1970", { iat: 0, exp: inMilliseconds }, "token_expired"],
    ];
    for (const [name, times, code] of cases) {
      const token = await mintViewToken(cloud, { articleId: "a", readerId: "minted" }, times);
      const answer = await send({ token, kind: "view" });
      expect([name, ...codeOf(answer)]).toEqual([name, code ? 400 : 202, code]);
    }
  });
});

describe("an engagement whose sender is a known bot", () => {
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

  /** As Node's own HTTP client sends it: its User-Agent is "node" unless it says another. */
  async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(cloud.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Answer["body"] };
  }

  async function earningsOf(creatorId: string) {
    await cloud.waitUntilIdle();
    const path = `/v1/creators/${creatorId}/earnings`;
    return (await api.call("GET", path, { token: api.publisher })).body.items;
  }

  test("sent by a server's HTTP client it is accepted with a warning; with the reader's User-Agent it pays", async () => {
    await api.putArticle("relayed", "rita");
    const body = { token: await api.viewToken("relayed", "r1"), kind: "view" };
    const warned = await post("/v1/engagements", body);
    expect(warned).toEqual({
      status: 202,
      body: {
        accepted: 1,
        rejected: [],
        warnings: [{ index: 0, code: "bot", detail: expect.any(String) }],
      },
    });
    expect(warned.body.warnings[0].detail).toMatch(
      /earns nothing.*"node".*sends the User-Agent of the reader's browser$/,
    );
    expect(await post("/v1/engagements", body)).toEqual(warned);
    expect(await earningsOf("rita")).toMatchObject([{ views: 0, micros: "0", void: { bot: 1 } }]);

    const relayed = { token: await api.viewToken("relayed", "r2"), kind: "view" };
    const paid = await post("/v1/engagements", relayed, { "user-agent": firefox });
    expect(paid).toEqual({ status: 202, body: { accepted: 1, rejected: [] } });
    expect(await earningsOf("rita")).toMatchObject([{ views: 1, void: { bot: 1 } }]);
  });

  test("a publisher's batch goes by each item's userAgent, not by its own client's", async () => {
    await api.putArticle("batched", "bodo");
    const view = { articleId: "batched", kind: "view" };
    const body = {
      engagements: [
        { ...view, readerId: "b1" },
        { ...view, readerId: "b2", kind: "clap" },
        { ...view, readerId: "b3", userAgent: "python-requests/2.32" },
        { ...view, readerId: "b4", userAgent: firefox },
        { ...view, readerId: "b5", articleId: "unknown", userAgent: "curl/8.9" },
        { ...view, readerId: "b6", userAgent: `Googlebot/2.1 ${"x".repeat(900)}` },
      ],
    };
    const headers = { authorization: `Bearer ${api.publisher}`, "idempotency-key": randomUUID() };
    const answer = await post("/v1/engagements/batch", body, headers);
    expect(answer).toMatchObject({
      status: 202,
      body: {
        accepted: 4,
        rejected: [{ index: 1 }, { index: 4 }],
        warnings: [
          { index: 2, code: "bot" },
          { index: 5, code: "bot" },
        ],
      },
    });
    const [own, long] = answer.body.warnings;
    expect(own.detail).toMatch(/userAgent "python-requests\/2\.32".*not your HTTP client's$/);
    expect(long.detail.length).toBeLessThan(300);
    expect(await post("/v1/engagements/batch", body, headers)).toEqual(answer);
    expect(await earningsOf("bodo")).toMatchObject([{ views: 2, void: { bot: 2 } }]);
  });
});

describe("callers' JWTs", () => {
  const health = (token: string) => api.call("GET", "/v1/admin/proof", { token });

  test("signed with the public key as an HMAC secret (HS/RS swap), or not at all: 401", async () => {
    const issuer = JSON.parse(readFileSync(cloud.dataDir.issuer, "utf8"));
    const publicKey = createPublicKey({ key: issuer.privateKey, format: "jwk" });
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    const [, payload = ""] = api.admin.split(".");
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const swapped = `${encode({ alg: "HS256", kid: issuer.kid })}.${payload}`;
    const mac = createHmac("sha256", pem).update(swapped).digest("base64url");
    expect((await health(`${swapped}.${mac}`)).status).toBe(401);
    expect((await health(`${encode({ alg: "none" })}.${payload}.`)).status).toBe(401);
    expect((await health(api.admin)).status).toBe(200);
  });

  const claimsOf = (more: Record<string, unknown>) => {
    const { iss = "", aud = "", exp = 0 } = decodeJwt(api.admin);
    return cloud.signClaims({ ...{ iss, aud, exp, sub: "p", scope: "publisher" }, ...more });
  };
  const viewTokenBy = (token: string) =>
    api.call("POST", "/v1/view-tokens", { token, body: { articleId: "a", readerId: "r" } });

  const subjects: Record<string, unknown> = {
    missing: undefined,
    null: null,
    empty: "",
    blank: " \u00a0\t",
    "too long": "x".repeat(257),
    "too long in bytes": "é".repeat(129),
    "of two lines": "ada\nadmin",
    "with a control character": "ada\u0000",
    "no well-formed Unicode": "ada\ud800",
  };
  test.each(Object.entries(subjects))(
    "whose sub is %s: 401, whatever it asks for",
    async (_, sub) => {
      for (const answer of [
        await viewTokenBy(await claimsOf({ sub })),
        await api.call("GET", "/v1/creators/ada/balance", {
          token: await claimsOf({ sub, scope: "creator" }),
        }),
        await health(await claimsOf({ sub, scope: "admin" })),
        await api.call("POST", "/v1/connection-tickets", { token: await claimsOf({ sub }) }),
      ]) {
        expect(answer.body).toMatchObject({
          ...{ status: 401, type: "urn:pennyline:problem:invalid-token" },
          detail: expect.stringMatching(
            /^sub must .*; send a token whose sub claim names the caller/,
          ),
        });
        expect(answer.status).toBe(401);
      }
    },
  );

  test("a sub of 256 bytes is one", async () => {
    expect((await viewTokenBy(await claimsOf({ sub: "é".repeat(128) }))).status).toBe(200);
  });

  /** As its function signs for it in the books; or the status, and by whom it was answered. */
  async function signatureOf(claims: Record<string, unknown>): Promise<string> {
    const body = { creatorId: "ada", amountMicros: "1", note: "n" };
    const headers = { "idempotency-key": randomUUID() };
    const token = await claimsOf({ scope: undefined, ...claims });
    const answer = await api.call("POST", "/v1/ledger/adjustments", { token, body, headers });
    if (answer.status === 201) return answer.body.bookedBy;
    return `${answer.status} by the ${answer.body.type ? "function" : "gateway"}`;
  }

  test.each<[Record<string, unknown>, string]>([
    [{ scope: "publisher" }, "publisher:p"],
    [{ scope: "openid publisher publisher email" }, "publisher:p"],
    [{ scope: "admin publisher" }, "publisher+admin:p"],
    [{ scope: ["admin"] }, "admin:p"],
    [{ scope: ["openid", "publisher", "admin"] }, "publisher+admin:p"],
    [{ scp: "publisher openid" }, "publisher:p"],
    [{ scp: ["openid", "admin"] }, "admin:p"],
    [{ scope: null, scp: "publisher" }, "publisher:p"],
    [{ scope: "publisher", scp: ["openid", "publisher"] }, "publisher:p"],
    // Nobody has these.
    [{}, "403 by the gateway"],
    [{ scope: "" }, "403 by the gateway"],
    [{ scope: "creator" }, "403 by the gateway"],
    [{ scope: "publisherx xpublisher" }, "403 by the gateway"],
    [{ scope: "Publisher ADMIN" }, "403 by the gateway"],
    [{ scope: "publisher,admin" }, "403 by the gateway"],
    [{ scope: "publisher\tadmin" }, "403 by the gateway"],
    [{ scope: "[publisher admin]" }, "403 by the gateway"],
    [{ scope: { publisher: true } }, "403 by the gateway"],
    [{ scopes: ["publisher"], role: "admin" }, "403 by the gateway"],
    // What the gateway does not take for a scope, a function does not either.
    [{ scope: "publisher openid\tadmin" }, "publisher:p"],
    [{ scope: ["publisher", "openid admin"] }, "publisher:p"],
    [{ scope: "[admin publisher admin]" }, "publisher:p"],
    // Of two claims that differ nobody knows which one the gateway took.
    [{ scope: "publisher", scp: "admin" }, "403 by the function"],
    [{ scope: ["publisher"], scp: ["publisher", "admin"] }, "403 by the function"],
  ])("with %j is %s to gateway and function alike", async (claims, expected) => {
    expect(await signatureOf(claims)).toBe(expected);
  });

  test("expired: 401", async () => {
    const token = await cloud.mintToken({ role: "admin", id: "a", ttlSeconds: -60 });
    expect((await health(token)).status).toBe(401);
  });
});
