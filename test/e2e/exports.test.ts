import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { BatchWriteCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dynamoDbJobs } from "../../adapters/dynamodb/job-store.ts";
import { sha256Hex, systemClock } from "../../adapters/runtime.ts";
import { limits } from "../../core/contracts/limits.ts";
import type { Job } from "../../core/jobs/job.ts";
import { atOnce } from "../../core/values/at-once.ts";
import { chunk } from "../../core/values/group-by.ts";
import { dayMs, startOfUtcDayMs, utcDayOf } from "../../core/values/time.ts";
import { type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";
import { type JobClient, jobClient } from "./support/job-client.ts";

const worker = "pennyline-local-run-export-engagements";
/** All of a test's engagements are of one moment, so that none falls into another day. */
const nowMs = Date.now();
const occurredAt = new Date(nowMs).toISOString();
const today = utcDayOf(nowMs);
const day = (ago: number) => utcDayOf(nowMs - ago * dayMs);

let cloud: TestCloud;
let api: ApiClient;
let publisher: JobClient;
let ada: JobClient;
let tables: CloudTables;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  publisher = jobClient(api);
  ada = jobClient(api, await cloud.mintToken({ role: "creator", id: "ada" }));
  tables = cloudTables(cloud);
});
afterAll(async () => {
  tables?.stop();
  await stopTestCloud(cloud);
});

type Row = Readonly<Record<string, string>>;

async function exported(client: JobClient, payload: object) {
  const job = await client.finished(await client.request("export.engagements", payload));
  expect(job).toMatchObject({ state: "succeeded", progress: { percent: 100 } });
  return { job, text: await textOf(job.files) };
}

async function textOf([file]: readonly { url: string; bytes: number }[]): Promise<string> {
  const answer = await fetch(file?.url ?? "");
  expect(answer.status).toBe(200);
  const bytes = Buffer.from(await answer.arrayBuffer());
  expect(bytes.length).toBe(file?.bytes);
  return gunzipSync(bytes).toString("utf8");
}

function rowsOfCsv(text: string): Row[] {
  expect(text.endsWith("\r\n")).toBe(true);
  const lines = text.slice(0, -2).split("\r\n").map(cellsOf);
  const [header = [], ...rows] = lines;
  return rows.map((cells) => Object.fromEntries(header.map((name, at) => [name, cells[at] ?? ""])));
}

const cellsOf = (line: string): string[] =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "",
  );

