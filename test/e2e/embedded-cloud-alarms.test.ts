import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricDataCommand,
  type MetricDataQuery,
} from "@aws-sdk/client-cloudwatch";
import { expect, onTestFinished, test } from "vitest";
import { cloudForTest, type TestCloud, type TestCloudOptions } from "./support/cloud.ts";
import {
  fixtureApi,
  fixtureFunction,
  fixtureQueue,
  fixtureWorker,
  sdk,
  writeAssembly,
} from "./support/fixture-assembly.ts";

/** As CloudFormation has it; what a test does not say is what our own alarms have. */
const alarm = (AlarmName: string, properties: object) => ({
  Type: "AWS::CloudWatch::Alarm",
  Properties: {
    AlarmName,
    AlarmDescription: "See docs/runbook.md#here",
    ComparisonOperator: "GreaterThanOrEqualToThreshold",
    EvaluationPeriods: 1,
    Period: 60,
    Statistic: "Maximum",
    Threshold: 1,
    TreatMissingData: "notBreaching",
    ...properties,
  },
});
const ofDead = (MetricName: string) => ({
  Namespace: "AWS/SQS",
  MetricName,
  Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": ["Dead", "QueueName"] } }],
});
const ofWorker = (MetricName: string, properties: object = {}) => ({
  Namespace: "AWS/Lambda",
  MetricName,
  Dimensions: [{ Name: "FunctionName", Value: { Ref: "Worker" } }],
  Statistic: "Sum",
  ...properties,
});

/** A minute of alarms lasts 300 ms. */
const quick = (resources: Parameters<typeof writeAssembly>[0]["resources"], worker?: string) => ({
  minuteMs: 300,
  assemblyDir: writeAssembly({ resources, ...(worker && { bundles: { worker } }) }),
});
const start = (options: TestCloudOptions) => cloudForTest(options);
const stateOf = (cloud: TestCloud, name: string) => () => cloud.alarms.get(name).state;
const becomes = (cloud: TestCloud, name: string, state: string) =>
  expect.poll(stateOf(cloud, name), { timeout: 20_000, interval: 20 }).toBe(state);

test("an alarm on a queue follows what the queue holds, and says where to read on", async () => {
  const resources = {
    Dead: fixtureQueue("dead"),
    Depth: alarm("depth", ofDead("ApproximateNumberOfMessagesVisible")),
    Age: alarm("age", { ...ofDead("ApproximateAgeOfOldestMessage"), Threshold: 3_600 }),
  };
  const cloud = await start({ assemblyDir: writeAssembly({ resources }) });
  const states = () => cloud.alarms.list().map(({ state }) => state);
  expect(states()).toEqual(["INSUFFICIENT_DATA", "INSUFFICIENT_DATA"]);
  cloud.alarms.evaluate();
  expect(states()).toEqual(["OK", "OK"]);

  cloud.queues.get("dead").send("a message nobody could handle");
  cloud.alarms.evaluate();
  expect(states()).toEqual(["ALARM", "OK"]);
  expect(cloud.messages).toEqual(["alarm depth: See docs/runbook.md#here"]);
});

test("time passes faster for alarms: a message grows old in a moment, and is forgotten", async () => {
  const resources = {
    Dead: fixtureQueue("dead"),
    Age: alarm("age", { ...ofDead("ApproximateAgeOfOldestMessage"), Threshold: 120 }),
  };
  const cloud = await start(quick(resources));
  await becomes(cloud, "age", "OK");
  cloud.queues.get("dead").send("old soon");
  await becomes(cloud, "age", "ALARM");
  const [{ receiptHandle } = { receiptHandle: "" }] = cloud.queues.get("dead").receive(1);
  cloud.queues.get("dead").delete([receiptHandle]);
  await becomes(cloud, "age", "OK");
  expect(cloud.alarms.get("age").history.map(({ from, to }) => `${from} > ${to}`)).toEqual([
    "INSUFFICIENT_DATA > OK",
    "OK > ALARM",
    "ALARM > OK",
  ]);
});

