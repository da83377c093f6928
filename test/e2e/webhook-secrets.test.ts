import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scanItems } from "../../adapters/dynamodb/items.ts";
import type { Cloud } from "../../local/cloud.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud } from "./support/cloud.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";

let cloud: Cloud;
let api: ApiClient;
let tables: CloudTables;
beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  tables = cloudTables(cloud);
});
afterAll(async () => {
  tables?.stop();
  await stopTestCloud(cloud);
});

const rotate = async (token: string, body: object = {}, key: string = randomUUID()) => {
  const headers = { "idempotency-key": key };
  const path = "/v1/webhook-endpoints/callbacks/secret";
  return await api.call("POST", path, { token, body, headers });
};

test("an owner's callbacks have a secret of their own, which a retry shows again", async () => {
  const ada = await cloud.mintToken({ role: "creator", id: "ada" });
  const first = await rotate(ada, {}, "one");
  expect(first).toMatchObject({ status: 201, body: { secrets: [{ generation: 1 }] } });
  expect(first.body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect((await rotate(ada, {}, "one")).body).toEqual(first.body);
  expect((await rotate(ada, { overlapHours: 1 }, "one")).status).toBe(409);
  const others = await Promise.all([
    rotate(await cloud.mintToken({ role: "creator", id: "bert" })),
    rotate(api.publisher),
    rotate(ada),
  ]);
  const secrets = [first, ...others].map(({ body }) => body.secret);
  expect(new Set(secrets).size).toBe(4);
});

test("a new one is valid beside those before, or instead of them", async () => {
  const cleo = await cloud.mintToken({ role: "creator", id: "cleo" });
  await rotate(cleo);
  const { body } = await rotate(cleo);
  const inHours = (hours: number) => Date.now() + hours * 3_600_000;
  const [newest, before] = body.secrets;
  expect(newest).toEqual({ generation: 2, createdAt: expect.any(String) });
  expect(Math.abs(Date.parse(before.validUntil) - inHours(24))).toBeLessThan(60_000);
  await rotate(cleo, { overlapHours: 48 });
  await rotate(cleo);
  const full = await rotate(cleo);
  expect(full).toMatchObject({
    status: 409,
    body: { type: "urn:pennyline:problem:too-many-secrets" },
  });
  const alone = await rotate(cleo, { overlapHours: 0 });
  expect(alone.body.secrets).toEqual([{ generation: 5, createdAt: expect.any(String) }]);
});

test("secrets stand in no table", async () => {
  const dora = await cloud.mintToken({ role: "creator", id: "dora" });
  const secrets = [(await rotate(dora)).body.secret, (await rotate(dora)).body.secret];
  for (const TableName of cloud.tables) {
    for await (const item of scanItems(tables.client, { TableName })) {
      const text = JSON.stringify(item, (_, value) =>
        typeof value === "bigint" ? String(value) : value,
      );
      for (const secret of secrets) {
        expect(text).not.toContain(secret);
        expect(text).not.toContain(secret.slice("whsec_".length));
      }
    }
  }
});

test.each([
  [{ overlapHours: -1 }, "overlapHours"],
  [{ overlapHours: 169 }, "overlapHours"],
  [{ overlap: 1 }, "overlap"],
])("%j is refused, and says what to change", async (body, field) => {
  const answer = await rotate(api.publisher, body);
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } });
});
