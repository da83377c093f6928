import { createHmac } from "node:crypto";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readDevIssuer } from "../../local/dev-issuer.ts";
import { cloudForTest, startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { fixtureApi, fixtureFunction, writeAssembly } from "./support/fixture-assembly.ts";

/** Answers with the event, or with what the `x-answer` header holds. */
const echo = `
export const handler = async (event) => {
  const mode = event.headers["x-mode"];
  if (mode === "throw") throw new Error("on purpose");
  if (mode === "exit") process.exit(3);
  if (mode === "brief") await new Promise((resolve) => setTimeout(resolve, 300));
  if (mode === "hang") await new Promise(() => {});
  const answer = event.headers["x-answer"];
  return answer === undefined ? event : JSON.parse(answer);
};`;

let cloud: TestCloud;
beforeAll(async () => {
  const routes = {
    "GET /open": {},
    "POST /open": {},
    "GET /things/fixed": {},
    "GET /things/{id}": {},
    "GET /articles/{articleId+}": {},
    "GET /slow": {},
    "GET /limited": {},
    "GET /closed": {
      AuthorizationType: "JWT",
      AuthorizerId: { Ref: "Jwt" },
      AuthorizationScopes: ["creator", "publisher"],
    },
  };
  const api = {
    CorsConfiguration: { AllowOrigins: ["https://a.example"], AllowMethods: ["GET"], MaxAge: 60 },
  };
  const limit = { ThrottlingRateLimit: 0.001, ThrottlingBurstLimit: 2 };
  cloud = await startTestCloud({
    assemblyDir: writeAssembly({
      resources: {
        ...fixtureApi(routes, api, { RouteSettings: { "GET /limited": limit } }),
        Function: fixtureFunction("echo", { Timeout: 1 }),
      },
      bundles: { echo },
    }),
  });
});
afterAll(() => stopTestCloud(cloud));

const get = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  fetch(`${cloud.url}${path}`, { ...init, headers });
const echoed = async (path: string, headers?: Record<string, string>, init?: RequestInit) =>
  (await (await get(path, headers, init)).json()) as Record<string, never>;
const closed = (token: string) => get("/closed", { authorization: `Bearer ${token}` });
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const inAnHour = () => Math.floor(Date.now() / 1000) + 3_600;
const goodClaims = () => ({
  iss: "https://issuer.pennyline.local",
  aud: "pennyline",
  scope: "publisher",
  sub: "p",
  exp: inAnHour(),
});

describe("the JWT authorizer", () => {
  test("lets a token of the development issuer in, with its claims as text", async () => {
    const answer = await closed(await cloud.mintToken({ role: "creator", id: "c1" }));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      requestContext: {
        authorizer: {
          jwt: { claims: { sub: "c1", exp: expect.stringMatching(/^\d+$/) }, scopes: ["creator"] },
        },
      },
    });
  });

  test("answers 403 to a token without the scope", async () => {
    const answer = await closed(await cloud.mintToken({ role: "admin", id: "a" }));
    expect(answer.status).toBe(403);
    expect(await answer.json()).toEqual({ message: "Forbidden" });
  });

  const attacks: Record<string, () => Promise<string> | string> = {
    "no token": () => "",
    rubbish: () => "a.b.c",
    "alg none": () => `${encode({ alg: "none" })}.${encode(goodClaims())}.`,
    "HS256 signed with the public key": async () => {
      const { publicKey } = await readDevIssuer(cloud.dataDir.issuer);
      const input = `${encode({ alg: "HS256" })}.${encode(goodClaims())}`;
      const secret = await exportSPKI(publicKey);
      return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
    },
    "another key": async () => {
      const { privateKey } = await generateKeyPair("RS256");
      return new SignJWT(goodClaims()).setProtectedHeader({ alg: "RS256" }).sign(privateKey);
    },
    expired: () => cloud.mintToken({ role: "publisher", id: "p", ttlSeconds: -1 }),
    "claims of another token": async () => {
      const [header, , signature] = (await cloud.mintToken({ role: "admin", id: "a" })).split(".");
      return `${header}.${encode(goodClaims())}.${signature}`;
    },
  };
  test.each(Object.entries(attacks))("answers 401: %s", async (_name, token) => {
    const answer = await closed(await token());
    expect(answer.status).toBe(401);
    expect(await answer.json()).toEqual({ message: "Unauthorized" });
  });

  test.each([
    ["issuer", { iss: "https://issuer.example.com" }],
    ["audience", { aud: "someone-else" }],
    ["expiry", { exp: inAnHour() - 7_200 }],
    ["not-before", { nbf: inAnHour() }],
    ["issue time", { iat: inAnHour() }],
  ])("answers 401 to a wrong %s under a right signature", async (_name, claims) => {
    expect((await closed(await cloud.signClaims({ ...goodClaims(), ...claims }))).status).toBe(401);
    expect((await closed(await cloud.signClaims(goodClaims()))).status).toBe(200);
  });
});

