import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestCloud, stopTestCloud, type TestCloud, temporaryFolder } from "./support/cloud.ts";
import {
  fixtureApi,
  fixtureFunction,
  fixtureWorker,
  writeAssembly,
} from "./support/fixture-assembly.ts";

const bundles = temporaryFolder();
let written = 0;
/** A bundle that stays as it is. */
function bundle(source: string): string {
  written += 1;
  const folder = join(bundles, String(written));
  mkdirSync(folder);
  writeFileSync(join(folder, "handler.mjs"), source);
  return folder;
}
const patiently = { timeout: 20_000, interval: 20 };
const answers = (text: string) => `export const handler = async ({ body }) => {
  const { waitMs } = JSON.parse(body ?? "{}");
  if (waitMs) await new Promise((done) => setTimeout(done, waitMs));
  return ${JSON.stringify(text)};
};`;
const handled = join(bundles, "handled");
const works = (version: string) => `import { appendFileSync } from "node:fs";
export const handler = async ({ Records }) => {
  await new Promise((done) => setTimeout(done, 20));
  for (const { body } of Records) appendFileSync(${JSON.stringify(handled)}, body + " ${version}\\n");
  return { batchItemFailures: [] };
};`;

const handledLines = () =>
  existsSync(handled) ? readFileSync(handled, "utf8").split("\n").slice(0, -1) : [];

let cloud: TestCloud;
beforeAll(async () => {
  const released = {
    Live: {
      Type: "AWS::Lambda::Alias",
      Properties: {
        FunctionName: { Ref: "Function" },
        FunctionVersion: { "Fn::GetAtt": ["Version", "Version"] },
        Name: "live",
      },
    },
    Version: { Type: "AWS::Lambda::Version", Properties: { FunctionName: { Ref: "Function" } } },
    Group: {
      Type: "AWS::CodeDeploy::DeploymentGroup",
      Properties: {
        DeploymentGroupName: "edge",
        AlarmConfiguration: { Enabled: true, Alarms: [{ Name: { Ref: "Alarm" } }] },
      },
    },
    Alarm: {
      Type: "AWS::CloudWatch::Alarm",
      Properties: {
        AlarmName: "edge-errors",
        Namespace: "AWS/Lambda",
        MetricName: "Errors",
        Dimensions: [{ Name: "FunctionName", Value: { Ref: "Function" } }],
        Statistic: "Sum",
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        EvaluationPeriods: 1,
        Period: 60,
        Threshold: 1,
      },
    },
  };
  const { Integration, ...api } = fixtureApi({ "POST /v1/edge": {} });
  const throughAlias = { ...Integration.Properties, IntegrationUri: { Ref: "Live" } };
  cloud = await startTestCloud({
    minuteMs: 1_000,
    assemblyDir: writeAssembly({
      resources: {
        ...api,
        Integration: { ...Integration, Properties: throughAlias },
        ...released,
        ...fixtureWorker({ BatchSize: 2 }),
        Function: fixtureFunction("edge"),
      },
      bundles: { edge: answers("v1"), worker: works("v1") },
    }),
  });
});
afterAll(async () => {
  await stopTestCloud(cloud);
  rmSync(bundles, { recursive: true, force: true });
});

async function ask(waitMs = 0): Promise<string> {
  const body = JSON.stringify({ waitMs });
  const response = await fetch(`${cloud.url}/v1/edge`, { method: "POST", body });
  return response.ok ? await response.text() : String(response.status);
}

describe("new code of a function", () => {
  test("has what begins after it; what is under way ends on the old code", async () => {
    const underWay = [ask(1_500), ask(1_500)];
    await expect.poll(() => cloud.functions.get("edge").busy()).toBe(2);
    expect(await cloud.deploy("edge", bundle(answers("v2")))).toEqual({ state: "deployed" });
    expect(await ask()).toBe("v2");
    expect(cloud.functions.get("edge").busy()).toBe(2);
    expect(await Promise.all(underWay)).toEqual(["v1", "v1"]);
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(["v2", "v2", "v2"]);
  });

  test("that does not load is refused with the reason, and the old code serves on", async () => {
    const broken = await cloud.deploy("edge", bundle("throw new TypeError('no setting X');"));
    expect(broken).toEqual({ state: "refused", reason: "TypeError: no setting X" });
    const empty = await cloud.deploy("edge", bundle("export const other = 1;"));
    expect(empty).toMatchObject({ state: "refused", reason: expect.stringContaining("handler") });
    expect(await Promise.all([ask(), ask()])).toEqual(["v2", "v2"]);
  });

  test("may have a part first, and all when nothing rang", async () => {
    const canary = { percent: 25, forMs: 4_000 };
    const deploying = cloud.deploy("edge", bundle(answers("v3")), { canary });
    await expect.poll(() => ask(), patiently).toBe("v3");
    const seen: string[] = [];
    for (let n = 0; n < 20; n += 1) seen.push(await ask());
    expect(seen.filter((version) => version === "v3")).toHaveLength(5);
    const another = await cloud.deploy("edge", bundle(answers("v4")));
    expect(another).toMatchObject({ state: "refused" });
    expect(await deploying).toEqual({ state: "deployed" });
    expect(await Promise.all([ask(), ask(), ask(), ask()])).toEqual(["v3", "v3", "v3", "v3"]);
  });

  test("is taken back as soon as an alarm of its deployment group rings", async () => {
    const canary = { percent: 50, forMs: 30_000 };
    const deploying = cloud.deploy("edge", bundle("export const handler = () => x;"), { canary });
    await expect.poll(() => ask(), patiently).toBe("500");
    expect(await deploying).toEqual({ state: "rolled-back", alarm: "edge-errors" });
    expect(await Promise.all([ask(), ask(), ask(), ask()])).toEqual(["v3", "v3", "v3", "v3"]);
  });
});

test("a worker's code is replaced in the middle of its messages, and each is handled once", async () => {
  const sent: string[] = [];
  const send = (count: number) => {
    for (let n = 0; n < count; n += 1) {
      sent.push(`message-${sent.length}`);
      cloud.queues.get("work").send(sent.at(-1) ?? "");
    }
  };
  for (const version of ["v2", "v3"]) {
    const before = handledLines().length;
    send(40);
    await expect.poll(() => handledLines().length, patiently).toBeGreaterThan(before);
    expect(await cloud.deploy("worker", bundle(works(version)))).toEqual({ state: "deployed" });
  }
  send(2);
  await cloud.waitUntilIdle();
  const lines = handledLines();
  expect(lines.map((line) => line.split(" ")[0]).sort()).toEqual(sent.sort());
  expect(new Set(lines.map((line) => line.split(" ")[1]))).toEqual(new Set(["v1", "v2", "v3"]));
  expect(cloud.queueDepths().dead).toMatchObject({ visible: 0 });
});
