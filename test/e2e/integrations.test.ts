import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { receiverForTest as receiver } from "./support/receiver.ts";

let cloud: TestCloud;
let api: ApiClient;
beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
});
afterAll(() => stopTestCloud(cloud));

const call = (method: string, path: string, body?: unknown, key: string = randomUUID()) =>
  api.call(method, path, {
    token: api.publisher,
    ...(body === undefined ? {} : { body, headers: { "idempotency-key": key } }),
  });
const usual = { ratePerSecond: 100, timeoutMs: 2_000 };
const put = (id: string, body: object, key?: string) =>
  call("PUT", `/v1/integrations/${id}`, { ...usual, ...body }, key);
const read = (id: string) => call("GET", `/v1/integrations/${id}`);

describe("the registry of integrations", () => {
  test("shows the secret once, keeps it when it is replaced, and forgets what is deleted", async () => {
    const { url } = await receiver();
    const key = randomUUID();
    const first = await put("crm", { url, headers: { "x-team": "books" } }, key);
    expect([first.status, first.body]).toMatchObject([
      200,
      {
        ...{ integrationId: "crm", url: `${url}/`, method: "POST", headers: { "x-team": "books" } },
        ...{ ratePerSecond: 100, timeoutMs: 2_000, failuresToOpen: 5, coolDownMs: 30_000 },
        secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      },
    ]);
    expect((await put("crm", { url, headers: { "x-team": "books" } }, key)).body).toEqual(
      first.body,
    );
    expect((await put("crm", { url }, key)).status).toBe(409);

    const second = await put("crm", { url, method: "PUT" });
    expect(second.body).not.toHaveProperty("secret");
    expect(second.body).not.toHaveProperty("shown");
    const shown = await read("crm");
    expect(shown.body).toMatchObject({
      ...{ method: "PUT", headers: {}, callsOfLastDay: {} },
      breaker: { state: "closed", failuresInRow: 0 },
      secrets: [{ generation: 1 }],
    });
    expect(JSON.stringify(shown.body)).not.toContain("whsec_");

    const patch = (id: string, body: object) => call("PATCH", `/v1/integrations/${id}`, body);
    await put("crm", { url, method: "PUT", headers: { "x-team": "books" }, coolDownMs: 5_000 });
    const slower = await patch("crm", { ratePerSecond: 2 });
    expect([slower.status, slower.body]).toMatchObject([
      200,
      {
        ...{ method: "PUT", headers: { "x-team": "books" }, coolDownMs: 5_000 },
        ...{ ratePerSecond: 2, timeoutMs: 2_000, secrets: [{ generation: 1 }] },
      },
    ]);
    expect(slower.body).not.toHaveProperty("secret");
    expect((await patch("crm", { headers: { authorization: "x" } })).status).toBe(400);
    expect((await patch("crm", { rate: 2 })).status).toBe(400);
    expect((await patch("none", { ratePerSecond: 2 })).status).toBe(404);

    await put("newsletter", { url });
    const page = await call("GET", "/v1/integrations?limit=1");
    expect(page.body).toMatchObject({ items: [{ integrationId: "crm" }], nextCursor: "crm" });
    const rest = await call("GET", "/v1/integrations?cursor=crm");
    expect(rest.body.items).toMatchObject([{ integrationId: "newsletter" }]);
    expect((await call("GET", `/v1/integrations?cursor=${"x".repeat(1_024)}`)).status).toBe(400);

    expect((await call("DELETE", "/v1/integrations/crm")).status).toBe(200);
    expect((await read("crm")).status).toBe(404);
    expect((await call("DELETE", "/v1/integrations/crm")).status).toBe(404);
    const anew = await put("crm", { url });
    expect(anew.body.secret).toMatch(/^whsec_/);
    expect(anew.body.secret).not.toBe(first.body.secret);
  });

  test.each([
    "http://example.com/hook",
    "https://10.0.0.1/hook",
    "https://[::ffff:169.254.169.254]/",
    "https://0xa9fea9fe/latest/meta-data",
    "https://user:secret@example.com/",
    "https://crm.internal/",
  ])("SSRF: %s is refused before anything is accepted", async (url) => {
    const answer = await put("private", { url });
    expect([answer.status, answer.body.errors[0].field]).toEqual([400, "url"]);
    expect((await read("private")).status).toBe(404);
  });

  test.each([
    [{ "x-a": "b\r\nhost: evil" }],
    [{ "x-a\r\nhost": "evil" }],
    [{ Host: "evil" }],
    [{ authorization: "Bearer x" }],
    [{ Cookie: "a=b" }],
    [{ "Content-Length": "0" }],
    [{ "transfer-encoding": "chunked" }],
    [{ "idempotency-key": "mine" }],
    [{ "Webhook-Signature": "v1,forged" }],
    [Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`x-${index}`, "1"]))],
  ])("headers: %j is refused", async (headers) => {
    const { url } = await receiver();
    const answer = await put("headers", { url, headers });
    expect([answer.status, answer.body.errors[0].field]).toEqual([400, "headers"]);
  });

  test.each([
    [{ ratePerSecond: 0 }, "ratePerSecond"],
    [{ ratePerSecond: 101 }, "ratePerSecond"],
    [{ timeoutMs: 15_001 }, "timeoutMs"],
    [{ method: "DELETE" }, "method"],
    [{ coolDown: 1 }, "coolDown"],
  ])("%j is refused by name", async (wrong, field) => {
    const answer = await put("wrong", { url: "https://example.com/", ...wrong });
    expect([answer.status, answer.body.errors[0].field]).toEqual([400, field]);
  });
});