// biome-ignore lint/suspicious/noExplicitAny: tests state the shape they expect
const rowsOfJson = (text: string): any[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

const sum = (values: readonly string[]) => values.reduce((total, one) => total + BigInt(one), 0n);

async function must(status: number, method: string, path: string, body: object) {
  const headers = { "idempotency-key": randomBytes(8).toString("hex") };
  const answer = await api.call(method, path, { token: api.publisher, body, headers });
  expect([answer.status, answer.body]).toMatchObject([status, {}]);
}

/** As the publisher reports them: reader, article, kind, and what else there is. */
async function count(
  ...engagements: [reader: string, article: string, kind?: string, more?: object][]
) {
  const reported = engagements.map(([readerId, articleId, kind = "view", more = {}]) => ({
    ...{ readerId, articleId, kind, occurredAt, ...more },
  }));
  await must(202, "POST", "/v1/engagements/batch", { engagements: reported });
  await cloud.waitUntilIdle();
}

const pending = { comment: { characters: 100, moderation: "pending" } };

describe("a creator's export", () => {
  const strange = '=HYPERLINK("x"), "quoted"';

  beforeAll(async () => {
    await api.putArticle("letters", "ada");
    await api.putArticle(strange, "ada");
    await must(200, "PUT", "/v1/articles/shared", {
      title: "Shared",
      shares: [
        { creatorId: "ada", basisPoints: 3_333 },
        { creatorId: "bob", basisPoints: 6_667 },
      ],
    });
    await count(
      ...readerIds(7).map((reader): [string, string] => [reader, "letters"]),
      ...readerIds(3).map((reader): [string, string] => [reader, "shared"]),
      ["human", strange],
      ["human", "letters", "read"],
      ["talker", "letters", "comment", pending],
      ["crawler", "letters", "view", { userAgent: "Googlebot/2.1" }],
    );
    await cloud.fireSchedule("pennyline-local-settle-earnings");
    await cloud.waitUntilIdle();
    await count(["late", "letters"]);
  });

  test("ties with the balance to the micro, whether it is settled or not", async () => {
    const payload = { creatorId: "ada", from: today, to: today };
    const { job, text } = await exported(ada, payload);
    expect(job.files).toMatchObject([
      {
        name: "csv",
        contentType: "application/gzip",
        fileName: `engagements-ada-${today}-${today}.csv.gz`,
      },
    ]);
    const rows = rowsOfCsv(text);
    expect(job.result).toEqual({ ...payload, format: "csv", rows: rows.length });
    expect(job.progress).toMatchObject({ percent: 100, counts: { rows: rows.length } });
    const balance = await api.balance("ada");
    const micros = (state: string) =>
      sum(rows.filter((row) => row.state === state).map((row) => row.micros ?? ""));
    expect(micros("paid")).toBe(BigInt(balance.settledMicros) + BigInt(balance.pendingMicros));
    expect(micros("held")).toBe(BigInt(balance.heldMicros));
    expect(micros("held")).toBeGreaterThan(0n);
    const of = (article: string, kind: string, state: string) =>
      rows.find((row) => row.article_id === article && row.kind === kind && row.state === state);
    expect(of("letters", "view", "paid")).toMatchObject({ day: today, engagements: "8" });
    expect(of("letters", "comment", "held")).toMatchObject({
      reason: "unmoderated",
      engagements: "1",
    });
    expect(of("letters", "view", "void")).toMatchObject({ reason: "bot", micros: "0" });
    expect(of("shared", "view", "paid")).toMatchObject({ engagements: "3" });
    // A spreadsheet must not take an article's id for a formula.
    expect(of(`'${strange}`, "view", "paid")).toMatchObject({ engagements: "1" });
  });

  test("says the same as JSON lines, in the same order, and the publisher may ask for it", async () => {
    const payload = { creatorId: "ada", from: today, to: today };
    const csv = rowsOfCsv((await exported(ada, payload)).text);
    const json = rowsOfJson((await exported(publisher, { ...payload, format: "jsonl" })).text);
    expect(
      json.map(({ articleId, engagements, micros }) => [articleId, engagements, micros]),
    ).toEqual(
      csv.map((row) => [row.article_id?.replace(/^'/, ""), Number(row.engagements), row.micros]),
    );
  });

  test("of days on which nothing happened is empty, and whole", async () => {
    const payload = { creatorId: "ada", from: day(3), to: day(2) };
    const { text } = await exported(ada, payload);
    expect(text).toBe("article_id,day,kind,state,reason,engagements,micros,fee_micros\r\n");
    expect((await exported(ada, { ...payload, format: "jsonl" })).text).toBe("");
  });

  test("I1: days and creators that cannot be are refused before anything is accepted", async () => {
    const refused = async (client: JobClient, payload: object) => {
      const { status, body } = await client.post({ type: "export.engagements", payload });
      return `${status} ${body.detail}`;
    };
    const days = { from: today, to: today };
    expect(await refused(ada, { creatorId: "ada", from: today, to: day(1) })).toMatch(
      /^400 payload\.from: .* is after/,
    );
    expect(await refused(ada, { creatorId: "ada", from: day(366), to: today })).toMatch(
      /^400 payload\.to: 367 days are too many/,
    );
    expect(await refused(publisher, { from: day(90), to: today })).toMatch(
      /^400 payload\.from: single engagements from before .* creatorId/,
    );
    expect(await refused(ada, { ...days, creatorId: "ada", format: "xlsx" })).toMatch(
      /^400 payload\.format: must be csv or jsonl/,
    );
    expect(await refused(ada, { ...days, creatorId: "bob" })).toMatch(/^404/);
    expect(await refused(ada, days)).toMatch(/^400 payload\.creatorId: is required/);
  });
});

describe("the publisher's export", () => {
  test("has every engagement once, ties with all balances, and names no reader", async () => {
    const payload = { from: today, to: today, format: "jsonl" };
    const { text } = await exported(publisher, payload);
    const rows = rowsOfJson(text);
    expect(rows).toHaveLength(15);
    const [ada, bob] = [await api.balance("ada"), await api.balance("bob")];
    const earned = [ada, bob].flatMap((one) => [
      ...[one.settledMicros, one.pendingMicros, one.heldMicros],
    ]);
    expect(sum(rows.map(({ micros }) => micros))).toBe(sum(earned));
    const shared = rows.find(({ articleId }) => articleId === "shared");
    expect(shared).toMatchObject({ occurredAt, kind: "view", state: "paid", model: "rates" });
    expect(shared.credits.map(({ creatorId }: Row) => creatorId)).toEqual(["ada", "bob"]);
    expect(sum(shared.credits.map(({ micros }: Row) => micros))).toBe(BigInt(shared.micros));
    expect(new Set(rows.map(({ reader }) => reader)).size).toBe(11);
    expect(text).not.toMatch(/reader-\d|human|crawler/);
    const csv = rowsOfCsv((await exported(publisher, { from: today, to: today })).text);
    expect(csv.map(({ micros }) => micros)).toEqual(rows.map(({ micros }) => micros));
  });
});

describe("an export of several parts", () => {
  const then = day(20);
  const keys = 7_000;

  beforeAll(async () => {
    // Words that do not compress: parts of the size that S3 asks for, of not too many rows.
    const noise = (bytes: number) => randomBytes(bytes).toString("base64url");
    const TableName = tables.tableOf("ImpressionKeys");
    const at = BigInt(startOfUtcDayMs(then) + 3_600_000);
    const items = Array.from({ length: keys }, (_, n) => ({
      pk: `${sha256Hex(String(n)).slice(0, 32)}#${then}`,
      sk: sha256Hex(`article ${n}`).slice(0, 32),
      ...{ articleId: noise(375), kind: "view", at, counted: at },
      ...{ state: "rejected", reason: noise(1_500) },
    }));
    await atOnce(chunk(items, 25), 8, async (some) => {
      const puts = some.map((Item) => ({ PutRequest: { Item } }));
      const { UnprocessedItems } = await tables.client.send(
        new BatchWriteCommand({ RequestItems: { [TableName]: puts } }),
      );
      expect(UnprocessedItems ?? {}).toEqual({});
    });
  }, 240_000);

  test("Q7: killed half-way it goes on from the last part, with the same rows", async () => {
    const payload = { from: then, to: then, format: "jsonl" };
    const whole = await exported(publisher, payload);
    expect(whole.job.result.rows).toBe(keys);
    expect(whole.job.files[0].bytes).toBeGreaterThan(2 * limits.minFilePartBytes);

    const store = dynamoDbJobs(tables.client, tables.tableOf("Jobs"), systemClock);
    const errors = () => cloud.stats.functions[worker]?.errors ?? 0;
    /** The record of a job whose first attempt was killed at that call. */
    const killedAt = async (call: number) => {
      const fault = { kind: "kill-at-call", call, when: "before" } as const;
      cloud.faults.once({ on: "invocation", function: worker, fault });
      const before = errors();
      const jobId = await publisher.request("export.engagements", payload);
      await expect.poll(errors, { timeout: 60_000, interval: 50 }).toBe(before + 1);
      return (await store.read(jobId)) ?? expect.unreachable("the job is gone");
    };
    const partsOf = ({ checkpoint }: Job) => (checkpoint?.tags as string[] | undefined) ?? [];
    // A report each second makes it uncertain which call comes after the first part.
    let call = 18;
    let killed = await killedAt(call);
    while (partsOf(killed).length === 0 && call < 60) {
      cloud.returnFailed(worker);
      await publisher.finished(killed.jobId);
      call += 3;
      killed = await killedAt(call);
    }
    expect(killed).toMatchObject({ state: "running", attempts: 1 });
    expect(partsOf(killed)).toHaveLength(1);
    const { jobId } = killed;
    const rows = Number(killed.checkpoint?.rows);
    expect(rows).toBeGreaterThan(0);

    cloud.returnFailed(worker);
    const job = await publisher.finished(jobId);
    expect(job).toMatchObject({ state: "succeeded", attempts: 2, result: { rows: keys } });
    expect((await textOf(job.files)) === whole.text).toBe(true);
    // What the first attempt had reported was not read again.
    const told = (await store.read(jobId))?.changes ?? [];
    const resumed = told.filter(({ version }) => version > killed.version);
    expect(
      Math.min(...resumed.map(({ progress }) => progress.counts?.rows ?? 0)),
    ).toBeGreaterThanOrEqual(rows);
  }, 240_000);
});
