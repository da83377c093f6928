import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dynamoDbLetters } from "../../adapters/dynamodb/letter-store.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { jobRequested } from "../../core/contracts/events.ts";
import { discarded } from "../../core/dead-letters/letter.ts";
import { changeLetter } from "../../core/dead-letters/letter-store.ts";
import { type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { cloudTables } from "./support/cloud-tables.ts";

/** A minute of alarms lasts so long: what takes an hour in AWS is watched in half a minute. */
const minuteMs = 500;
const local = (name: string) => `pennyline-local-${name}`;

let cloud: TestCloud;
let api: ApiClient;
let beating: NodeJS.Timeout | undefined;

beforeAll(async () => {
  cloud = await startTestCloud({ seed: 1, minuteMs });
  api = await apiClient(cloud);
  await runAll();
});
afterAll(async () => {
  clearInterval(beating);
  await stopTestCloud(cloud);
});

const runAll = () => Promise.all(cloud.scheduleNames.map((name) => cloud.fireSchedule(name)));

/** Runs what runs every minute, as the scheduler would. */
function beat() {
  clearInterval(beating);
  beating = setInterval(() => {
    for (const name of cloud.scheduleNames) {
      if (everyMinute.some((one) => name === local(one))) void cloud.fireSchedule(name);
    }
  }, minuteMs);
}
const everyMinute = ["settle-earnings", "tend-jobs"];
const stopBeating = () => clearInterval(beating);

const alarm = (name: string) => cloud.alarms.get(local(name));
const becomes = (name: string, state: "OK" | "ALARM") =>
  expect
    .poll(() => alarm(name).state, {
      ...{ timeout: 40_000, interval: 25 },
      message: `${name}: ${alarm(name).reason}`,
    })
    .toBe(state);
const queue = (name: string) => cloud.queues.get(local(name));

async function settle() {
  await cloud.waitUntilIdle();
  await cloud.fireSchedule(local("settle-earnings"));
  await cloud.waitUntilIdle();
}

/** Everything was seen to. */
async function discardLetters() {
  const tables = cloudTables(cloud);
  const letters = dynamoDbLetters(tables.client, tables.tableOf("DeadLetters"), systemClock);
  const asked = { by: "admin:admin", note: "seen to" };
  for await (const { letterId } of letters.lines("open")) {
    await changeLetter(letters, letterId, (letter) => discarded(letter, asked, Date.now()));
  }
  tables.stop();
}

describe("what is amiss rings, sums up, and is over by itself", () => {
  test("S5: a schedule that does not run puts money at risk until it runs", async () => {
    stopBeating();
    await becomes("settle-earnings-not-running", "ALARM");
    await becomes("money-at-risk", "ALARM");
    expect(alarm("money-at-risk").reason).toContain("settle-earnings-not-running");
    beat();
    await becomes("settle-earnings-not-running", "OK");
  });

  test("Q9: a backlog of workers that cannot start rings until it is worked off", async () => {
    const worker = "run-draft-save";
    cloud.faults.plan({ functions: { [local(worker)]: { throttle: 1 } } });
    const contract = jobRequested["draft.save"];
    // Of jobs that are forgotten by now: there is nothing to be done for them.
    const message = (jobId: string) =>
      JSON.stringify({
        source: contract.source,
        "detail-type": contract.detailType,
        detail: {
          ...{ schemaVersion: 1, type: "draft.save", jobId },
          traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
        },
      });
    cloud.queues.transaction(() => {
      for (let index = 0; index < 2_200; index += 1) queue(worker).send(message(`gone-${index}`));
    });
    await becomes(`${worker}-backlog`, "ALARM");
    await becomes("users-waiting", "ALARM");
    cloud.faults.plan({});
    await becomes(`${worker}-backlog`, "OK");
    await cloud.waitUntilIdle();
    expect(queue(`${worker}-dead-letters`).depth().visible).toBe(0);
  });

  test("runs that fail ring, and are over when they work again", async () => {
    cloud.faults.plan({ functions: { [local("settle-earnings")]: { killBefore: 1 } } });
    await becomes("settle-earnings-errors", "ALARM");
    cloud.faults.plan({});
    await becomes("settle-earnings-errors", "OK");
  });

  test("money that waits for its settlement rings, though everything runs", async () => {
    stopBeating();
    await api.putArticle("late", "late");
    await api.postViews("late", readerIds(3));
    await cloud.waitUntilIdle();
    // Ten minutes of alarms.
    await delay(10 * minuteMs);
    beat();
    await becomes("settle-creator-lag", "ALARM");
    await becomes("settle-creator-lag", "OK");
  });

  test("Q4: a message that failed four times rings until somebody has seen to it", async () => {
    queue("count-engagements").send("{not json");
    const dead = queue("count-engagements-dead-letters");
    await expect
      .poll(
        () => {
          cloud.returnFailed(local("count-engagements"));
          return dead.depth().visible;
        },
        { timeout: 20_000 },
      )
      .toBe(1);
    await cloud.fireSchedule(local("archive-dead-letters"));
    await becomes("count-engagements-dead-letters", "ALARM");
    await discardLetters();
    await becomes("count-engagements-dead-letters", "OK");
  });

  test("P4: what EventBridge cannot deliver rings", async () => {
    await api.putArticle("p4", "p4");
    cloud.faults.plan({ queues: { [local("count-engagements")]: { refuse: 1 } } });
    await api.postViews("p4", readerIds(1));
    cloud.faults.plan({});
    const [undelivered = ""] = queue("count-engagements-undelivered").peek();
    await cloud.fireSchedule(local("archive-dead-letters"));
    await becomes("count-engagements-undelivered", "ALARM");
    queue("count-engagements").send(undelivered);
    await discardLetters();
    await becomes("count-engagements-undelivered", "OK");
    await settle();
    expect(await api.balance("p4")).toMatchObject({ settledMicros: "1000" });
  });

  test("with everything mended, neither money nor users are at risk", async () => {
    // What runs every hour is missed by now, too.
    await runAll();
    await becomes("users-waiting", "OK");
    await becomes("money-at-risk", "OK");
  });
});

describe("the canary", () => {
  const canary = "pennyline-canary";
  /** In the stage `local` an engagement has to be counted within two seconds. */
  const withinMs = 2_000;

  async function run() {
    expect(await cloud.fireSchedule(local("run-canary"))).toMatchObject({ ok: true });
  }
  async function arrive() {
    await settle();
    await delay(withinMs);
  }

  test("arrives: counted, settled, worth nothing, and never paid out", async () => {
    await run();
    await arrive();
    await run();
    await becomes("run-canary-failure", "OK");
    const ledger = await api.call("GET", `/v1/creators/${canary}/ledger`, { token: api.publisher });
    expect(ledger.body.items.length).toBeGreaterThan(0);
    const nothing = { settledMicros: "0", pendingMicros: "0", heldMicros: "0" };
    expect(await api.balance(canary)).toMatchObject(nothing);
    const headers = { "idempotency-key": "canary" };
    const path = `/v1/creators/${canary}/payouts`;
    const payout = await api.call("POST", path, { token: api.publisher, body: {}, headers });
    expect(payout.status).toBe(409);
    expect(payout.body.type).toContain("payout-below-minimum");
  });

  test("P3: a bus that takes events and loses them is found out", async () => {
    cloud.faults.plan({ putEvents: { lose: 1 } });
    await run();
    cloud.faults.plan({});
    await delay(withinMs);
    await run();
    await becomes("run-canary-failure", "ALARM");
    expect(alarm("money-at-risk").state).toBe("ALARM");
    await arrive();
    expect(alarm("run-canary-failure").state).toBe("ALARM");
    await run();
    await becomes("run-canary-failure", "OK");
  });

  test("says when it is counted and not settled, and when the API does not take it", async () => {
    stopBeating();
    await run();
    await cloud.waitUntilIdle();
    await delay(withinMs);
    cloud.faults.plan({ functions: { [local("accept-engagements")]: { killBefore: 1 } } });
    await run();
    cloud.faults.plan({});
    await becomes("run-canary-failure", "ALARM");
    expect(alarm("run-canary-failure").reason).toContain("[2]");
    await arrive();
    await run();
    await becomes("run-canary-failure", "OK");
    beat();
  });

  test("sends nothing once somebody changed whom its article pays", async () => {
    await arrive();
    await api.putArticle(canary, "somebody");
    await run();
    await becomes("run-canary-failure", "ALARM");
    await settle();
    expect(await api.balance("somebody")).toMatchObject({ settledMicros: "0" });
    await api.putArticle(canary, canary);
    await run();
    await becomes("run-canary-failure", "OK");
  });

  test("leaves the books exact", async () => {
    stopBeating();
    await settle();
    expect(await api.proof()).toMatchObject({ ok: true, quiet: true, differences: [] });
  });
});
