import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RunbookAlarm } from "../../lib/constructs/runbook-alarm.ts";
import { type Properties, reader, resourcesOf, shortName } from "./support/resources.ts";
import { newApp, removeSynthesized, synthesize, type Templates } from "./support/synthesize.ts";

let templates: Templates;
beforeAll(() => {
  templates = synthesize("local");
});
afterAll(removeSynthesized);

const alarm = (name: string, from: Templates["all"] = templates.all): Properties =>
  resourcesOf(from, "AWS::CloudWatch::Alarm").find(
    ({ properties }) => shortName(properties.AlarmName) === name,
  )?.properties ?? expect.unreachable(`no alarm ${name}`);

interface Widget {
  readonly y: number;
  readonly width: number;
  readonly properties: { readonly title: string; readonly alarms?: string[]; metrics?: unknown[] };
}
function widgets(): Widget[] {
  const [dashboard] = resourcesOf([templates.monitoring], "AWS::CloudWatch::Dashboard");
  return JSON.parse(reader(templates.all)(dashboard?.properties.DashboardBody)).widgets;
}

describe("alarms", () => {
  test("thresholds are the stage's", () => {
    const thresholds = {
      ...{ settlementLagSeconds: 301, workerThrottles: 31, backlogMessages: 302 },
      ...{ apiServerErrors: 33, apiLatencyP99Ms: 304, missedRunMinutes: 7 },
    };
    const alarms = newApp("local", { alarms: thresholds })
      .node.findAll()
      .filter((one) => one instanceof RunbookAlarm);
    const found = (name: string) =>
      alarms.find(({ plainName }) => shortName(plainName) === name)?.node.defaultChild;
    expect(found("settle-creator-lag")).toMatchObject({ threshold: 301 });
    expect(found("count-engagements-throttles")).toMatchObject({ threshold: 31, period: 300 });
    expect(found("count-engagements-backlog")).toMatchObject({ threshold: 302 });
    expect(found("api-server-errors")).toMatchObject({ threshold: 33 });
    expect(found("api-latency")).toMatchObject({ threshold: 304 });
    expect(found("settle-earnings-not-running")).toMatchObject({ evaluationPeriods: 7 });
  });

  test("B1: engagements that are refused ring at once, other work when it is refused for long", () => {
    expect(alarm("engagements-shed")).toMatchObject({
      ...{ MetricName: "QueueLevel", Threshold: 3, EvaluationPeriods: 1 },
      Dimensions: [
        { Name: "queue", Value: "count-engagements" },
        { Name: "service", Value: "watch-backlogs" },
      ],
    });
    const shown = { MetricName: "KindsRefused", Threshold: 1, EvaluationPeriods: 30, Period: 60 };
    expect(alarm("work-shed")).toMatchObject(shown);
  });

  test.each([
    ["audit-money-difference", "ProofDifferences", "audit-money"],
    ["run-canary-failure", "CanaryFailures", "run-canary"],
  ])("P3: %s rings from the first on, until it is measured again", (name, MetricName, service) => {
    expect(alarm(name)).toMatchObject({
      ...{ MetricName, Namespace: "Pennyline/local", Threshold: 1 },
      Dimensions: [{ Name: "service", Value: service }],
      TreatMissingData: "ignore",
    });
  });
});

describe("the dashboard", () => {
  test("begins with whether all is well, and whatever rings", () => {
    const first = widgets().filter(({ y }) => y === 0);
    expect(first.map(({ properties }) => properties.title)).toEqual(["Are we fine?", "Where?"]);
    const shown = widgets().map(({ properties }) => properties.alarms ?? []);
    const alarms = ["Alarm", "CompositeAlarm"].flatMap((type) =>
      resourcesOf(templates.all, `AWS::CloudWatch::${type}`),
    );
    expect(shown.flat()).toHaveLength(alarms.length);
    // CloudWatch takes no more.
    for (const some of shown) expect(some.length).toBeLessThanOrEqual(100);
  });

  test("is read in ten seconds: few graphs, and a line in each for every queue", () => {
    const graphs = widgets().filter(({ properties }) => properties.metrics);
    expect(graphs.length).toBeLessThanOrEqual(14);
    const queues = resourcesOf(templates.all, "AWS::Lambda::EventSourceMapping").length;
    const waiting = widgets().find(({ properties }) => properties.title === "Waiting messages");
    expect(waiting?.properties.metrics).toHaveLength(queues);
    // CloudWatch draws no more lines.
    for (const { properties } of widgets()) {
      expect(properties.metrics?.length ?? 0, properties.title).toBeLessThanOrEqual(100);
    }
  });

  test("ties no other stack to it but the API's", () => {
    const imports = JSON.stringify(templates.monitoring.toJSON()).match(/Fn::ImportValue":"[^"]+/g);
    const stacks = new Set(imports?.map((text) => text.split('"').at(-1)?.split(":")[0]));
    expect([...stacks].sort()).toEqual(["pennyline-local-api", "pennyline-local-state"]);
  });
});
