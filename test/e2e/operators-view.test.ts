import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { acceptedEvent } from "./support/accepted-event.ts";
import { type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import {
  assemblyWith,
  assemblyWithLimits,
  assemblyWithTimeouts,
  rising,
} from "./support/assembly.ts";
import { startTestCloud, stopTestCloud, type TestCloud, temporaryFolder } from "./support/cloud.ts";
import { type JobClient, jobClient } from "./support/job-client.ts";
import { operator } from "./support/operator.ts";
import { sampledTraceId } from "./support/trace-ids.ts";

/** A minute of alarms, metrics and schedules lasts so long; all of them run by themselves. */
const minuteMs = 2_000;
const local = (name: string) => `pennyline-local-${name}`;
const counter = "count-engagements";
const patiently = { timeout: 80_000, interval: 250 };

let cloud: TestCloud;
let api: ApiClient;
let ops: ReturnType<typeof operator>;
let ada: JobClient;
const folders: string[] = [];

function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder;
}

/** With time-outs and limits that can be waited for. */
function assembly(): string {
  const timeouts = assemblyWithTimeouts({
    [local(counter)]: 15,
    // It stops to send twelve seconds before.
    [local("redrive-dead-letters")]: 16,
  });
  const limits = { leastWaiting: 100, retryAfterSeconds: 60, low: rising(50, 100, 200) };
  const { directory } = assemblyWithLimits(
    { ...limits, normal: rising(4, 5, 200), money: rising(500, 600, 700) },
    timeouts.directory,
  );
  // A shared machine may be slow, and the canary is here for P3 only.
  const patient = assemblyWith({ CANARY_WITHIN_SECONDS: "8" }, directory);
  folders.push(timeouts.directory, directory, patient.directory);
  return patient.directory;
}

