import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";

let cloud: TestCloud;
let api: ApiClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
});
afterAll(() => stopTestCloud(cloud));

const get = (path: string, token = api.publisher) => api.call("GET", path, { token });
const send = (method: string, path: string, body: object, key: string = randomUUID()) =>
  api.call(method, path, { token: api.publisher, body, headers: { "idempotency-key": key } });
const adjust = (body: object, key?: string) =>
  send("POST", "/v1/ledger/adjustments", { note: "goodwill", ...body }, key);
const reverse = (entryId: string, key?: string) =>
  send("POST", "/v1/ledger/reversals", { entryId, note: "a mistake" }, key);
const month = () => new Date().toISOString().slice(0, 7);
const statement = async (creatorId: string) =>
  (await get(`/v1/creators/${creatorId}/statements/${month()}`)).body;
const entryPath = (entryId: string) => `/v1/ledger/entries/${encodeURIComponent(entryId)}`;

async function settle() {
  await cloud.waitUntilIdle();
  await cloud.fireSchedule("pennyline-local-settle-earnings");
  await cloud.waitUntilIdle();
}

function expectProblem(answer: Answer, status: number, code: string, ...words: string[]) {
  expect(answer.body).toMatchObject({ status, type: `urn:pennyline:problem:${code}` });
  for (const word of words) expect(answer.body.detail).toContain(word);
}

describe("an entry explains itself", () => {
  test("counts, price, share and fee lead to each line's amount, to the micro", async () => {
    await send("POST", "/v1/rate-cards", {
      ...{ currency: "USD", feeBasisPoints: 1_250 },
      micros: { view: 1_001, read: 3, reaction: 500, comment: 2_000, search_visit: 1_500 },
    });
    const shares = [
      { creatorId: "ada", basisPoints: 6_667 },
      { creatorId: "bob", basisPoints: 3_333 },
    ];
    await send("PUT", "/v1/articles/shared", { title: "Shared", shares });
    await api.postViews("shared", readerIds(7));
    await settle();
    const { items } = (await get("/v1/creators/ada/ledger")).body;
    expect(items).toHaveLength(1);
    const ada = await cloud.mintToken({ role: "creator", id: "ada" });
    const { body: entry } = await get(entryPath(items[0].entryId), ada);
    // 1001 micros: 667.37 and 333.63, the odd one to the larger remainder; less an eighth, floored.
    expect(entry.lines).toMatchObject([
      {
        ...{ articleId: "shared", kind: "view", count: "7", movement: "paid" },
        ...{ amountMicros: String(7 * 584), feeMicros: String(7 * 83) },
        price: {
          ...{ cardVersion: 1, scope: "publisher", priceMicros: "1001", weightPercent: 100 },
          ...{ feeBasisPoints: 1_250, shareBasisPoints: 6_667, unitMicros: "584" },
        },
      },
    ]);
    expect(entry).toMatchObject({
      ...{ type: "settlement", amountMicros: "4088", heldMicros: "0", feeMicros: "581" },
      balance: { payableMicros: "4088", heldMicros: "0" },
    });
    expect(entry.postings).toEqual([
      { account: "expense:revenue-share", amountMicros: "4669" },
      { account: "payable:ada", amountMicros: "-4088" },
      { account: "income:fees", amountMicros: "-581" },
    ]);
  });

  test("to its creator and the publisher; to others it does not exist", async () => {
    const bob = await cloud.mintToken({ role: "creator", id: "bob" });
    expectProblem(await get(entryPath("ada.0000000001"), bob), 404, "not-found");
    expectProblem(await get(entryPath("ada.0000000099")), 404, "not-found");
    expectProblem(await get(entryPath("nonsense")), 400, "invalid-request", "entryId");
    expect((await get(entryPath("bob.0000000001"), bob)).status).toBe(200);
  });
});

