import { randomUUID } from "node:crypto";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { type CloudFiles, cloudFiles } from "./support/cloud-files.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";
import { type JobClient, jobClient } from "./support/job-client.ts";

let cloud: TestCloud;
let api: ApiClient;
let ada: JobClient;
let publisher: JobClient;
let tables: CloudTables;
let files: CloudFiles;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  ada = jobClient(api, await cloud.mintToken({ role: "creator", id: "ada" }));
  publisher = jobClient(api);
  tables = cloudTables(cloud);
  files = cloudFiles(cloud);
});
afterAll(async () => {
  tables.stop();
  files.stop();
  await stopTestCloud(cloud);
});

/** As if nothing had been heard of a job for as long as is waited. */
async function makeDue(jobId: string): Promise<void> {
  await tables.client.send(
    new UpdateCommand({
      TableName: tables.tableOf("Jobs"),
      Key: { pk: `job#${jobId}`, sk: "job" },
      UpdateExpression: "SET attendAt = :then",
      ConditionExpression: "attribute_exists(attention)",
      ExpressionAttributeValues: { ":then": 1 },
    }),
  );
}

const worker = "pennyline-local-run-draft-save";
const patiently = { timeout: 30_000, interval: 50 };
let drafts = 0;
const newDraft = (more = {}) => {
  drafts += 1;
  const text = "It was a dark and stormy night.";
  return { creatorId: "ada", draftId: `draft-${drafts}`, baseRevision: 0, text, ...more };
};

