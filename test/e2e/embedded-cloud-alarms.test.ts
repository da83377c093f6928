import { expect, test } from "vitest";
import { cloudForTest } from "./support/cloud.ts";
import { fixtureQueue, writeAssembly } from "./support/fixture-assembly.ts";

const alarm = (MetricName: string, Threshold: number) => ({
  Type: "AWS::CloudWatch::Alarm",
  Properties: {
    AlarmName: MetricName,
    AlarmDescription: "See docs/runbook.md#here",
    Namespace: "AWS/SQS",
    MetricName,
    Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": ["Dead", "QueueName"] } }],
    ComparisonOperator: "GreaterThanOrEqualToThreshold",
    EvaluationPeriods: 1,
    Period: 60,
    Statistic: "Maximum",
    Threshold,
  },
});

test("an alarm on a queue follows what the queue holds, and says where to read on", async () => {
  const resources = {
    Dead: fixtureQueue("dead"),
    Depth: alarm("ApproximateNumberOfMessagesVisible", 1),
    Age: alarm("ApproximateAgeOfOldestMessage", 3_600),
  };
  const cloud = await cloudForTest({ assemblyDir: writeAssembly({ resources }) });
  const states = () => cloud.alarms.list().map(({ state }) => state);
  expect(states()).toEqual(["INSUFFICIENT_DATA", "INSUFFICIENT_DATA"]);
  cloud.alarms.evaluate();
  expect(states()).toEqual(["OK", "OK"]);

  cloud.queues.get("dead").send("a message nobody could handle");
  cloud.alarms.evaluate();
  expect(states()).toEqual(["ALARM", "OK"]);
  expect(cloud.messages).toEqual([
    "alarm ApproximateNumberOfMessagesVisible: See docs/runbook.md#here",
  ]);
});
