import { randomUUID } from "node:crypto";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseCsv } from "../support/parse-csv.ts";
import { readPdf } from "../support/read-pdf.ts";
import { type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { cloudTables } from "./support/cloud-tables.ts";
import { type JobClient, jobClient } from "./support/job-client.ts";

let cloud: TestCloud;
let api: ApiClient;
let ada: JobClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  ada = jobClient(api, await cloud.mintToken({ role: "creator", id: "ada" }));
});
afterAll(() => stopTestCloud(cloud));

const worker = "pennyline-local-run-statement-render";
const month = new Date().toISOString().slice(0, 7);
const send = (method: string, path: string, body: object) =>
  api.call(method, path, {
    ...{ token: api.publisher, body },
    headers: { "idempotency-key": randomUUID() },
  });

async function download(url: string): Promise<Buffer> {
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

async function earn(creatorId: string, articleId: string, title: string) {
  await send("PUT", `/v1/articles/${articleId}`, { title, creatorId });
  await api.postViews(articleId, readerIds(7));
  await cloud.waitUntilIdle();
  await cloud.fireSchedule("pennyline-local-settle-earnings");
  await cloud.waitUntilIdle();
}

test("a month's statement comes as a PDF and as a CSV file that adds up", async () => {
  await send("PUT", "/v1/creators/ada", { name: "Ada Łovelace" });
  await earn("ada", "engines", "On engines: Ада");
  await send("POST", "/v1/ledger/adjustments", {
    ...{ creatorId: "ada", amountMicros: "25000000", note: "prize" },
  });
  const payout = await send("POST", "/v1/creators/ada/payouts", {});
  expect(payout.status).toBe(202);

  const done = await ada.finished(
    await ada.request("statement.render", { creatorId: "ada", month }),
  );
  expect(done).toMatchObject({
    ...{ state: "succeeded", result: { month, closed: false, entries: 3 } },
    files: [
      { name: "pdf", contentType: "application/pdf", fileName: `statement-${month}.pdf` },
      { name: "csv", fileName: `statement-${month}.csv` },
    ],
  });
  const [pdf, csv] = await Promise.all(done.files.map(({ url }: { url: string }) => download(url)));
  expect([pdf.length, csv.length]).toEqual(done.files.map(({ bytes }: { bytes: number }) => bytes));
  const { pages, info } = readPdf(pdf);
  expect(info.Author).toBe("Pennyline Trial");
  for (const said of [
    "Ada Łovelace",
    "On engines: Ада",
    "7 × 0.001",
    "prize",
    "Payout requested",
  ]) {
    expect(pages.join("\n")).toContain(said);
  }
  const { closing } = (await ada.get(`/v1/creators/ada/statements/${month}`)).body;
  const rows = parseCsv(csv.toString());
  const payable = (row: string[] = []) => Number(row[rows[0]?.indexOf("payable") ?? -1]);
  const moves = rows.slice(2, -1).reduce((sum, row) => sum + payable(row), 0);
  expect(payable(rows.at(-1))).toBeCloseTo(payable(rows[1]) + moves, 6);
  expect(payable(rows.at(-1)) * 1e6).toBeCloseTo(Number(closing.payableMicros), 3);
  expect(rows.some((row) => row.includes("On engines: Ада"))).toBe(true);
});

test("U3: a name and a title from before invisible characters were refused are shown escaped", async () => {
  await send("PUT", "/v1/creators/dot", { name: "Dot" });
  await earn("dot", "turned", "Turned");
  const { client, tableOf, stop } = cloudTables(cloud);
  for (const [pk, name, text] of [
    ["creator#dot", "name", "Dot\u202etod"],
    ["article#turned", "title", "Tur\u200bned"],
  ]) {
    await client.send(
      new UpdateCommand({
        ...{ TableName: tableOf("Registry"), Key: { pk, sk: "current" } },
        UpdateExpression: "SET #name = :text",
        ExpressionAttributeNames: { "#name": name ?? "" },
        ExpressionAttributeValues: { ":text": text },
      }),
    );
  }
  stop();
  const dot = jobClient(api, await cloud.mintToken({ role: "creator", id: "dot" }));
  const done = await dot.finished(
    await dot.request("statement.render", { creatorId: "dot", month }),
  );
  const { pages, info } = readPdf(await download(done.files[0].url));
  const text = pages.join("\n");
  expect(text).toContain("Dot\\u202etod");
  expect(text).toContain("Tur\\u200bned");
  expect(text + info.Subject).not.toMatch(/[\u202e\u200b]/);
});

test("Q7: a worker killed while it writes its files makes the same ones on the next attempt", async () => {
  await earn("cora", "killed", "Killed");
  const cora = jobClient(api, await cloud.mintToken({ role: "creator", id: "cora" }));
  // Its tenth call writes the PDF or comes soon after.
  const fault = { kind: "kill-at-call", call: 10, when: "after" } as const;
  cloud.faults.once({ on: "invocation", function: worker, fault });
  const jobId = await cora.request("statement.render", { creatorId: "cora", month });
  await expect
    .poll(
      async () => {
        cloud.returnFailed(worker);
        return (await cora.read(jobId)).body.state;
      },
      { timeout: 30_000, interval: 50 },
    )
    .toBe("succeeded");
  const done = await cora.finished(jobId);
  expect(done.attempts).toBe(2);
  const again = await cora.finished(
    await cora.request("statement.render", { creatorId: "cora", month }),
  );
  const [one, other] = [await download(done.files[0].url), await download(again.files[0].url)];
  expect(one.equals(other)).toBe(true);
});

test("a month to come, another creator's and a wrong month are refused before anything is accepted", async () => {
  const ask = (payload: object) => ada.post({ type: "statement.render", payload });
  const future = await ask({ creatorId: "ada", month: "2999-01" });
  expect([future.status, future.body.detail]).toEqual([
    400,
    expect.stringContaining("has not begun"),
  ]);
  expect((await ask({ creatorId: "bob", month })).status).toBe(404);
  expect((await ask({ creatorId: "ada", month: "2026-13" })).body.errors[0].field).toBe(
    "payload.month",
  );
  expect((await ask({ creatorId: "ada" })).status).toBe(400);
});