describe("a job from request to end", () => {
  test("is accepted with links, worked on, and told by a short poll", async () => {
    const draft = newDraft({ title: "Night" });
    const accepted = await ada.post({ type: "draft.save", payload: draft });
    expect(accepted.status).toBe(202);
    const { jobId, links } = accepted.body;
    expect(accepted.headers.get("location")).toBe(`/v1/jobs/${jobId}`);
    expect(links).toMatchObject({ self: `/v1/jobs/${jobId}`, wait: `/v1/jobs/${jobId}?wait=25` });

    const done = await ada.finished(jobId);
    expect(done).toMatchObject({
      ...{ jobId, type: "draft.save", state: "succeeded", attempts: 1 },
      progress: { percent: 100, message: "Saved as revision 1" },
      result: { revision: 1, words: 7, bytes: 31 },
    });
    expect(Date.parse(done.finishedAt)).toBeGreaterThanOrEqual(Date.parse(done.startedAt));
    expect([done.waitedMs, done.tookMs].every((ms) => ms >= 0)).toBe(true);

    const polled = await ada.read(jobId);
    expect(polled.headers.get("retry-after")).toBeNull();
    const again = await ada.get(links.self, { "if-none-match": polled.headers.get("etag") });
    expect([again.status, again.body]).toEqual([304, ""]);
    const saved = await ada.get(done.result.links.revision);
    expect(saved.body).toMatchObject({ revision: 1, title: "Night", text: draft.text, words: 7 });
  });

  test("J2: a long poll answers the moment the state changes, and pending before its time is over", async () => {
    cloud.faults.plan({ functions: { [worker]: { throttle: 1 } } });
    const jobId = await ada.request("draft.save", newDraft());
    const pending = await ada.get(`/v1/jobs/${jobId}?wait=1`);
    expect(pending.body).toMatchObject({ state: "accepted", version: 1 });
    expect(pending.headers.get("retry-after")).toBe("1");

    const waiting = ada.get(`/v1/jobs/${jobId}?wait=25&after=1`);
    cloud.faults.plan({});
    const answer = await waiting;
    expect(answer.body.version).toBeGreaterThan(1);
    await ada.finished(jobId);
    const unknown = await ada.get(`/v1/jobs/${jobId}?wait=26`);
    expect([unknown.status, unknown.body.errors[0].field]).toEqual([400, "wait"]);
  });

  test("J4: one caller's long polls leave others' reads and polls alone; beyond its places it is answered at once", async () => {
    cloud.faults.plan({ functions: { [worker]: { throttle: 1 } } });
    const gus = jobClient(api, await cloud.mintToken({ role: "creator", id: "gus" }));
    const theirs = await gus.request("draft.save", newDraft({ creatorId: "gus" }));
    const mine = await ada.request("draft.save", newDraft());
    await Promise.all([1, 2, 3, 4].map(() => ada.read(mine)));
    let pending = 0;
    const polls = Array.from({ length: 20 }, async () => {
      pending += 1;
      const answer = await gus.get(`/v1/jobs/${theirs}?wait=25&after=1`);
      pending -= 1;
      return answer;
    });
    // 3 of an owner wait, 10 of all do.
    await expect.poll(() => pending, patiently).toBe(3);
    const refused = (await gus.get(`/v1/jobs/${theirs}?wait=25&after=1`)) as Answer;
    expect([refused.status, refused.body.version]).toEqual([200, 1]);
    expect(refused.headers.get("pennyline-wait-refused")).toBe("too-many-of-owner");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(5);
    const etag = { "if-none-match": '"1"' };
    expect((await gus.get(`/v1/jobs/${theirs}?wait=25`, etag)).status).toBe(304);

    const reads = await Promise.all(Array.from({ length: 20 }, () => ada.read(mine)));
    expect(reads.map(({ status }) => status)).toEqual(reads.map(() => 200));
    const waited = await ada.get(`/v1/jobs/${mine}?wait=1`);
    expect([waited.status, waited.headers.get("pennyline-wait-refused")]).toEqual([200, null]);
    expect(pending).toBe(3);
    cloud.faults.plan({});
    const answers = await Promise.all(polls);
    const why = answers.map(({ headers }) => headers.get("pennyline-wait-refused"));
    expect(why.filter((one) => one === null)).toHaveLength(3);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await gus.finished(theirs);
    await ada.finished(mine);
  });

  test("I6, I7, I9: the same key and body is the same job, another body a 409", async () => {
    const key = randomUUID();
    const payload = newDraft();
    const first = await ada.post({ type: "draft.save", payload }, key);
    await ada.finished(first.body.jobId);
    const reversed = Object.fromEntries(Object.entries(payload).reverse());
    const second = await ada.post({ payload: reversed, type: "draft.save" }, key);
    expect([second.status, second.body]).toEqual([202, first.body]);
    const other = await ada.post({ type: "draft.save", payload: { ...payload, text: "x" } }, key);
    expect([other.status, other.body.type]).toEqual([
      409,
      "urn:pennyline:problem:idempotency-key-reused",
    ]);
    const revisions = await ada.get(`/v1/creators/ada/drafts/${payload.draftId}/revisions`);
    expect(revisions.body.items).toHaveLength(1);
  });

  test("I8: the same key of two callers is two jobs, and each sees its own only", async () => {
    const key = randomUUID();
    const mine = await ada.post({ type: "draft.save", payload: newDraft() }, key);
    const theirs = await publisher.post({ type: "draft.save", payload: newDraft() }, key);
    expect(mine.body.jobId).not.toBe(theirs.body.jobId);
    expect((await ada.read(theirs.body.jobId)).status).toBe(404);
    expect((await ada.cancel(theirs.body.jobId)).status).toBe(404);
    const bob = jobClient(api, await cloud.mintToken({ role: "creator", id: "bob" }));
    expect((await bob.read(mine.body.jobId)).status).toBe(404);
    expect((await bob.get("/v1/jobs")).body.items).toEqual([]);
    await cloud.waitUntilIdle();
  });

  test("an owner's jobs are listed newest first, by state and type, page by page", async () => {
    const eve = jobClient(api, await cloud.mintToken({ role: "creator", id: "eve" }));
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const payload = newDraft({ creatorId: "eve", baseRevision: 0 });
      ids.unshift(await eve.request("draft.save", payload));
      await eve.finished(ids[0] ?? "");
    }
    const [first, second] = [await eve.get("/v1/jobs?limit=3"), undefined];
    expect(first.body.items.map((job: { jobId: string }) => job.jobId)).toEqual(ids.slice(0, 3));
    const next = await eve.get(`/v1/jobs?limit=3&cursor=${first.body.nextCursor}`);
    expect(next.body.items.map((job: { jobId: string }) => job.jobId)).toEqual(ids.slice(3));
    expect(next.body.nextCursor).toBe(second);
    expect((await eve.get("/v1/jobs?state=failed")).body.items).toEqual([]);
    expect((await eve.get("/v1/jobs?state=succeeded&type=draft.save")).body.items).toHaveLength(5);
    expect((await eve.get("/v1/jobs?state=done")).status).toBe(400);
    expect((await eve.get("/v1/jobs?cursor=nonsense")).status).toBe(400);
  });
});