beforeAll(async () => {
  const assemblyDir = assembly();
  cloud = await startTestCloud({ seed: 1, minuteMs, schedules: true, assemblyDir });
  api = await apiClient(cloud);
  ops = operator(api);
  ada = jobClient(api, await cloud.mintToken({ role: "creator", id: "ada" }));
});
afterEach(() => cloud.faults.plan({}));
afterAll(async () => {
  await stopTestCloud(cloud);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Nothing rings, and nothing is dead. */
async function quiet() {
  const ringing = await ops.ringing();
  const { items, schedules, missing } = await ops.get("queues");
  const open = [...items, ...schedules].filter((one) => one.deadLettersOpen > 0);
  return { ringing, missing, open: open.map(({ queue, name }) => queue ?? name) };
}
const isQuiet = () => expect.poll(quiet, patiently).toEqual({ ringing: [], missing: [], open: [] });
const rings = (...names: readonly string[]) =>
  expect.poll(ops.ringing, patiently).toEqual(expect.arrayContaining([...names]));

/** Views of one article in one request, which is followed. As clients do, it tries again on a 503. */
async function view(articleId: string, readers: readonly string[], traceId = sampledTraceId()) {
  const body = { engagements: readers.map((readerId) => ({ articleId, readerId, kind: "view" })) };
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const path = "/v1/engagements/batch";
  const post = () => api.call("POST", path, { token: api.publisher, headers, body });
  let answer = await post();
  while (answer.status === 503) answer = await post();
  expect([answer.status, answer.body.accepted]).toEqual([202, readers.length]);
  return traceId;
}
/** Everything is counted and settled; what failed comes back sooner than by itself. */
const settles = (creatorId: string, settledMicros: string) =>
  expect
    .poll(async () => {
      cloud.returnFailed(local(counter));
      return await api.balance(creatorId);
    }, patiently)
    .toMatchObject({ settledMicros, pendingMicros: "0" });

const stepsOf = async (traceId: string, service: string) =>
  ((await ops.trace(traceId))?.steps ?? []).filter(
    (step: { service: string }) => step.service === service,
  );

/** All that is dead is archived, `least` and maybe a canary's; answers what is known of it then. */
async function dies(queue: string, least: number) {
  const left = async () => {
    cloud.returnFailed(local(counter));
    const { visible, inFlight } = cloud.queues.get(local(queue)).depth();
    const open = await ops.openLetters(queue);
    return visible + inFlight === 0 && open.length >= least;
  };
  await expect.poll(left, patiently).toBe(true);
  return await ops.openLetters(queue);
}

/** Deploys other code in the place of a function's own. @returns how to put that back. */
async function deploy(name: string, code: (own: string) => string) {
  const own = cloud.functions.get(local(name)).taskRoot();
  const folder = newFolder();
  const ownHandler = pathToFileURL(join(own, "handler.mjs")).href;
  writeFileSync(join(folder, "handler.mjs"), code(ownHandler));
  expect(await cloud.deploy(local(name), folder)).toEqual({ state: "deployed" });
  return async () => {
    expect(await cloud.deploy(local(name), own)).toEqual({ state: "deployed" });
  };
}

describe("queues and alarms", () => {
  test("a queue says what waits, since when, and what comes and goes", async () => {
    await isQuiet();
    await api.putArticle("waits", "waits");
    cloud.faults.plan({ functions: { [local(counter)]: { throttle: 1 } } });
    let views = 0;
    const arriving = async () => {
      await view("waits", [`reader-${views}`]);
      views += 1;
      return (await ops.queue(counter)).arrivedPerMinute;
    };
    await expect.poll(arriving, patiently).toBeGreaterThan(0);
    const oldest = async () => (await ops.queue(counter)).oldestSeconds;
    await expect.poll(oldest, patiently).toBeGreaterThan(60);
    const { waiting, inFlight, measuredAt } = await ops.queue(counter);
    expect(waiting + inFlight).toBeGreaterThanOrEqual(views);
    expect(Date.now() - Date.parse(measuredAt)).toBeLessThan(5 * 60_000);

    cloud.faults.plan({});
    const done = async () => (await ops.queue(counter)).donePerMinute;
    await expect.poll(done, patiently).toBeGreaterThan(0);
    await settles("waits", String(views * 1_000));
    await expect.poll(oldest, patiently).toBe(0);
    await isQuiet();
  });

  test("without CloudWatch the rest is answered, and says so", async () => {
    cloud.faults.plan({ cloudWatch: { fail: 1 } });
    const { items, missing } = await ops.get("queues");
    const alarms = await api.call("GET", "/v1/admin/alarms", { token: api.admin });
    cloud.faults.plan({});
    expect(missing).toEqual(["ages and rates: CloudWatch could not be read"]);
    // The canary may be on its way.
    expect(items[0]).toMatchObject({ inFlight: expect.any(Number), deadLettersOpen: 0 });
    expect(items[0]).not.toHaveProperty("oldestSeconds");
    expect(alarms.status).toBe(503);
    const all = await ops.get("alarms?state=any");
    expect(all.items).toHaveLength(cloud.alarms.list().length);
    const odd = await api.call("GET", "/v1/admin/alarms?state=red", { token: api.admin });
    expect([odd.status, odd.body.detail]).toEqual([
      400,
      "state: must be alarm, ok, insufficient-data or any",
    ]);
  });
});

describe("the bus", () => {
  test("P1, P2: what is made good at once rings nowhere, and the trace tells of it", async () => {
    await api.putArticle("retried", "retried");
    cloud.faults.once({ on: "putEvents", failEntries: [0] });
    const refused = await view("retried", ["p1"]);
    cloud.faults.once({ on: "putEvents", dropResponse: true });
    const doubled = await view("retried", ["p2"]);
    await settles("retried", "2000");
    expect(await stepsOf(refused, counter)).toMatchObject([{ attempt: 1, result: "counted" }]);
    // Put twice: it came twice, and counts once.
    const results = async () =>
      (await stepsOf(doubled, counter)).map(({ result }: { result: string }) => result).toSorted();
    await expect.poll(results, patiently).toEqual(["counted", "nothing new"]);
    await isQuiet();
  });

  test("P3: a bus that loses what it takes rings within minutes, by way of the canary", async () => {
    cloud.faults.plan({ putEvents: { lose: 1 } });
    await rings("run-canary-failure", "money-at-risk-audit", "money-at-risk");
    expect(await ops.alarm("money-at-risk")).toMatchObject({
      reason: expect.stringContaining("run-canary-failure"),
      runbook: "docs/runbook.md#money-at-risk",
    });
    // Nothing else shows it: no queue has anything of it.
    expect(await ops.queue(counter)).toMatchObject({ waiting: 0, inFlight: 0, deadLettersOpen: 0 });
    cloud.faults.plan({});
    await isQuiet();
  });

  test("P4: what cannot be delivered is dead letters, sent back at a rate, part by part, though the one who sends is killed", async () => {
    await api.putArticle("p4", "p4");
    const views = 30;
    cloud.faults.plan({ queues: { [local(counter)]: { refuse: 1 } } });
    const traceId = await view("p4", ["reader-0"]);
    for (const reader of readerIds(views).slice(1)) await view("p4", [reader]);
    cloud.faults.plan({});
    await rings(`${counter}-undelivered`, "money-at-risk");
    const queue = `${counter}-undelivered`;
    const open = await dies(queue, views);
    const letters = open.length;
    expect(open.find((one) => one.traceId === traceId)).toMatchObject({
      ...{ kind: "undelivered", source: counter, errorClass: "INJECTED_FAULT", attempts: 0 },
    });
    expect(await ops.queue(counter)).toMatchObject({ deadLettersOpen: letters });
    expect((await ops.trace(traceId)).steps).toMatchObject([
      { service: "accept-publisher-engagements", put: { EngagementsAccepted: 1 } },
      { service: "archive-dead-letters", step: "kept as a dead letter", outcome: "failed" },
    ]);
    expect((await api.balance("p4")).pendingMicros).toBe("0");

    const fault = { kind: "kill-at-call", call: 25, when: "after" } as const;
    cloud.faults.once({ on: "invocation", function: local("redrive-dead-letters"), fault });
    const ratePerSecond = 5;
    const { path, answer } = await ops.redrive({ queue, ratePerSecond });
    expect(answer.body.counts).toEqual({ queued: letters });
    const counts = async () => {
      cloud.returnFailed(local("redrive-dead-letters"));
      return (await ops.get(path)).counts;
    };
    await expect.poll(counts, patiently).toEqual({ succeeded: letters });
    const times = await Promise.all(
      open.map(async ({ letterId }) => {
        const { history } = await ops.get(`dead-letters/${letterId}`);
        const sent = history.filter(({ what }: { what: string }) => what === "redriven");
        expect(sent).toHaveLength(1);
        return Date.parse(sent[0].at);
      }),
    );
    const gaps = times
      .toSorted((a, b) => a - b)
      .map((at, index, all) => at - (all[index - 1] ?? 0));
    // A timer may be a millisecond early.
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000 / ratePerSecond - 2);
    const parts = await stepsOf(
      answer.headers.get("traceparent")?.split("-")[1] ?? "",
      "redrive-dead-letters",
    );
    expect(parts.length).toBeGreaterThan(1);

    await settles("p4", String(views * 1_000));
    expect(await stepsOf(traceId, counter)).toMatchObject([{ outcome: "ok", result: "counted" }]);
    await isQuiet();
  });
});

describe("a worker and its messages", () => {
  test("Q4, Q11, Q12: poison among ten is told by its cause, fails again, and counts once it is mended", async () => {
    await api.putArticle("q4", "q4");
    const queue = `${counter}-dead-letters`;
    const traceId = sampledTraceId();
    cloud.queues.get(local(counter)).send(acceptedEvent("q4", 99, traceId));
    cloud.queues.get(local(counter)).send("{not json");
    await view("q4", readerIds(8));
    // Eight go on while two come back: they hold up nobody.
    await expect.poll(async () => (await api.balance("q4")).settledMicros, patiently).toBe("8000");
    await dies(queue, 2);
    await rings(queue, "money-at-risk");
    expect((await ops.alarm(queue))?.runbook).toBe(`docs/runbook.md#${queue}`);
    const { items: groups } = await ops.get(`dead-letters/groups?queue=${queue}`);
    const causes = groups.map((one: { message: string; count: number }) => [
      one.message,
      one.count,
    ]);
    expect(causes.toSorted()).toEqual([
      ["EngagementsAccepted schemaVersion #: Invalid input: expected #", 1],
      ["it is not JSON", 1],
    ]);
    const [letter] = (await ops.openLetters(queue)).filter((one) => one.traceId === traceId);
    expect(letter).toMatchObject({ attempts: 4, errorClass: "UnreadableEvent" });
    // A run tells of a letter once it has kept it.
    await expect
      .poll(async () => await ops.trace(traceId), patiently)
      .toMatchObject({
        outcome: "failed",
        steps: [
          ...[1, 2, 3, 4].map((attempt) => ({
            ...{ service: counter, attempt, error: "UnreadableEvent" },
          })),
          { service: "archive-dead-letters", step: "kept as a dead letter" },
        ],
      });

    const { letterId } = letter;
    const first = await ops.redrive({ letterIds: [letterId] });
    const outcome = async () => {
      cloud.returnFailed(local(counter));
      return (await ops.get(first.path)).counts;
    };
    await expect.poll(outcome, patiently).toEqual({ "failed-again": 1 });
    await rings(queue);

    const shown = await ops.get(`dead-letters/${letterId}`);
    const body = { ...shown.body, detail: { ...shown.body.detail, schemaVersion: 2 } };
    const note = "a producer came before its consumer";
    const edited = await ops.send("PUT", `dead-letters/${letterId}/body`, { body, note });
    expect(edited.status).toBe(200);
    const second = await ops.redrive({ letterIds: [letterId] });
    await expect
      .poll(async () => (await ops.get(second.path)).counts, patiently)
      .toEqual({ succeeded: 1 });
    const third = await ops.send("POST", "dead-letters/redrives", { letterIds: [letterId], note });
    expect([third.status, third.body.title]).toEqual([409, "Nothing can be redriven"]);
    const discarded = await ops.send("POST", "dead-letters/discards", { queue, note });
    expect(discarded.body).toEqual({ discarded: 1, more: false });
    await settles("q4", "9000");
    await isQuiet();
  });

  test("Q5: new code that fails on all of it rings; what it failed on is counted by the old code", async () => {
    await api.putArticle("q5", "q5");
    const putBack = await deploy(counter, () => "export const handler = () => missing();");
    const traces: string[] = [];
    const failing = async () => {
      traces.push(await view("q5", [`reader-${traces.length}`]));
      return await ops.ringing();
    };
    await expect
      .poll(failing, { ...patiently, interval: 1_200 })
      .toEqual(expect.arrayContaining([`${counter}-errors`, "money-at-risk"]));
    const seen = await ops.queue(counter);
    expect(seen.waiting + seen.inFlight).toBeGreaterThanOrEqual(traces.length);
    expect(seen.oldestSeconds).toBeGreaterThan(0);
    expect(await ops.trace(traces[0] ?? "")).toMatchObject({
      waiting: [{ what: expect.stringMatching(/^EngagementsAccepted from .* waits in a queue/) }],
      missing: [],
    });
    await putBack();
    await settles("q5", String(traces.length * 1_000));
    const [step] = await stepsOf(traces[0] ?? "", counter);
    expect(step).toMatchObject({ outcome: "ok", result: "counted" });
    expect(step.attempt).toBeGreaterThan(1);
    await isQuiet();
  });

  test("Q6: an answer of the wrong shape is no success: the messages stay, grow old, and count once", async () => {
    await api.putArticle("q6", "q6");
    const putBack = await deploy(
      counter,
      (own) => `import { handler as work } from "${own}";
        export const handler = async (...call) => { await work(...call); return { failed: [] }; };`,
    );
    const traceId = await view("q6", readerIds(3));
    const again = async () => {
      cloud.returnFailed(local(counter));
      return (await stepsOf(traceId, counter)).map(({ result }: { result: string }) => result);
    };
    await expect.poll(again, { ...patiently, interval: 2_000 }).toContain("nothing new");
    const { waiting, inFlight } = await ops.queue(counter);
    expect(waiting + inFlight).toBeGreaterThan(0);
    await putBack();
    await expect
      .poll(async () => {
        cloud.returnFailed(local(counter));
        const left = await ops.queue(counter);
        return left.waiting + left.inFlight;
      }, patiently)
      .toBe(0);
    await settles("q6", "3000");
    await isQuiet();
  });

  test.each([
    // Four reads, one of the reader's day, and the write that counts.
    ["Q7", "killed after its commit", { kind: "kill-at-call", call: 6, when: "after" }],
    ["Q8", "out of time", { kind: "hang", ms: 60_000 }],
  ] as const)(
    "%s: of a worker that is %s the trace says which attempt was lost; it counts once",
    async (id, _, fault) => {
      await api.putArticle(id, id);
      const countedOf = async (traceId: string) => {
        cloud.returnFailed(local(counter));
        return (await stepsOf(traceId, counter)).length;
      };
      let views = 0;
      let missing = "";
      const lost = /Of count-engagements, attempts? 1.* left no record/;
      // The canary's view may come first, and the fault strike that.
      while (!lost.test(missing)) {
        cloud.faults.once({ on: "invocation", function: local(counter), fault });
        const traceId = await view(id, [`reader-${views}`]);
        views += 1;
        await expect.poll(() => countedOf(traceId), patiently).toBe(1);
        missing = (await ops.trace(traceId)).missing.join();
      }
      await settles(id, String(views * 1_000));
      expect(await ops.openLetters(`${counter}-dead-letters`)).toEqual([]);
      await isQuiet();
    },
  );

  test("Q9, B1: jobs whose worker cannot start wait and ring until more are refused; none dies, and it is over by itself", async () => {
    const worker = "run-draft-save";
    cloud.faults.plan({ functions: { [local(worker)]: { throttle: 1 } } });
    const accepted: string[] = [];
    const saving = async () => {
      const draftId = `draft-${accepted.length}`;
      const payload = { creatorId: "ada", draftId, baseRevision: 0, text: "Once." };
      const answer = await ada.post({ type: "draft.save", payload });
      if (answer.status === 202) accepted.push(answer.body.jobId);
      return answer.status;
    };
    await expect.poll(saving, { ...patiently, interval: 10 }).toBe(429);
    await rings(`${worker}-throttles`, "users-waiting");
    const seen = await ops.queue(worker);
    expect(seen).toMatchObject({
      ...{ level: "hard", refused: [{ work: "draft.save" }], deadLettersOpen: 0 },
    });
    expect(seen.waiting + seen.inFlight).toBe(accepted.length);
    expect(await ops.trace(accepted[0] ?? "")).toMatchObject({
      jobs: [{ state: "accepted" }],
      waiting: [{ what: `job ${accepted[0]} waits in its queue`, attempt: 1 }],
      missing: [],
    });
    cloud.faults.plan({});
    for (const jobId of accepted) {
      expect(await ada.finished(jobId)).toMatchObject({ state: "succeeded" });
    }
    await expect.poll(saving, patiently).toBe(202);
    expect(await ops.openLetters(`${worker}-dead-letters`)).toEqual([]);
    await isQuiet();
  });
});

test("S5: a schedule whose runs cannot start rings; what it missed is done by the next run, once", async () => {
  await api.putArticle("s5", "s5");
  const settling = "settle-earnings";
  cloud.faults.plan({ functions: { [local(settling)]: { throttle: 1 } } });
  await view("s5", readerIds(4));
  await rings(`${settling}-not-running`, `${settling}-missed-runs`, "money-at-risk");
  const { schedules } = await ops.get("queues");
  const missed = schedules.find(({ name }: { name: string }) => name === settling);
  expect(missed.deadLettersOpen).toBeGreaterThan(0);
  const [letter] = await ops.openLetters(`${settling}-missed-runs`);
  expect(letter).toMatchObject({ kind: "missed", errorClass: "MissedRun" });
  expect(await api.balance("s5")).toMatchObject({ settledMicros: "0", pendingMicros: "4000" });
  cloud.faults.plan({});
  await Promise.all([1, 2, 3].map(() => cloud.fireSchedule(local(settling))));
  await settles("s5", "4000");
  const ledger = await api.call("GET", "/v1/creators/s5/ledger", { token: api.publisher });
  expect(ledger.body.items).toHaveLength(1);
  const queue = `${settling}-missed-runs`;
  await dies(queue, 1);
  const note = "it ran since";
  expect((await ops.send("POST", "dead-letters/discards", { queue, note })).status).toBe(200);
  await isQuiet();
});

test("after all of this every micro adds up, and the trail tells what was done about it", async () => {
  expect(await api.proof()).toMatchObject({ ok: true, differences: [] });
  const { items } = await ops.get("audit");
  const done = items.map(({ action }: { action: string }) => action);
  expect(done).toEqual(["discard", "discard", "redrive", "edit", "redrive", "redrive"]);
});
