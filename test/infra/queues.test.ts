import { Duration, Stack } from "aws-cdk-lib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { events, patternOf } from "../../core/contracts/events.ts";
import { kindsOfWork, moneyPath } from "../../core/contracts/queued-work.ts";
import { WorkerQueue, type WorkerQueueProps } from "../../lib/constructs/worker-queue.ts";
import { BackpressureStack } from "../../lib/stacks/backpressure-stack.ts";
import { type Properties, resourcesOf, shortName, statementsOf } from "./support/resources.ts";
import {
  newApp,
  newState,
  removeSynthesized,
  synthesize,
  type Templates,
} from "./support/synthesize.ts";

const workers = [
  {
    name: "count-engagements",
    event: events.engagementsAccepted,
    batchSize: 1_000,
    windowSeconds: 1,
  },
  { name: "settle-creator", event: events.settlementDue, batchSize: 10, windowSeconds: 0 },
];

let templates: Templates;
beforeAll(() => {
  templates = synthesize("local");
});
afterAll(removeSynthesized);

const of = (type: string) => resourcesOf(templates.all, type);
const queue = (name: string) =>
  of("AWS::SQS::Queue").find(({ properties }) => shortName(properties.QueueName) === name) ??
  expect.unreachable(`no queue ${name}`);
const arnOf = (name: string) => ({ "Fn::GetAtt": [queue(name).id, "Arn"] });

describe.each(workers)("the queue of $name", ({ name, event, batchSize, windowSeconds }) => {
  const rule = () =>
    of("AWS::Events::Rule").find(({ properties }) =>
      properties.Targets.some((one: Properties) => one.Arn["Fn::GetAtt"][0] === queue(name).id),
    ) ?? expect.unreachable("no rule");

  test("keeps messages 10 days and dead letters 14, after 4 receives", () => {
    expect(queue(name).properties).toMatchObject({
      MessageRetentionPeriod: 10 * 86_400,
      RedrivePolicy: { maxReceiveCount: 4, deadLetterTargetArn: arnOf(`${name}-dead-letters`) },
    });
    const dead = queue(`${name}-dead-letters`).properties;
    expect(dead.MessageRetentionPeriod).toBe(14 * 86_400);
  });

  test("Q8: hides a message for six times as long as its worker may run, and the window", () => {
    const [worker] = of("AWS::Lambda::Function").filter(
      ({ properties }) => shortName(properties.FunctionName) === name,
    );
    const timeout = worker?.properties.Timeout;
    expect(queue(name).properties.VisibilityTimeout).toBe(6 * timeout + windowSeconds);
  });

  test("Q4: its worker reports failures message by message, ten at a time", () => {
    const mapping = of("AWS::Lambda::EventSourceMapping").find(
      ({ properties }) => properties.EventSourceArn["Fn::GetAtt"][0] === queue(name).id,
    );
    expect(mapping?.properties).toMatchObject({
      BatchSize: batchSize,
      MaximumBatchingWindowInSeconds: windowSeconds,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 10 },
    });
  });

  test("P4: is fed by one rule, with a retry policy and a dead letter queue of its own", () => {
    expect(rule().properties.EventPattern).toEqual({
      source: patternOf(event).source,
      "detail-type": patternOf(event).detailType,
    });
    expect(rule().properties.Targets).toMatchObject([
      {
        RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
        DeadLetterConfig: { Arn: arnOf(`${name}-undelivered`) },
      },
    ]);
  });

  test("takes messages from its rule only, or from an operator who redrives", () => {
    const ruleArn = { "Fn::GetAtt": [rule().id, "Arn"] };
    const statements = policyOf(name).filter(({ Action }) => Action !== "sqs:*");
    expect(statements).toMatchObject([
      {
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Condition: { ArnEquals: { "aws:SourceArn": ruleArn } },
      },
      {
        Effect: "Deny",
        Principal: { AWS: "*" },
        Action: "sqs:SendMessage",
        Condition: {
          ArnNotEquals: { "aws:SourceArn": ruleArn },
          StringNotEquals: { "aws:PrincipalTag/pennyline-redrive": "allowed" },
        },
      },
    ]);
  });

  test("has every alarm", () => {
    const names = of("AWS::CloudWatch::Alarm").map(({ properties }) =>
      shortName(properties.AlarmName),
    );
    const ofQueue = ["backlog", "oldest-message", "dead-letters", "undelivered"];
    const symptoms = [...ofQueue, "errors", "throttles"];
    expect(names).toEqual(expect.arrayContaining(symptoms.map((one) => `${name}-${one}`)));
  });
});

function policyOf(name: string): Properties[] {
  const { id } = queue(name);
  const policy = of("AWS::SQS::QueuePolicy").find(({ properties }) =>
    properties.Queues.some((one: Properties) => one.Ref === id),
  );
  return statementsOf(policy?.properties.PolicyDocument ?? { Statement: [] });
}

test("B1: work is said to wait in queues that there are", () => {
  const names = of("AWS::SQS::Queue").map(({ properties }) => shortName(properties.QueueName));
  const said = Object.values(kindsOfWork).flatMap(({ queues }) => queues);
  expect(names).toEqual(expect.arrayContaining([...said, ...moneyPath]));
});