describe("the HTTP API", () => {
  test("hands over payload format 2.0", async () => {
    const headers = { "X-Two": "a", cookie: "one=1; two=2", "content-type": "text/plain" };
    const init = { method: "POST", body: "é" };
    expect(await echoed("/open?b=1&b=2&c=%20", headers, init)).toMatchObject({
      version: "2.0",
      routeKey: "POST /open",
      rawPath: "/open",
      rawQueryString: "b=1&b=2&c=%20",
      queryStringParameters: { b: "1,2", c: " " },
      cookies: ["one=1", "two=2"],
      headers: { "x-two": "a" },
      requestContext: { http: { method: "POST", path: "/open" }, stage: "$default" },
      body: "é",
      isBase64Encoded: false,
    });
  });

  test("passes bytes that are no text as base64", async () => {
    const body = Buffer.from([0xff, 0x00, 0x7b]);
    const type = { "content-type": "application/json" };
    expect(await echoed("/open", type, { method: "POST", body })).toMatchObject({
      body: body.toString("base64"),
      isBase64Encoded: true,
    });
  });

  test.each([
    ["/things/fixed", "GET /things/fixed", undefined],
    ["/things/a%20b", "GET /things/{id}", { id: "a b" }],
    ["/articles/a", "GET /articles/{articleId+}", { articleId: "a" }],
    ["/articles/a/b", "GET /articles/{articleId+}", { articleId: "a/b" }],
    ["/articles/%2Fblog%2Fx", "GET /articles/{articleId+}", { articleId: "/blog/x" }],
  ])("routes %s to %s", async (path, routeKey, pathParameters) => {
    const event = await echoed(path);
    expect(event).toMatchObject({ routeKey, rawPath: decodeURIComponent(path) });
    expect(event.pathParameters).toEqual(pathParameters);
  });

  test.each([
    ["an unknown path", "/nowhere", 404],
    ["another method", "/things/fixed", 404, "POST"],
    ["a path that does not decode", "/things/%E0%A4%A", 400],
    ["an empty path parameter", "/things/", 404],
  ])("answers %s itself", async (_name, path, status, method = "GET") => {
    expect((await get(path, {}, { method })).status).toBe(status);
  });

  test("refuses a body over 10 MB", async () => {
    const init = { method: "POST", body: Buffer.alloc(10 * 1_048_576 + 1) };
    expect((await get("/open", {}, init)).status).toBe(413);
  });

  test.each([
    ["a value without a status", { hello: 1 }, 200, '{"hello":1}'],
    ["a string", "hello", 200, "hello"],
    ["base64", { statusCode: 201, body: "aGk=", isBase64Encoded: true }, 201, "hi"],
    ["a body that is no string", { statusCode: 200, body: {} }, 500, /Internal Server Error/],
    ["a status that is none", { statusCode: "x" }, 500, /Internal Server Error/],
  ])("understands %s", async (_name, answer, status, body) => {
    const response = await get("/open", { "x-answer": JSON.stringify(answer) });
    expect(response.status).toBe(status);
    const text = await response.text();
    if (typeof body === "string") expect(text).toBe(body);
    else expect(text).toMatch(body);
  });

  test("sets every cookie", async () => {
    const answer = { statusCode: 200, cookies: ["a=1", "b=2"] };
    const response = await get("/open", { "x-answer": JSON.stringify(answer) });
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  test.each([
    ["throw", "Error: on purpose"],
    ["exit", "Runtime exited with error: exit status 3"],
    ["hang", "Task timed out after 1.00 seconds"],
  ])("answers 500 when the function fails (%s), and says why", async (mode, message) => {
    const response = await get("/open", { "x-mode": mode });
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ message: "Internal Server Error" });
    expect(cloud.messages.join("\n")).toContain(message);
    expect((await get("/open")).status).toBe(200);
  });

  test("answers 503 when the function is throttled", async () => {
    cloud.faults.once({ on: "invocation", function: "echo", fault: { kind: "throttle" } });
    expect((await get("/open")).status).toBe(503);
  });

  test("answers 429 beyond the route's throttle", async () => {
    const statuses = [];
    for (let index = 0; index < 4; index += 1) statuses.push((await get("/limited")).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
  });

  test("answers CORS for exact origins only", async () => {
    const preflight = (origin: string) =>
      get("/open", { origin, "access-control-request-method": "GET" }, { method: "OPTIONS" });
    const allowed = await preflight("https://a.example");
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://a.example");
    expect(allowed.headers.get("access-control-max-age")).toBe("60");
    const other = await preflight("https://a.example.evil.example");
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
    const answer = await get("/open", { origin: "https://a.example" });
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://a.example");
  });
});

test("J4: what nobody waits for any more never runs; a function whose environments all wait gets another one; stop ends them", async () => {
  const fixture = fixtureApi({ "GET /slow": {} });
  const { Integration } = fixture as unknown as Record<string, { Properties: object }>;
  const impatient = { ...Integration?.Properties, TimeoutInMillis: 500 };
  const slow = await cloudForTest({
    assemblyDir: writeAssembly({
      resources: {
        ...fixture,
        Integration: { Type: "AWS::ApiGatewayV2::Integration", Properties: impatient },
        Function: fixtureFunction("echo", { Timeout: 60 }),
      },
      bundles: { echo },
    }),
  });
  const { concurrency, busy } = slow.functions.get("echo");
  const stats = () => slow.stats.functions.echo ?? expect.unreachable("no statistics");
  const ask = async (mode: string, signal?: AbortSignal) => {
    const init = { headers: { "x-mode": mode }, ...(signal && { signal }) };
    return (await fetch(`${slow.url}/slow`, init)).status;
  };
  const askAll = (count: number, mode: string) =>
    Promise.all(Array.from({ length: count }, () => ask(mode)));
  const all = (count: number, status: number) => Array.from({ length: count }, () => status);
  // Only side by side are they answered in time: every environment is there.
  await expect
    .poll(() => askAll(concurrency, "brief"), { timeout: 60_000 })
    .toEqual(all(concurrency, 200));
  await expect.poll(() => busy(), { timeout: 30_000 }).toBe(0);

  // The gateway has given up on these, and they run on: nothing else can begin.
  expect(await askAll(concurrency, "hang")).toEqual(all(concurrency, 503));
  expect(busy()).toBe(concurrency);
  const { invocations, abandoned } = stats();
  expect(await askAll(20, "")).toEqual(all(20, 503));
  expect(stats()).toMatchObject({ invocations, abandoned: abandoned + 20 });
  const leaving = Array.from({ length: 20 }, () => ask("", AbortSignal.timeout(50)));
  expect((await Promise.allSettled(leaving)).map(({ status }) => status)).not.toContain(
    "fulfilled",
  );
  await expect.poll(() => stats().abandoned).toBe(abandoned + 40);
  expect([stats().invocations, busy()]).toEqual([invocations, concurrency]);

  // This one waits as long as it takes: for an environment beyond the usual ones.
  expect(await slow.invoke("echo", { headers: {} })).toEqual({ headers: {} });
  expect([busy(), stats().coldStarts]).toEqual([concurrency, concurrency + 1]);

  const stoppedAtMs = Date.now();
  await slow.stop();
  expect(Date.now() - stoppedAtMs).toBeLessThan(10_000);
  expect([busy(), slow.messages]).toEqual([0, ["ended while they ran: echo"]]);
}, 120_000);
