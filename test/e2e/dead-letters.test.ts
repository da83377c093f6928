import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dynamoDbFailures } from "../../adapters/dynamodb/failure-log.ts";
import { dynamoDbLetters } from "../../adapters/dynamodb/letter-store.ts";
import { systemClock } from "../../adapters/runtime.ts";
import type { Letter, LetterState } from "../../core/dead-letters/letter.ts";
import type { LetterLine } from "../../core/dead-letters/letter-store.ts";
import { acceptedEvent } from "./support/accepted-event.ts";
import { type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { cloudFiles } from "./support/cloud-files.ts";
import { type CloudTables, cloudTables } from "./support/cloud-tables.ts";
import { jobClient } from "./support/job-client.ts";

const local = (name: string) => `pennyline-local-${name}`;
const counting = local("count-engagements");
const traceId = "a".repeat(32);
const patiently = { timeout: 30_000, interval: 25 };

let cloud: TestCloud;
let api: ApiClient;
let tables: CloudTables;
beforeAll(async () => {
  cloud = await startTestCloud({ seed: 1 });
  api = await apiClient(cloud);
  tables = cloudTables(cloud);
});
afterAll(async () => {
  tables.stop();
  await stopTestCloud(cloud);
});

const queue = (name: string) => cloud.queues.get(local(name));
const letters = () => dynamoDbLetters(tables.client, tables.tableOf("DeadLetters"), systemClock);

async function linesOf(state: LetterState, ofQueue: string) {
  const lines: LetterLine[] = [];
  for await (const line of letters().lines(state, { queue: ofQueue })) lines.push(line);
  return lines;
}

async function archive() {
  expect(await cloud.fireSchedule(local("archive-dead-letters"))).toMatchObject({ ok: true });
}

/** Deliveries that failed, and batches that did as a whole. */
const failures = (worker: string) =>
  (cloud.stats.metrics.DeliveriesFailed ?? 0) + (cloud.stats.functions[local(worker)]?.errors ?? 0);

/** Sees `count` messages fail, once for each receive; `failedBefore` is what had failed before. */
async function failUntilDead(worker: string, count: number, failedBefore: number) {
  for (let receive = 1; receive <= 4; receive += 1) {
    await expect.poll(() => failures(worker), patiently).toBe(failedBefore + receive * count);
    await expect.poll(() => queue(worker).depth().inFlight, patiently).toBe(count);
    queue(worker).expireVisibility();
  }
  const dead = queue(`${worker}-dead-letters`);
  await expect.poll(() => dead.depth().visible, patiently).toBe(count);
}

describe("what dies is archived", () => {
  test("Q4, Q5: poison becomes letters that say why, by cause, and leaves the queue", async () => {
    await api.putArticle("q4", "q4");
    const failed = failures("count-engagements");
    queue("count-engagements").send(acceptedEvent("q4", 99, traceId));
    queue("count-engagements").send("{not json");
    queue("count-engagements").send("neither is this");
    await failUntilDead("count-engagements", 3, failed);
    await archive();
    expect(queue("count-engagements-dead-letters").depth().visible).toBe(0);
    const lines = await linesOf("open", "count-engagements-dead-letters");
    expect(lines.map(({ errorClass, message }) => `${errorClass}: ${message}`).toSorted()).toEqual([
      "UnreadableEvent: EngagementsAccepted schemaVersion #: Invalid input: expected #",
      "UnreadableEvent: it is not JSON",
      "UnreadableEvent: it is not JSON",
    ]);
    expect(new Set(lines.map(({ causeId }) => causeId)).size).toBe(2);
    const line = lines.find(({ message }) => message.includes("schemaVersion"));
    const letter = (await letters().read(line?.letterId ?? "")) as Letter;
    expect(letter).toMatchObject({
      ...{ state: "open", kind: "failed", source: "count-engagements", traceId, attempts: 4 },
      failure: { worker: "count-engagements", attempt: 4, traceId },
      history: [{ what: "archived" }],
    });
    expect(JSON.parse(await letters().readBody(letter, 0)).detail.schemaVersion).toBe(99);
  });

  test("P4: what EventBridge could not deliver says why, and is archived whole", async () => {
    await api.putArticle("p4", "p4");
    cloud.faults.plan({ queues: { [counting]: { refuse: 1 } } });
    await api.postViews("p4", readerIds(2));
    cloud.faults.plan({});
    await archive();
    const [line, ...others] = await linesOf("open", "count-engagements-undelivered");
    expect(others).toEqual([]);
    expect(line).toMatchObject({ errorClass: "INJECTED_FAULT" });
    const letter = (await letters().read(line?.letterId ?? "")) as Letter;
    expect(letter).toMatchObject({ kind: "undelivered", attempts: 0 });
    expect(await letters().readBody(letter, 0)).toContain('"articleId":"p4"');
  });

  test("S5: a run that the scheduler could not start is a letter, too", async () => {
    queue("tend-jobs-missed-runs").send("{}");
    await archive();
    const [line] = await linesOf("open", "tend-jobs-missed-runs");
    expect(line).toMatchObject({ errorClass: "MissedRun" });
  });

  test("a worker that dies without a word leaves a letter that says so", async () => {
    cloud.faults.plan({
      functions: { [counting]: { killAtCall: { chance: 1, call: 1, when: "before" } } },
    });
    const failed = failures("count-engagements");
    queue("count-engagements").send(acceptedEvent("q4", 2, traceId));
    await failUntilDead("count-engagements", 1, failed);
    cloud.faults.plan({});
    await archive();
    const lines = await linesOf("open", "count-engagements-dead-letters");
    expect(lines[0]).toMatchObject({ errorClass: "NoWord" });
  });
});

describe("the archive", () => {
  test("a message that is archived twice is one letter; bodies of any size come back", async () => {
    const letterId = randomUUID();
    const body = "😀".repeat(200_001);
    const letter = {
      ...{ letterId, version: 1, state: "open", queue: "twice", source: "twice", kind: "failed" },
      cause: { causeId: "c", errorClass: "E", message: "m" },
      ...{ attempts: 4, firstSentAtMs: 1, archivedAtMs: Date.now(), changedAtMs: 1, redrives: 0 },
      ...{ bodies: [], history: [] },
    } as Letter;
    expect(await letters().add(letter, body)).toBe("added");
    expect(await letters().add(letter, body)).toBe("known");
    const read = (await letters().read(letterId)) as Letter;
    expect(read.bodies).toEqual([{ parts: 4, bytes: 800_004 }]);
    expect(await letters().readBody(read, 0)).toBe(body);
    expect(await linesOf("open", "twice")).toHaveLength(1);
  });

  test("of two who edit a letter at once, one has its body stored", async () => {
    const store = letters();
    const [line] = await linesOf("open", "twice");
    const letter = (await store.read(line?.letterId ?? "")) as Letter;
    const [first, second] = await Promise.all([
      store.putBody(letter.letterId, 1, "first", "w1"),
      store.putBody(letter.letterId, 1, "second", "w2"),
    ]);
    const edited = { ...letter, version: 2, bodies: [...letter.bodies, first] };
    expect(await store.replace(edited)).toBe("replaced");
    await store.dropBody(letter.letterId, 1, second);
    expect(await store.readBody(edited, 1)).toBe("first");
    expect(await store.readBody(edited, 0)).toHaveLength(400_002);
  });

  test("the log of failures keeps the latest of each message", async () => {
    const log = dynamoDbFailures(tables.client, tables.tableOf("DeadLetters"));
    const of = (messageId: string, attempt: number) => ({
      ...{ messageId, attempt, worker: "w", errorClass: "E", message: "m", atMs: Date.now() },
    });
    await log.record(Array.from({ length: 60 }, (_, index) => of(`m${index}`, 1)));
    await log.record([of("m7", 2)]);
    expect((await log.read("m7"))?.attempt).toBe(2);
    expect((await log.read("m59"))?.attempt).toBe(1);
    expect(await log.read("never")).toBeUndefined();
  });
});

describe("what an operator does about it", () => {
  const path = "/v1/admin/dead-letters";
  const get = async (rest: string) => {
    const answer = await api.call("GET", `${path}${rest}`, { token: api.admin });
    expect(answer.status).toBe(200);
    return answer.body;
  };
  const send = (method: "POST" | "PUT", rest: string, body: object) => {
    const headers = { "idempotency-key": randomUUID() };
    return api.call(method, `${path}${rest}`, { token: api.admin, body, headers });
  };
  /** Redrives, and waits for what comes of it. */
  async function redrive(selection: object, outcome: string) {
    const asked = await send("POST", "/redrives", { ...selection, note: "mended" });
    expect(asked.status).toBe(202);
    const self = asked.body.links.self.slice(path.length);
    await expect
      .poll(async () => (await get(self)).counts, { timeout: 30_000, interval: 1_100 })
      .toEqual({ [outcome]: asked.body.letters.length });
    return asked.body;
  }

  test("Q4: sees a letter by its cause, edits it, redrives it, and sees it succeed", async () => {
    const { items: groups } = await get("/groups?queue=count-engagements-dead-letters");
    const group = groups.find(({ message }: { message: string }) => message.includes("schemaV"));
    expect(group).toMatchObject({ errorClass: "UnreadableEvent", count: 1 });
    const { items } = await get(`?cause=${group.cause}`);
    const [{ letterId }] = items;
    expect(items).toMatchObject([
      { state: "open", traceId, attempts: 4, source: "count-engagements" },
    ]);

    const shown = await get(`/${letterId}`);
    const [engagement] = shown.body.detail.engagements;
    expect(engagement).toMatchObject({ articleId: "q4", readerId: "[masked]", kind: "view" });
    expect(JSON.stringify(shown)).not.toContain("a-reader");

    const note = "a producer came before its consumer";
    const wrong = await send("PUT", `/${letterId}/body`, { body: { some: "thing" }, note });
    expect([wrong.status, wrong.body.detail]).toEqual([
      400,
      "body: its detail-type must be EngagementsAccepted, which its queue carries.",
    ]);
    const body = { ...shown.body, detail: { ...shown.body.detail, schemaVersion: 2 } };
    const fixed = await send("PUT", `/${letterId}/body`, { body, note });
    expect([fixed.status, fixed.body.edited]).toEqual([200, true]);
    expect(fixed.body.original.detail.schemaVersion).toBe(99);

    await redrive({ letterIds: [letterId] }, "succeeded");
    expect((await api.balance("q4")).pendingMicros).toBe("1000");
    expect(await get(`/${letterId}`)).toMatchObject({
      state: "succeeded",
      history: [
        { what: "archived" },
        { what: "edited", by: "admin:admin", note },
        { what: "redriven", note: "mended" },
        { what: "succeeded" },
      ],
    });
    const again = await send("POST", "/redrives", { letterIds: [letterId], note: "again" });
    expect([again.status, again.body.type]).toEqual([
      409,
      "urn:pennyline:problem:nothing-to-redrive",
    ]);
  });

  test("Q11: redriven while still broken it comes back to the same letter, and stays there", async () => {
    const { items: groups } = await get("/groups?queue=count-engagements-dead-letters");
    const { cause } = groups.find(({ message }: { message: string }) => message.includes("JSON"));
    const failed = failures("count-engagements");
    const asked = await send("POST", "/redrives", { cause, note: "is it mended?" });
    expect([asked.status, asked.body.letters.length]).toEqual([202, 2]);
    await failUntilDead("count-engagements", 2, failed);
    // On its way it is not sent once more.
    const twice = await send("POST", "/redrives", { cause, note: "twice" });
    expect(twice.status).toBe(409);
    await archive();
    const { counts } = await get(asked.body.links.self.slice(path.length));
    expect(counts).toEqual({ "failed-again": 2 });
    const { items } = await get(`?cause=${cause}`);
    expect(items).toMatchObject([
      { state: "open", attempts: 8, redrives: 1 },
      { state: "open", attempts: 8, redrives: 1 },
    ]);
    const steps = (await get(`/${items[0].letterId}`)).history.map(
      (one: { what: string }) => one.what,
    );
    expect(steps).toEqual(["archived", "redriven", "failed-again"]);

    const discarded = await send("POST", "/discards", { cause, note: "never an event" });
    expect(discarded.body).toEqual({ discarded: 2, more: false });
    const letterIds = items.map(({ letterId }: { letterId: string }) => letterId);
    const anew = await send("POST", "/discards", { letterIds, note: "never an event" });
    expect(anew.body).toEqual({ discarded: 0, more: false });
    expect(await linesOf("discarded", "count-engagements-dead-letters")).toHaveLength(2);
  });

  test("P4: redrives what was not delivered, and what a dead worker left; each counts once", async () => {
    const before = (await api.balance("p4")).pendingMicros;
    expect(before).toBe("0");
    await redrive({ queue: "count-engagements-undelivered" }, "succeeded");
    expect((await api.balance("p4")).pendingMicros).toBe("2000");
    // Its engagement was counted by the letter that was edited.
    await redrive({ queue: "count-engagements-dead-letters" }, "succeeded");
    expect((await api.balance("q4")).pendingMicros).toBe("1000");
  });

  test("the letter of a failed job asks for a new one, and ends as that does", async () => {
    const files = cloudFiles(cloud);
    const ada = jobClient(api, await cloud.mintToken({ role: "creator", id: "ada" }));
    const failed = failures("run-draft-save");
    cloud.faults.plan({ functions: { [local("run-draft-save")]: { throttle: 1 } } });
    const payload = {
      creatorId: "ada",
      draftId: "lost",
      baseRevision: 0,
      text: "Once upon a time.",
    };
    const jobId = await ada.request("draft.save", payload);
    const [key = ""] = await files.list("drafts/ada/lost/");
    const text = await files.read(key);
    await files.delete(key);
    cloud.faults.plan({});
    await failUntilDead("run-draft-save", 1, failed);
    expect((await ada.finished(jobId)).state).toBe("failed");
    await archive();
    await files.put(key, text);
    files.stop();
    const { letters: sent } = await redrive({ queue: "run-draft-save-dead-letters" }, "waiting");
    await cloud.waitUntilIdle();
    await archive();
    const letter = await get(`/${sent[0].letterId}`);
    expect(letter).toMatchObject({ state: "succeeded", redrives: 1 });
    expect((await ada.read(letter.jobId)).body).toMatchObject({
      state: "succeeded",
      retryOf: jobId,
    });
    expect((await ada.read(jobId)).body.state).toBe("failed");
  });

  test("S5: what a schedule left is discarded; what was done is in the audit trail", async () => {
    const queue = "tend-jobs-missed-runs";
    const refused = await send("POST", "/redrives", { queue, note: "run it" });
    expect(refused.status).toBe(409);
    const unclear = await send("POST", "/discards", { note: "all?" });
    expect(unclear.status).toBe(400);
    await send("POST", "/discards", { queue, note: "it ran since" });
    const queues = await api.call("GET", "/v1/admin/queues", { token: api.admin });
    const [counted] = queues.body.items.filter(
      (one: { queue: string }) => one.queue === "count-engagements",
    );
    expect(counted).toMatchObject({
      ...{ queue: "count-engagements", carries: ["EngagementsAccepted"] },
      ...{ waiting: 0, inFlight: 0, deadLettersOpen: 0 },
    });
    const audit = await api.call("GET", "/v1/admin/audit", { token: api.admin });
    const actions = audit.body.items.map(({ action }: { action: string }) => action);
    expect(actions).toEqual([
      "discard",
      "redrive",
      "redrive",
      "redrive",
      "discard",
      "discard",
      "redrive",
      "redrive",
      "edit",
    ]);
    expect(audit.body.items[0]).toMatchObject({ by: "admin:admin", note: "it ran since" });
  });
});
