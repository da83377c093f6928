import { createHmac, createPublicKey, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Role, roles, routes } from "../../core/contracts/routes.ts";
import type { Cloud } from "../../local/cloud.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud } from "./support/cloud.ts";

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

  test("expired: 401", async () => {
    const token = await cloud.mintToken({ role: "admin", id: "a", ttlSeconds: -60 });
    expect((await health(token)).status).toBe(401);
  });
});