describe("a job that is cancelled, or fails", () => {
  test("J1: what is cancelled before it begins is never worked on; a finished job is not cancelled", async () => {
    cloud.faults.plan({ functions: { [worker]: { throttle: 1 } } });
    const draft = newDraft();
    const jobId = await ada.request("draft.save", draft);
    const cancelled = await ada.cancel(jobId);
    expect([cancelled.status, cancelled.body.state]).toEqual([200, "cancelled"]);
    cloud.faults.plan({});
    await cloud.waitUntilIdle();
    expect((await ada.read(jobId)).body).toMatchObject({ state: "cancelled", attempts: 0 });
    expect((await ada.get(`/v1/creators/ada/drafts/${draft.draftId}`)).status).toBe(404);
    expect((await ada.cancel(jobId)).body).toEqual((await ada.read(jobId)).body);

    const done = await ada.request("draft.save", newDraft());
    await ada.finished(done);
    const refused = await ada.cancel(done);
    expect([refused.status, refused.body.type]).toEqual([
      409,
      "urn:pennyline:problem:job-finished",
    ]);
  });

  test("J1, Q1: a message delivered twice at once ends the job once, with one revision", async () => {
    cloud.faults.once({ on: "delivery", queue: worker, fault: { kind: "duplicate" } });
    const draft = newDraft();
    const done = await ada.finished(await ada.request("draft.save", draft));
    await cloud.waitUntilIdle();
    expect((await ada.read(done.jobId)).body).toEqual(done);
    expect(done.result.revision).toBe(1);
    const revisions = await ada.get(`/v1/creators/ada/drafts/${draft.draftId}/revisions`);
    expect(revisions.body.items).toHaveLength(1);
  });

  test.each(["before", "after"] as const)(
    "Q7: a worker killed %s any of its calls finishes on a later attempt, with one revision",
    async (when) => {
      for (let call = 1; call <= 8; call += 1) {
        const fault = { kind: "kill-at-call", call, when } as const;
        cloud.faults.once({ on: "invocation", function: worker, fault });
        const draft = newDraft();
        const jobId = await ada.request("draft.save", draft);
        await expect
          .poll(async () => {
            cloud.returnFailed(worker);
            // A message comes back after the job's end, too: the worker may be killed last of all.
            const { visible, inFlight } = cloud.queues.get(worker).depth();
            return [(await ada.read(jobId)).body.state, visible + inFlight];
          }, patiently)
          .toEqual(["succeeded", 0]);
        await cloud.waitUntilIdle();
        const { items } = (await ada.get(`/v1/creators/ada/drafts/${draft.draftId}/revisions`))
          .body;
        expect(items).toHaveLength(1);
      }
    },
  );

  test("Q4, Q5: a poison message fails alone, is a dead letter after 4 receives, and its job is failed", async () => {
    const lost = newDraft();
    cloud.faults.plan({ functions: { [worker]: { throttle: 1 } } });
    const jobId = await ada.request("draft.save", lost);
    const others = await Promise.all(
      Array.from({ length: 9 }, () => ada.request("draft.save", newDraft())),
    );
    // Its text is gone: whatever is tried, it cannot work.
    const [text = ""] = await files.list(`drafts/ada/${lost.draftId}/`);
    await files.delete(text);
    cloud.faults.plan({});
    for (const other of others) expect((await ada.finished(other)).state).toBe("succeeded");
    const dead = cloud.queues.get(`${worker}-dead-letters`);
    await expect
      .poll(() => {
        cloud.returnFailed(worker);
        return dead.depth().visible;
      }, patiently)
      .toBe(1);
    expect(await ada.finished(jobId)).toMatchObject({
      ...{ state: "failed", attempts: 4 },
      error: { type: "urn:pennyline:problem:attempts-used-up", status: 500 },
    });
    expect(JSON.stringify((await ada.read(jobId)).body)).not.toContain("drafts/ada");
  });

  test("a job whose last attempt died without a word is failed by tend-jobs, and its end announced", async () => {
    cloud.faults.plan({
      functions: { [worker]: { killAtCall: { chance: 1, call: 3, when: "before" } } },
    });
    const jobId = await ada.request("draft.save", newDraft());
    const dead = cloud.queues.get(`${worker}-dead-letters`);
    const before = dead.depth().visible;
    await expect
      .poll(() => {
        cloud.returnFailed(worker);
        return dead.depth().visible;
      }, patiently)
      .toBe(before + 1);
    cloud.faults.plan({});
    expect((await ada.read(jobId)).body).toMatchObject({ state: "running", attempts: 4 });
    await makeDue(jobId);
    await cloud.fireSchedule("pennyline-local-tend-jobs");
    expect((await ada.read(jobId)).body).toMatchObject({ state: "failed", attempts: 4 });
  });
});