test("errors, throttles, durations and silence of a function ring, and are over", async () => {
  const resources = {
    ...fixtureWorker({}, { VisibilityTimeout: 1 }),
    Errors: alarm("errors", ofWorker("Errors", { Period: 300, Threshold: 2 })),
    Throttles: alarm("throttles", ofWorker("Throttles", { Threshold: 2 })),
    Slow: alarm("slow", {
      ...ofWorker("Duration", { ExtendedStatistic: "p90", Threshold: 100 }),
      Statistic: undefined,
    }),
    Silent: alarm("silent", {
      ...ofWorker("Invocations", { EvaluationPeriods: 3, TreatMissingData: "breaching" }),
      ComparisonOperator: "LessThanThreshold",
    }),
  };
  const worker = `export const handler = async ({ Records }) => {
    if (Records.some(({ body }) => body === "poison")) throw new Error("poison");
    return { batchItemFailures: [] };
  };`;
  const cloud = await start(quick(resources, worker));
  const { send } = cloud.queues.get("work");
  send("fine");
  await becomes(cloud, "silent", "OK");
  await becomes(cloud, "silent", "ALARM");
  send("poison");
  await becomes(cloud, "errors", "ALARM");
  await becomes(cloud, "errors", "OK");
  send("fine");
  await becomes(cloud, "silent", "OK");
  cloud.faults.plan({ functions: { worker: { throttle: 1 } } });
  send("held up");
  await becomes(cloud, "throttles", "ALARM");
  cloud.faults.plan({ functions: { worker: { hangMs: { chance: 1, ms: 150 } } } });
  await becomes(cloud, "slow", "ALARM");
  await becomes(cloud, "slow", "OK");
  await becomes(cloud, "throttles", "OK");
});

const latencyOf = (Id: string, path: string) => ({
  Id,
  MetricStat: {
    Metric: {
      Namespace: "AWS/ApiGateway",
      MetricName: "Latency",
      Dimensions: Object.entries({
        ApiId: { Ref: "Api" },
        Stage: "$default",
        Method: "GET",
        Resource: path,
      }).map(([Name, Value]) => ({ Name, Value })),
    },
    Period: 60,
    Stat: "p99",
  },
  ReturnData: false,
});
const mathAlarm = (Expression: string) => ({
  Type: "AWS::CloudWatch::Alarm",
  Properties: {
    AlarmName: "latency",
    ComparisonOperator: "GreaterThanOrEqualToThreshold",
    EvaluationPeriods: 1,
    Threshold: 200,
    TreatMissingData: "notBreaching",
    Metrics: [{ Id: "e1", Expression }, latencyOf("slow", "/slow"), latencyOf("fast", "/fast")],
  },
});
const api = (more: object) => ({
  ...fixtureApi({ "GET /slow": {}, "GET /fast": {}, "GET /broken": {} }),
  Function: fixtureFunction("worker"),
  ...more,
});
const answering = `export const handler = async ({ rawPath }) => {
  if (rawPath === "/broken") throw new Error("broken");
  if (rawPath === "/slow") await new Promise((resolve) => setTimeout(resolve, 250));
  return "answered";
};`;

test("the API's answers and latencies ring by route, by metric math over several", async () => {
  const resources = api({
    Latency: mathAlarm("MAX([slow, fast])"),
    Broken: alarm("broken", {
      Namespace: "AWS/ApiGateway",
      MetricName: "5xx",
      Dimensions: [{ Name: "ApiId", Value: { Ref: "Api" } }],
      Statistic: "Sum",
    }),
  });
  const cloud = await start(quick(resources, answering));
  await fetch(`${cloud.url}/fast`);
  await becomes(cloud, "latency", "OK");
  await fetch(`${cloud.url}/slow`);
  await becomes(cloud, "latency", "ALARM");
  await fetch(`${cloud.url}/broken`);
  await becomes(cloud, "broken", "ALARM");
  await becomes(cloud, "latency", "OK");
  await becomes(cloud, "broken", "OK");
});