test("every queue is encrypted and takes no request without TLS", () => {
  for (const { id, properties } of of("AWS::SQS::Queue")) {
    expect(properties.SqsManagedSseEnabled, id).toBe(true);
    expect(policyOf(shortName(properties.QueueName)), id).toContainEqual(
      expect.objectContaining({
        Effect: "Deny",
        Action: "sqs:*",
        Principal: { AWS: "*" },
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      }),
    );
  }
});

test("S5: settle-earnings runs every minute, and a run that cannot start is kept", () => {
  const [schedule] = of("AWS::Scheduler::Schedule");
  expect(schedule?.properties).toMatchObject({
    ScheduleExpression: "rate(1 minute)",
    FlexibleTimeWindow: { Mode: "OFF" },
    Target: {
      RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 2 },
      DeadLetterConfig: { Arn: arnOf("settle-earnings-missed-runs") },
    },
  });
  const [retries] = of("AWS::Lambda::EventInvokeConfig");
  expect(retries?.properties).toMatchObject({
    MaximumRetryAttempts: 0,
    MaximumEventAgeInSeconds: 60,
  });
});

test("S5: an alarm rings when settle-earnings does not run, and when nothing is known of it", () => {
  const alarm = of("AWS::CloudWatch::Alarm").find(({ properties }) =>
    properties.AlarmName.endsWith("settle-earnings-not-running"),
  );
  expect(alarm?.properties).toMatchObject({
    MetricName: "Invocations",
    ComparisonOperator: "LessThanThreshold",
    Threshold: 1,
    EvaluationPeriods: 5,
    TreatMissingData: "breaching",
  });
});

test("S5: run-payouts runs every hour, and rings when it missed two runs", () => {
  const schedule = of("AWS::Scheduler::Schedule").find(({ properties }) =>
    properties.Name.endsWith("run-payouts"),
  );
  expect(schedule?.properties).toMatchObject({
    ScheduleExpression: "rate(1 hour)",
    Target: {
      RetryPolicy: { MaximumEventAgeInSeconds: 3_600, MaximumRetryAttempts: 10 },
      DeadLetterConfig: { Arn: arnOf("run-payouts-missed-runs") },
    },
  });
  const alarm = of("AWS::CloudWatch::Alarm").find(({ properties }) =>
    properties.AlarmName.endsWith("run-payouts-not-running"),
  );
  expect(alarm?.properties).toMatchObject({
    Period: 3_600,
    EvaluationPeriods: 2,
    TreatMissingData: "breaching",
  });
});

describe("synth refuses", () => {
  const workerWith = (overrides: Partial<WorkerQueueProps>) => {
    const state = newState("local");
    const stack = new Stack(state.node.scope, "Workers");
    return new WorkerQueue(stack, "CountEngagements", {
      platform: state.platform,
      name: "count-engagements",
      event: events.engagementsAccepted,
      needs: {},
      batchSize: 10,
      batchingWindow: Duration.seconds(1),
      timeout: Duration.seconds(60),
      ...overrides,
    });
  };

  test("Q8: a visibility timeout shorter than six times the function's", () => {
    expect(() => workerWith({ visibilityTimeout: Duration.seconds(359) })).toThrow(
      "count-engagements: visibility timeout 359 s is shorter than 6 x the function's timeout " +
        "(60 s) + the batching window (1 s) = 361 s",
    );
    expect(() => workerWith({ visibilityTimeout: Duration.seconds(361) })).not.toThrow();
  });

  test("Q10: a DLQ that keeps messages no longer than its queue", () => {
    const build = () => newApp("local", { queueRetentionDays: 5, dlqRetentionDays: 5 });
    expect(build).toThrow(
      "count-engagements: its DLQ keeps messages 5 days, which is not longer than the queue's " +
        "own 5 days",
    );
  });

  test("B1: engagements that are forgotten before more of them are refused", () => {
    const build = () => {
      const state = newState("local", { queueRetentionDays: 1 });
      const { scope } = state.node;
      return scope && new BackpressureStack(scope, "Backpressure", state.platform);
    };
    expect(build).toThrow(
      "backpressure.money.full.oldestSeconds 86400 is more than half of what queues keep messages " +
        "for (queueRetentionDays: 86400 s)",
    );
  });

  test("Q3: a dedupe TTL shorter than everything that may still be redelivered", () => {
    expect(() => newState("local", { dedupeTtlDays: 80 })).toThrow(
      "dedupeTtlDays 80 is shorter than 81 days: oldest engagement accepted (35) + delivery by " +
        "EventBridge (1) + twice the DLQ retention (14) + queue retention (10) + time to redrive " +
        "(7); an engagement redelivered late would be refused",
    );
    expect(() => newState("local", { dedupeTtlDays: 81 })).not.toThrow();
    const shorter = { dedupeTtlDays: 84, queueRetentionDays: 13 };
    expect(() => newState("local", shorter)).not.toThrow();
    expect(() => newState("local", { ...shorter, dedupeTtlDays: 83 })).toThrow("dedupeTtlDays 83");
  });
});