describe("bad input is refused before anything is accepted", () => {
  const refusal = async (body: unknown) => {
    const { status, body: problem } = await ada.post(body);
    return [status, problem.errors?.[0]?.field ?? problem.type.split(":").at(-1)];
  };

  test("an unknown type, a payload that does not fit, or one that is another's", async () => {
    expect(await refusal({ type: "draft.burn", payload: {} })).toEqual([400, "type"]);
    expect(await refusal({ type: "draft.save" })).toEqual([400, "payload"]);
    expect(await refusal({ type: "draft.save", payload: newDraft({ draftId: "a/b" }) })).toEqual([
      400,
      "payload.draftId",
    ]);
    expect(await refusal({ type: "draft.save", payload: newDraft({ more: 1 }) })).toEqual([
      400,
      "payload.more",
    ]);
    const others = newDraft({ creatorId: "bob" });
    expect(await refusal({ type: "draft.save", payload: others })).toEqual([404, "not-found"]);
    const payload = { integrationId: "crm", data: {} };
    expect(await refusal({ type: "integration.sync", payload })).toEqual([403, "forbidden"]);
    const told = { articleId: "nowhere", url: "https://example.com/a" };
    const fanout = await publisher.post({ type: "notification.fanout", payload: told });
    expect([fanout.status, fanout.body.detail]).toEqual([404, expect.stringContaining("nowhere")]);
    const withoutKey = await api.call("POST", "/v1/jobs", {
      token: api.publisher,
      body: { type: "draft.save", payload: newDraft() },
    });
    expect(withoutKey.status).toBe(400);
  });

  test.each([
    "http://example.com/hook",
    "https://10.0.0.1/hook",
    "https://167772161/",
    "https://0x0a.1/",
    "https://[::ffff:169.254.169.254]/latest",
    "https://[64:ff9b::a00:1]/",
    "https://100.64.0.1/",
    "https://user:secret@example.com/",
    "https://example.com:8080/",
    "https://metadata.google.internal/",
    "not a url",
  ])("a callback to %s", async (callbackUrl) => {
    const request = { type: "draft.save", payload: newDraft(), callbackUrl };
    expect(await refusal(request)).toEqual([400, "callbackUrl"]);
  });

  test("a callback that nothing would be signed with", async () => {
    const callbackUrl = "https://example.com/hook";
    const request = { type: "draft.save", payload: newDraft(), callbackUrl };
    expect(await refusal(request)).toEqual([409, "no-callback-secret"]);
  });

  test("a text over 1 MiB is told so; one of just that size is saved, whatever it is made of", async () => {
    const tooLong = newDraft({ text: "a".repeat(1_048_577) });
    expect(await refusal({ type: "draft.save", payload: tooLong })).toEqual([400, "payload.text"]);
    const nul = newDraft({ text: "a\u0000b" });
    expect(await refusal({ type: "draft.save", payload: nul })).toEqual([400, "payload.text"]);
    for (const text of ["ä".repeat(524_288), '"\n'.repeat(524_288)]) {
      const draft = newDraft({ text });
      const done = await ada.finished(await ada.request("draft.save", draft));
      expect(done).toMatchObject({ state: "succeeded", result: { bytes: 1_048_576 } });
      const saved = await ada.get(`/v1/creators/ada/drafts/${draft.draftId}`);
      expect(saved.body.text === text).toBe(true);
    }
  });
});