test.each([
  ["an expression", api({ Latency: mathAlarm("ANOMALY_DETECTION_BAND(slow)") }), /"ANOMALY/],
  ["an id", api({ Latency: mathAlarm("MAX([slow, medium])") }), /"medium"/],
  [
    "a metric of AWS",
    { Odd: alarm("odd", { Namespace: "AWS/S3", MetricName: "BucketSizeBytes" }) },
    /Odd .*does not measure AWS\/S3 BucketSizeBytes/,
  ],
  [
    "a statistic",
    {
      Dead: fixtureQueue("dead"),
      Odd: alarm("odd", { ...ofDead("ApproximateNumberOfMessagesVisible"), Statistic: "IQM" }),
    },
    /the statistic IQM/,
  ],
  [
    "an alarm of a composite",
    {
      Both: { Type: "AWS::CloudWatch::CompositeAlarm", Properties: { AlarmRule: 'ALARM("gone")' } },
    },
    /there is no alarm gone/,
  ],
])("%s that is not known is an error when the cloud starts", async (_, resources, message) => {
  await expect(start(quick(resources, answering))).rejects.toThrow(message);
});

test("a metric that a function prints rings by its dimensions; composites ring with others", async () => {
  const ofService = (service: string) => ({
    Namespace: "Fixture",
    MetricName: "Differences",
    Dimensions: [{ Name: "service", Value: service }],
    TreatMissingData: "ignore",
  });
  const topic = { Ref: "Topic" };
  const composite = (AlarmName: string, AlarmRule: unknown) => ({
    Type: "AWS::CloudWatch::CompositeAlarm",
    Properties: { AlarmName, AlarmRule, AlarmActions: [topic], OKActions: [topic] },
  });
  const arn = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });
  const resources = {
    Worker: fixtureFunction("worker"),
    Topic: { Type: "AWS::SNS::Topic" },
    Operator: {
      Type: "AWS::SNS::Subscription",
      Properties: { Endpoint: "ops@example.com", Protocol: "email", TopicArn: topic },
    },
    Audit: alarm("audit", ofService("audit")),
    Other: alarm("other", ofService("other")),
    Any: composite("any", {
      "Fn::Join": ["", ['(ALARM("', arn("Audit"), '") OR ALARM("', arn("Other"), '"))']],
    }),
    Both: composite("both", "ALARM(audit) AND NOT OK(other)"),
  };
  const worker = `export const handler = async ({ found, seconds }) => {
    const Metrics = [{ Name: "Differences", Unit: "Count" }];
    console.log(JSON.stringify({
      _aws: { Timestamp: Date.now(), CloudWatchMetrics: [
        { Namespace: "Fixture", Dimensions: [["service"]], Metrics },
      ] },
      service: "audit",
      Differences: found,
    }));
  };`;
  const cloud = await start(quick(resources, worker));
  await cloud.invoke("worker", { found: 2 });
  await becomes(cloud, "audit", "ALARM");
  await becomes(cloud, "any", "ALARM");
  expect(stateOf(cloud, "other")()).toBe("INSUFFICIENT_DATA");
  await becomes(cloud, "both", "ALARM");
  expect(cloud.messages).toContain("alarm any:  (told email:ops@example.com)");

  // What is measured now and then stays as it was until it is measured again.
  await new Promise((resolve) => setTimeout(resolve, 2 * 300));
  expect(stateOf(cloud, "audit")()).toBe("ALARM");
  await cloud.invoke("worker", { found: 0 });
  await becomes(cloud, "any", "OK");

  const answer = await fetch(`${cloud.url}/_local/alarms`);
  const { alarms } = (await answer.json()) as { alarms: { name: string; history: unknown[] }[] };
  expect(alarms.find(({ name }) => name === "any")).toMatchObject({
    kind: "composite",
    state: "OK",
    history: [
      { to: "OK" },
      { from: "OK", to: "ALARM", reason: "audit", told: ["email:ops@example.com"] },
      { to: "OK", reason: "none of its alarms rings" },
    ],
  });
  const html = await fetch(`${cloud.url}/_local/alarms`, { headers: { accept: "text/html" } });
  expect(await html.text()).toContain("<td>any</td>");
  const kept = readFileSync(join(cloud.dataDir.logs, "alarms.log"), "utf8");
  expect(kept).toContain('"alarm":"any"');
});