describe("testing an integration", () => {
  test("makes a signed call, and tells how it ended and how long it took", async () => {
    const crm = await receiver(() => ({ status: 204 }));
    const { secret } = (await put("tested", { url: crm.url })).body;
    const answer = await call("POST", "/v1/integrations/tested/test", {});
    expect([answer.status, answer.body]).toEqual([
      200,
      { result: "succeeded", status: 204, durationMs: expect.any(Number) },
    ]);
    const [request] = crm.received;
    const verified = new Webhook(secret).verify(request?.body ?? "", request?.headers as never);
    expect(verified).toEqual({ type: "pennyline.test", integrationId: "tested" });
  });

  test("two secrets sign during a rotation, and none that was ended at once", async () => {
    const crm = await receiver();
    const old = (await put("rotated", { url: crm.url })).body.secret;
    const rotate = (body: object) => call("POST", "/v1/integrations/rotated/secret", body);
    const next = await rotate({});
    expect([next.status, next.body.secrets]).toMatchObject([
      201,
      [{ generation: 2 }, { generation: 1, validUntil: expect.any(String) }],
    ]);
    const verifies = async (...secrets: string[]) => {
      await call("POST", "/v1/integrations/rotated/test", {});
      const { body = "", headers = {} } = crm.received.at(-1) ?? {};
      return secrets.map((secret) => {
        try {
          return Boolean(new Webhook(secret).verify(body, headers as never));
        } catch {
          return false;
        }
      });
    };
    expect(await verifies(old, next.body.secret)).toEqual([true, true]);
    const last = (await rotate({ overlapHours: 0 })).body.secret;
    expect(await verifies(old, next.body.secret, last)).toEqual([false, false, true]);
    expect((await call("POST", "/v1/integrations/nobody/secret", {})).status).toBe(404);
  });

  test("W1, W2: a redirect, an error and silence are told as what they are", async () => {
    const crm = await receiver(() => ({
      ...{ status: 302, headers: { location: "http://169.254.169.254/" } },
    }));
    await put("odd", { url: crm.url, timeoutMs: 200 });
    const tested = async () => (await call("POST", "/v1/integrations/odd/test", {})).body;
    expect(await tested()).toMatchObject({ result: "refused", status: 302 });
    crm.answers(() => ({ status: 500, body: "a stack trace" }));
    const failed = await tested();
    expect(failed).toMatchObject({ result: "failed", status: 500 });
    expect(JSON.stringify(failed)).not.toContain("stack trace");
    crm.answers(() => undefined);
    expect(await tested()).toMatchObject({ result: "timeout" });
    await crm.stop();
    expect(await tested()).toMatchObject({ result: "unreachable" });
  });

  test("keeps to the rate of the integration", async () => {
    const crm = await receiver();
    await put("slow", { url: crm.url, ratePerSecond: 1 });
    const tests = Array.from({ length: 3 }, () => call("POST", "/v1/integrations/slow/test", {}));
    const answers = await Promise.all(tests);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(2);
    expect(Number(refused[0]?.headers.get("retry-after"))).toBe(1);
    expect(crm.received).toHaveLength(1);
  });
});