describe("drafts", () => {
  const save = async (draft: object) => await ada.finished(await ada.request("draft.save", draft));

  test("every save is a revision; the latest and any older one can be read", async () => {
    const draft = newDraft({ text: "one" });
    await save(draft);
    await save({ ...draft, baseRevision: 1, text: "two" });
    await save({ ...draft, baseRevision: 2, text: "three" });
    const path = `/v1/creators/ada/drafts/${draft.draftId}`;
    expect((await ada.get(path)).body).toMatchObject({ revision: 3, text: "three" });
    expect((await ada.get(`${path}/revisions/1`)).body).toMatchObject({ revision: 1, text: "one" });
    expect((await ada.get(`${path}/revisions/4`)).status).toBe(404);
    const page = await ada.get(`${path}/revisions?limit=2`);
    expect(page.body.items.map((one: { revision: number }) => one.revision)).toEqual([3, 2]);
    const next = await ada.get(`${path}/revisions?limit=2&cursor=${page.body.nextCursor}`);
    expect(next.body.items.map((one: { revision: number }) => one.revision)).toEqual([1]);
    const all = await ada.get("/v1/creators/ada/drafts?limit=100");
    expect(all.body.items.map((one: { draftId: string }) => one.draftId)).toContain(draft.draftId);
    const mallory = await cloud.mintToken({ role: "creator", id: "mallory" });
    expect((await api.call("GET", path, { token: mallory })).status).toBe(404);
  });

  test("a stale save is a 409 that loses neither text", async () => {
    const draft = newDraft({ text: "first" });
    await save(draft);
    const stale = await ada.post({ type: "draft.save", payload: { ...draft, text: "stale" } });
    expect([stale.status, stale.body]).toMatchObject([
      409,
      { type: "urn:pennyline:problem:draft-conflict", currentRevision: 1 },
    ]);
    expect((await ada.get(stale.body.links.current)).body.text).toBe("first");
    expect((await ada.get(stale.body.links.yours)).body.text).toBe("stale");
    // Whoever lost that answer finds the text all the same.
    const conflicts = await ada.get(`${stale.body.links.current}/conflicts`);
    expect(conflicts.body.items).toMatchObject([
      { baseRevision: 0, words: 1, links: { self: stale.body.links.yours } },
    ]);
    expect(
      (await ada.get(`${stale.body.links.current}/conflicts/${"x".repeat(2_000)}`)).status,
    ).toBe(400);
    expect((await ada.get(`/v1/creators/ada/drafts?cursor=${"x".repeat(1_024)}`)).status).toBe(400);
  });

  test("a save that was refused may be mended under its key, and what it said first is still there", async () => {
    const draft = newDraft({ text: "first" });
    await save(draft);
    const key = randomUUID();
    const send = (baseRevision: number, text: string) =>
      ada.post({ type: "draft.save", payload: { ...draft, baseRevision, text } }, key);
    const [stale, staler] = [await send(0, "stale"), await send(0, "staler")];
    expect([stale.status, staler.status]).toEqual([409, 409]);
    await ada.finished((await send(1, "merged")).body.jobId);
    const textAt = async (path: string) => (await ada.get(path)).body.text;
    expect(await textAt(stale.body.links.current)).toBe("merged");
    expect(await textAt(stale.body.links.yours)).toBe("stale");
    expect(await textAt(staler.body.links.yours)).toBe("staler");
  });

  test("of two accepted saves from one revision the first wins; the other's job fails with a 409", async () => {
    cloud.faults.plan({ functions: { [worker]: { throttle: 1 } } });
    const draft = newDraft();
    const texts = ["mine", "yours"];
    const ids = await Promise.all(
      texts.map((text) => ada.request("draft.save", { ...draft, text })),
    );
    cloud.faults.plan({});
    const ends = await Promise.all(ids.map((jobId) => ada.finished(jobId)));
    const won = ends.findIndex(({ state }) => state === "succeeded");
    const lost = ends[1 - won];
    expect(lost).toMatchObject({
      state: "failed",
      error: { type: "urn:pennyline:problem:draft-conflict", status: 409, currentRevision: 1 },
    });
    expect((await ada.get(lost.error.links.yours)).body.text).toBe(texts[1 - won]);
    expect((await ada.get(lost.error.links.current)).body.text).toBe(texts[won]);
  });
});
