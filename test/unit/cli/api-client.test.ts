import { describe, expect, it } from "vitest";
import { type ApiRequest, apiClient, readRetryAfter } from "../../../cli/api/api-client.ts";

type Reply = { status: number; body?: unknown; headers?: Record<string, string> } | Error;

/** An API that gives these replies in turn, the last one for ever. */
function given(...replies: Reply[]) {
  const requests: Request[] = [];
  const slept: number[] = [];
  const api = apiClient({
    baseUrl: "https://api.example/stage",
    tokenFor: async (role) => `token-of-${role}`,
    pacing: {
      sleep: async (delayMs) => {
        slept.push(delayMs);
      },
      random: () => 0.5,
    },
    fetch: async (url, init) => {
      requests.push(new Request(url as string, init));
      const reply = replies.length > 1 ? replies.shift() : replies[0];
      if (reply === undefined || reply instanceof Error) throw reply;
      const { status, body, headers = {} } = reply;
      return new Response(body === undefined ? null : JSON.stringify(body), { status, headers });
    },
  });
  return { api, requests, slept };
}

const post: ApiRequest = { as: "publisher", method: "POST", path: "/v1/x", body: { n: 1 } };

describe("apiClient", () => {
  it("sends the token of the role, the body as JSON and the key", async () => {
    const { api, requests } = given({ status: 202, body: { accepted: 1 } });
    const answer = await api({ ...post, idempotencyKey: "k1" });
    expect(answer).toEqual({ status: 202, body: { accepted: 1 } });
    expect(requests[0]?.url).toBe("https://api.example/stage/v1/x");
    expect(Object.fromEntries(requests[0]?.headers ?? [])).toMatchObject({
      authorization: "Bearer token-of-publisher",
      "content-type": "application/json",
      "idempotency-key": "k1",
    });
    expect(await requests[0]?.json()).toEqual({ n: 1 });
  });

  it("waits as long as a 429 or 503 asks, and then some, and tries again", async () => {
    const { api, slept } = given(
      { status: 429, headers: { "retry-after": "3" } },
      { status: 503, headers: { "retry-after": "86400" } },
      { status: 200, body: {} },
    );
    expect((await api(post)).status).toBe(200);
    expect(slept[0]).toBeGreaterThanOrEqual(3_000);
    expect(slept[1]).toBeGreaterThanOrEqual(120_000);
    expect(slept[1]).toBeLessThan(180_000);
  });

  it("tries again when the connection breaks", async () => {
    const broken = new TypeError("fetch failed", { cause: new Error("ECONNRESET") });
    const { api, requests } = given(broken, { status: 200, body: {} });
    expect((await api(post)).status).toBe(200);
    expect(requests).toHaveLength(2);
  });

  it("gives up after a bound, and says what was wrong", async () => {
    const { api, requests } = given({ status: 503, body: { detail: "The bus is full." } });
    await expect(api(post)).rejects.toThrow(/POST .*\/v1\/x: 503, The bus is full\., 10 times/);
    expect(requests).toHaveLength(10);
  });

  it("does not repeat what would be refused again", async () => {
    const { api, requests } = given({ status: 400, body: { detail: "no" } });
    expect(await api(post)).toEqual({ status: 400, body: { detail: "no" } });
    expect(requests).toHaveLength(1);
  });

  it.each([401, 403])("fails at once when the token will not do (%i)", async (status) => {
    const { api, requests } = given({ status });
    await expect(api(post)).rejects.toMatchObject({ name: "Error", status });
    expect(requests).toHaveLength(1);
  });

  it("takes an answer that is not JSON for an answer without a body", async () => {
    const { api } = given({ status: 404 });
    expect(await api(post)).toEqual({ status: 404, body: undefined });
  });
});

describe("readRetryAfter", () => {
  const nowMs = Date.parse("2026-01-01T00:00:00Z");
  it.each([
    [null, undefined],
    ["5", 5_000],
    ["Thu, 01 Jan 2026 00:00:10 GMT", 10_000],
    ["Thu, 01 Jan 2015 00:00:10 GMT", 0],
    ["soon", undefined],
  ])("reads %j as %j ms", (header, expected) => {
    expect(readRetryAfter(header, nowMs)).toBe(expected);
  });
});