describe("what is booked by hand", () => {
  test("an adjustment names who, why and what it corrects; a reversal mirrors it once", async () => {
    const first = await adjust({ creatorId: "cleo x", amountMicros: "5000000" });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      ...{ type: "adjustment", amountMicros: "5000000", note: "goodwill" },
      bookedBy: "publisher:publisher",
    });
    const { entryId } = first.body;
    expect((await get(first.headers.get("location") ?? "")).body).toMatchObject({ entryId });
    const less = await adjust({
      ...{ creatorId: "cleo x", amountMicros: "-1000000" },
      ...{ corrects: entryId, effectiveDay: "2026-01-31" },
    });
    expect(less.body).toMatchObject({ corrects: entryId, effectiveDay: "2026-01-31" });

    const key = randomUUID();
    const reversal = await reverse(entryId, key);
    expect(reversal.body).toMatchObject({ amountMicros: "-5000000", corrects: entryId });
    expect((await reverse(entryId, key)).body).toEqual(reversal.body);
    expectProblem(
      await reverse(entryId),
      ...([409, "entry-already-reversed", reversal.body.entryId] as const),
    );
    expect((await get(entryPath(entryId))).body.correctedBy).toEqual([
      less.body.entryId,
      reversal.body.entryId,
    ]);
    expect(await statement("cleo%20x")).toMatchObject({
      ...{ adjustedMicros: "-1000000", closing: { payableMicros: "-1000000" } },
      entries: { first: 1, last: 3, count: 3 },
    });
  });

  test("twenty adjustments at once are all booked", async () => {
    const all = Array.from({ length: 20 }, () => adjust({ creatorId: "dora", amountMicros: "5" }));
    const answers = await Promise.all(all);
    expect(new Set(answers.map(({ body }) => body.entryId)).size).toBe(20);
    expect((await statement("dora")).closing.payableMicros).toBe("100");
  });

  test("earnings are not reversed by hand, and the answer says what to do instead", async () => {
    const answer = await reverse("ada.0000000001");
    expectProblem(answer, 409, "entry-not-reversible", "settlement", "/v1/admin/reviews");
  });

  test("I2: amounts that are none, days to come and strangers' entries are refused by name", async () => {
    const creatorId = "eve";
    for (const amountMicros of ["0", "1.5", "1e6", "0x5", "", 5, "9".repeat(19)]) {
      const answer = await adjust({ creatorId, amountMicros });
      expectProblem(answer, 400, "invalid-request", "amountMicros");
    }
    const future = { creatorId, amountMicros: "1", effectiveDay: "2999-01-01" };
    expectProblem(await adjust(future), 400, "invalid-request", "effectiveDay");
    const stranger = { creatorId, amountMicros: "1", corrects: "ada.0000000001" };
    expectProblem(await adjust(stranger), 400, "invalid-request", "corrects");
    expectProblem(await reverse("eve.0000000001"), 404, "not-found");
  });

  test("is for publisher and admin only", async () => {
    const token = await cloud.mintToken({ role: "creator", id: "eve" });
    const body = { creatorId: "eve", amountMicros: "1", note: "me" };
    const headers = { "idempotency-key": randomUUID() };
    const answer = await api.call("POST", "/v1/ledger/adjustments", { token, body, headers });
    expect(answer.status).toBe(403);
  });
});

describe("statements", () => {
  test("of a month are the sums of its entries", async () => {
    const one = await statement("ada");
    expect(one).toMatchObject({
      ...{ creatorId: "ada", month: month(), currency: "USD", closed: false },
      opening: { payableMicros: "0", heldMicros: "0", inPayoutMicros: "0" },
      ...{ earnedMicros: "4088", feesMicros: "581", adjustedMicros: "0" },
      closing: { payableMicros: "4088", heldMicros: "0", inPayoutMicros: "0" },
    });
  });

  test("of months before any entry are zeros; those of months to come are refused", async () => {
    const past = await get("/v1/creators/ada/statements/2020-02");
    expect(past.body).toMatchObject({ closed: true, entries: { count: 0 }, earnedMicros: "0" });
    for (const wrong of ["2999-01", "2026-13", "january"]) {
      const answer = await get(`/v1/creators/ada/statements/${wrong}`);
      expectProblem(answer, 400, "invalid-request", "month");
    }
  });
});

test("the proof is ok after all that", async () => {
  expect(await api.proof()).toMatchObject({ ok: true, differences: [] });
});