const clientOf = (cloud: TestCloud) => {
  const client = new CloudWatchClient({ ...sdk(cloud.servicesUrl), maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return client;
};
const queryOf = (Id: string, MetricName: string, Stat: string): MetricDataQuery => ({
  Id,
  MetricStat: {
    Metric: {
      Namespace: "AWS/SQS",
      MetricName,
      Dimensions: [{ Name: "QueueName", Value: "work" }],
    },
    Period: 60,
    Stat,
  },
});

test("CloudWatch answers what queues hold that no alarm watches, in the alarms' minutes", async () => {
  const cloud = await start(
    quick({ Work: fixtureQueue("work"), Odd: fixtureFunction("worker") }, answering),
  );
  const client = clientOf(cloud);
  const ask = async (queries: MetricDataQuery[], minutes = 5) => {
    const now = Date.now();
    const window = { StartTime: new Date(now - minutes * 60_000), EndTime: new Date(now) };
    const command = new GetMetricDataCommand({ ...window, MetricDataQueries: queries });
    return (await client.send(command)).MetricDataResults ?? [];
  };
  const work = cloud.queues.get("work");
  for (const body of ["a", "b", "c"]) work.send(body);
  work.delete(work.receive(1).map(({ receiptHandle }) => receiptHandle));
  const queries = [
    queryOf("sent", "NumberOfMessagesSent", "Sum"),
    queryOf("deleted", "NumberOfMessagesDeleted", "Sum"),
    queryOf("age", "ApproximateAgeOfOldestMessage", "Maximum"),
  ];
  const sums = async () => {
    const [sent, deleted, age] = await ask(queries);
    const sum = (values: readonly number[] = []) => values.reduce((all, one) => all + one, 0);
    // Half a second, of minutes that last 300 ms.
    return [sum(sent?.Values), sum(deleted?.Values), (age?.Values?.[0] ?? 0) > 100];
  };
  await expect.poll(sums, { timeout: 20_000, interval: 50 }).toEqual([3, 1, true]);
  const [{ Timestamps = [] } = {}] = await ask(queries);
  const gaps = Timestamps.slice(1).map((time, index) => +(Timestamps[index] ?? 0) - +time);
  expect(gaps.length).toBeGreaterThan(0);
  expect(gaps.every((gap) => Math.abs(gap - 60_000) < 2)).toBe(true);

  const refused = (query: object, minutes?: number) =>
    expect(ask([{ ...queryOf("sent", "NumberOfMessagesSent", "Sum"), ...query }], minutes)).rejects;
  await refused({ Expression: "SUM(METRICS())" }).toThrow(/Expression/);
  await refused(queryOf("odd", "NumberOfEmptyReceives", "Sum")).toThrow(/NumberOfEmptyReceives/);
  await refused(queryOf("odd", "NumberOfMessagesSent", "IQM")).toThrow(/the statistic IQM/);
  await refused({}, 60).toThrow(/only the last 15 minutes/);
});

test("CloudWatch describes alarms page by page, composite ones when asked for", async () => {
  const resources = {
    Dead: fixtureQueue("dead"),
    A: alarm("stage-a", ofDead("ApproximateNumberOfMessagesVisible")),
    B: alarm("stage-b", ofDead("ApproximateNumberOfMessagesDelayed")),
    Other: alarm("other", ofDead("ApproximateNumberOfMessagesVisible")),
    Any: {
      Type: "AWS::CloudWatch::CompositeAlarm",
      Properties: { AlarmName: "stage-any", AlarmRule: 'ALARM("stage-a")' },
    },
  };
  const cloud = await start(quick(resources));
  const client = clientOf(cloud);
  cloud.queues.get("dead").send("a message nobody could handle");
  await becomes(cloud, "stage-any", "ALARM");
  const prefix = { AlarmNamePrefix: "stage-", MaxRecords: 2 };
  const types = { AlarmTypes: ["MetricAlarm", "CompositeAlarm"] as const };
  const ask = (input: object) => client.send(new DescribeAlarmsCommand(input));

  expect(await ask(prefix)).toMatchObject({ CompositeAlarms: [], MetricAlarms: [{}, {}] });
  const first = await ask({ ...prefix, ...types });
  expect(first).toMatchObject({
    CompositeAlarms: [{ AlarmName: "stage-any", StateValue: "ALARM", StateReason: "stage-a" }],
    MetricAlarms: [{ AlarmName: "stage-a", AlarmDescription: "See docs/runbook.md#here" }],
    NextToken: expect.any(String),
  });
  expect(+(first.MetricAlarms?.[0]?.StateTransitionedTimestamp ?? 0)).toBe(
    +cloud.alarms.get("stage-a").since,
  );
  const second = await ask({ ...prefix, ...types, NextToken: first.NextToken });
  expect(second.MetricAlarms?.map(({ AlarmName }) => AlarmName)).toEqual(["stage-b"]);
  expect(second.NextToken).toBeUndefined();
  const ringing = await ask({ StateValue: "ALARM" });
  expect(ringing.MetricAlarms?.map(({ AlarmName }) => AlarmName)).toEqual(["other", "stage-a"]);
  await expect(ask({ ChildrenOfAlarmName: "stage-any" })).rejects.toThrow(/ChildrenOfAlarmName/);
});
