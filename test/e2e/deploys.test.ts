import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { engagementsAccepted } from "../../core/contracts/events.ts";
import type { DeployOptions } from "../../local/lambda/deploy.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud, temporaryFolder } from "./support/cloud.ts";
import { copyDeployedBundle } from "./support/deployed-bundle.ts";
import { type JobClient, jobClient } from "./support/job-client.ts";

const stage = "pennyline-local-";
const counting = `${stage}count-engagements`;
const bundles = temporaryFolder();

let cloud: TestCloud;
let api: ApiClient;
let ada: JobClient;
beforeAll(async () => {
  // A minute of alarms lasts six seconds.
  cloud = await startTestCloud({ minuteMs: 6_000 });
  api = await apiClient(cloud);
  ada = jobClient(api, await cloud.mintToken({ role: "creator", id: "ada" }));
});
afterAll(async () => {
  await stopTestCloud(cloud);
  rmSync(bundles, { recursive: true, force: true });
});

const asItIs = (code: string) => `${code}\n`;
const thatDoesNotLoad = (code: string) => `${code}\nthrow new Error("no setting X");`;
const thatDoesNotWork = () => "export const handler = () => missing();";

let built = 0;
/** Deploys other code in the place of a function's own: its bundle as it is deployed in AWS, edited. */
function deploy(name: string, edit: (code: string) => string, options?: DeployOptions) {
  built += 1;
  const folder = join(bundles, String(built));
  const file = join(folder, "handler.mjs");
  copyDeployedBundle(name, folder);
  writeFileSync(file, edit(readFileSync(file, "utf8")));
  return cloud.deploy(stage + name, folder, options);
}

/** What failed comes back now, not minutes later, until nothing is left. */
async function drained(): Promise<void> {
  const timer = setInterval(() => {
    for (const queue of cloud.polledQueues) cloud.returnFailed(queue);
  }, 100);
  await cloud.waitUntilIdle();
  clearInterval(timer);
}

/** Views of every kind and jobs, until told to stop; what was accepted. */
function load(articleId: string) {
  const accepted: string[] = [];
  const jobs: string[] = [];
  let going = true;
  let failure: Error | undefined;
  const lane = async (step: (round: number) => Promise<void>) => {
    for (let round = 0; going; round += 1) await step(round);
  };
  const lanes = Promise.all([
    ...["a", "b", "c"].map((name) =>
      lane(async (round) => {
        const readers = Array.from({ length: 10 }, (_, index) => `${name}-${round}-${index}`);
        expect(await api.postViews(articleId, readers)).toBe(10);
        accepted.push(...readers);
      }),
    ),
    lane(async (round) => {
      const reader = `token-${round}`;
      const body = { token: await api.viewToken(articleId, reader), kind: "view" };
      const answer = await api.call("POST", "/v1/engagements", { body });
      expect([answer.status, answer.body]).toMatchObject([202, { accepted: 1 }]);
      accepted.push(reader);
    }),
    lane(async (round) => {
      const payload = {
        creatorId: "ada",
        draftId: `draft-${round}`,
        baseRevision: 0,
        text: "It was",
      };
      const jobId = await ada.request("draft.save", payload);
      jobs.push(jobId);
      // A long poll begins on one version of the code, and may end when another one serves.
      expect(await ada.finished(jobId)).toMatchObject({ state: "succeeded" });
    }),
  ]).catch((error: Error) => {
    going = false;
    failure = error;
  });
  return {
    jobs,
    accepted,
    async stop() {
      going = false;
      await lanes;
      if (failure) throw failure;
    },
  };
}

describe("a deploy in the middle of load", () => {
  test("loses nothing: accepted is counted, jobs are finished, and the edge answers no 5xx", async () => {
    await api.putArticle("busy", "ada");
    const under = load("busy");
    onTestFinished(() => under.stop());
    const grown = async () => {
      const [views, jobs] = [under.accepted.length, under.jobs.length];
      const more = () => under.accepted.length > views + 50 && under.jobs.length > jobs + 1;
      await expect.poll(more, { timeout: 30_000 }).toBe(true);
    };
    const edge = ["accept-engagements", "accept-publisher-engagements", "issue-view-token"];
    const workers = ["count-engagements", "run-draft-save", "settle-earnings"];
    await grown();
    for (const names of [[...edge, "request-job", "read-job", ...workers], workers]) {
      for (const name of names) {
        expect(await deploy(name, asItIs)).toEqual({ state: "deployed" });
      }
      await grown();
    }
    const broken = await deploy("accept-publisher-engagements", thatDoesNotLoad);
    expect(broken).toEqual({ state: "refused", reason: "Error: no setting X" });
    await grown();
    // What a worker fails on comes back, and the old code has it.
    const canary = { percent: 50, forMs: 60_000 };
    const failing = await deploy("count-engagements", thatDoesNotWork, { canary });
    expect(failing).toEqual({ state: "rolled-back", alarm: `${counting}-errors` });
    await grown();
    await under.stop();

    await drained();
    expect(await cloud.fireSchedule(`${stage}settle-earnings`)).toMatchObject({ ok: true });
    await drained();
    expect(await api.balance("ada")).toMatchObject({
      settledMicros: String(under.accepted.length * 1_000),
      pendingMicros: "0",
    });
    expect(await api.proof()).toMatchObject({ ok: true, quiet: true });
    for (const jobId of under.jobs) {
      expect((await ada.read(jobId)).body).toMatchObject({ state: "succeeded" });
    }
    expect(cloud.stats.responses["5xx"] ?? 0).toBe(0);
    expect(deadLetters()).toEqual([]);
  }, 180_000);
});

function deadLetters(): string[] {
  const depths = Object.entries(cloud.queueDepths());
  return depths
    .filter(([name, { visible }]) => !cloud.polledQueues.includes(name) && visible > 0)
    .map(([name]) => name);
}

describe("Q12: messages of another version that wait during a deploy", () => {
  const eventOf = (schemaVersion: number, readerId: string, more = {}) => {
    const engagement = { articleId: "waiting", readerId, kind: "view", channel: "publisher" };
    return JSON.stringify({
      source: engagementsAccepted.source,
      "detail-type": engagementsAccepted.detailType,
      detail: {
        schemaVersion,
        traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
        acceptedAtMs: Date.now(),
        engagements: [{ ...engagement, occurredAtMs: Date.now(), ...more }],
      },
    });
  };

  test("an older one is counted by the new code, an unknown newer one becomes a dead letter", async () => {
    await api.putArticle("waiting", "bob");
    cloud.faults.plan({ functions: { [counting]: { throttle: 1 } } });
    const failedBefore = cloud.stats.metrics.DeliveriesFailed ?? 0;
    const queue = cloud.queues.get(counting);
    queue.send(eventOf(1, "old"));
    queue.send(eventOf(2, "today"));
    queue.send(eventOf(99, "from the future", { mood: "hopeful" }));
    expect(await deploy("count-engagements", asItIs)).toEqual({ state: "deployed" });
    expect((await api.balance("bob")).pendingMicros).toBe("0");
    cloud.faults.plan({});
    await drained();
    expect((await api.balance("bob")).pendingMicros).toBe("2000");
    expect((cloud.stats.metrics.DeliveriesFailed ?? 0) - failedBefore).toBe(4);
    const dead = cloud.queues.get(`${counting}-dead-letters`).peek();
    expect(dead.map((body) => JSON.parse(body).detail.schemaVersion)).toEqual([99]);
  });
});
