import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { fixtureQueue, writeAssembly } from "./support/fixture-assembly.ts";

let cloud: TestCloud;
let events: EventBridgeClient;
const sdk = (endpoint: string) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "a", secretAccessKey: "b" },
});

const rule = (pattern: object, target: object) => ({
  Type: "AWS::Events::Rule",
  Properties: {
    EventBusName: { Ref: "Bus" },
    EventPattern: pattern,
    Targets: [
      {
        Id: "one",
        Arn: { "Fn::GetAtt": ["Orders", "Arn"] },
        DeadLetterConfig: { Arn: { "Fn::GetAtt": ["Undelivered", "Arn"] } },
        RetryPolicy: { MaximumRetryAttempts: 185 },
        ...target,
      },
    ],
  },
});

beforeAll(async () => {
  cloud = await startTestCloud({
    assemblyDir: writeAssembly({
      resources: {
        Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "shop" } },
        Orders: fixtureQueue("orders"),
        Undelivered: fixtureQueue("undelivered"),
        Placed: rule({ "detail-type": ["Placed"] }, {}),
        Named: rule(
          { "detail-type": ["Named"] },
          {
            InputTransformer: {
              InputPathsMap: { name: "$.detail.name", count: "$.detail.count" },
              InputTemplate: '{"who":"<name>","count":<count>}',
            },
          },
        ),
        Secret: {
          Type: "AWS::SecretsManager::Secret",
          Properties: {
            Name: "keys",
            GenerateSecretString: {
              SecretStringTemplate: '{"current":"k1"}',
              GenerateStringKey: "k1",
              PasswordLength: 64,
              ExcludePunctuation: true,
            },
          },
        },
      },
    }),
  });
  events = new EventBridgeClient({ ...sdk(cloud.servicesUrl), maxAttempts: 1 });
});
afterAll(() => stopTestCloud(cloud));

const entry = (detail: object, DetailType = "Placed", EventBusName = "shop") => ({
  Source: "test",
  DetailType,
  Detail: JSON.stringify(detail),
  EventBusName,
});
const put = (...Entries: object[]) => events.send(new PutEventsCommand({ Entries }));
const taken = (queue: string): string[] => {
  const received = cloud.queues.get(queue).receive(100);
  cloud.queues.get(queue).delete(received.map(({ receiptHandle }) => receiptHandle));
  return received.map(({ message }) => message.body);
};

describe("PutEvents", () => {
  test("stores a matching event before it answers, in the envelope of AWS", async () => {
    const { Entries } = await put({
      ...entry({ big: 1 }),
      Detail: '{"big":12345678901234567890}',
      Time: new Date("2026-01-02T03:04:05Z"),
      Resources: ["arn:x"],
    });
    const [body = ""] = taken("orders");
    expect(body).toContain('"detail":{"big":12345678901234567890}');
    expect(JSON.parse(body)).toMatchObject({
      version: "0",
      id: Entries?.[0]?.EventId,
      "detail-type": "Placed",
      source: "test",
      account: "000000000000",
      time: "2026-01-02T03:04:05Z",
      region: "us-east-1",
      resources: ["arn:x"],
    });
  });

  test("P1: says which entries failed; the others are stored", async () => {
    cloud.faults.once({ on: "putEvents", failEntries: [1, 2] });
    const answer = await put(entry({ n: 0 }), entry({ n: 1 }), entry({ n: 2 }), entry({ n: 3 }));
    expect(answer.FailedEntryCount).toBe(2);
    expect(answer.Entries?.map(({ ErrorCode }) => ErrorCode !== undefined)).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(taken("orders").map((body) => JSON.parse(body).detail.n)).toEqual([0, 3]);
  });

  test("P2: an answer that is lost leaves an event that was accepted", async () => {
    cloud.faults.once({ on: "putEvents", dropResponse: true });
    await expect(put(entry({ lost: true }))).rejects.toThrow();
    expect(taken("orders")).toHaveLength(1);
  });

  test("P3: a bus that does not exist answers 200 and loses the event, with a warning", async () => {
    expect(await put(entry({}, "Placed", "no-such-bus"))).toMatchObject({ FailedEntryCount: 0 });
    expect(taken("orders")).toEqual([]);
    expect(cloud.messages.join()).toContain("no-such-bus, which does not exist");
  });

  test("P4: what a target refuses goes to the rule's dead letters, with the reason", async () => {
    cloud.faults.plan({ queues: { orders: { refuse: 1 } } });
    expect(await put(entry({ refused: true }))).toMatchObject({ FailedEntryCount: 0 });
    cloud.faults.plan({});
    const [dead] = cloud.queues.get("undelivered").receive(1);
    expect(JSON.parse(dead?.message.body ?? "").detail).toEqual({ refused: true });
    expect(dead?.message.messageAttributes).toMatchObject({
      RULE_ARN: { StringValue: expect.stringContaining(":rule/") },
      TARGET_ARN: { StringValue: expect.stringContaining(":orders") },
      ERROR_CODE: { StringValue: "INJECTED_FAULT" },
    });
  });

  test("fails an entry that can neither be delivered nor dead-lettered", async () => {
    const answer = await put(entry({ text: "\uffff" }));
    expect(answer.Entries).toMatchObject([{ ErrorCode: "InternalFailure" }]);
  });

  test.each([
    ["a detail that is no JSON", { Detail: "{" }, "MalformedDetail"],
    ["a detail that is no object", { Detail: "[1]" }, "MalformedDetail"],
    ["no detail type", { DetailType: undefined }, "InvalidArgument"],
  ])("fails an entry with %s", async (_name, change, ErrorCode) => {
    const answer = await put({ ...entry({}), ...change });
    expect(answer).toMatchObject({ FailedEntryCount: 1, Entries: [{ ErrorCode }] });
  });

  test("I10: refuses more than 10 entries, and more than 1 MB together", async () => {
    const many = Array.from({ length: 11 }, () => entry({}));
    await expect(put(...many)).rejects.toMatchObject({ name: "ValidationException" });
    const half = entry({ text: "x".repeat(530_000) });
    await expect(put(half, half)).rejects.toMatchObject({ name: "ValidationException" });
    expect(taken("orders")).toEqual([]);
  });

  test("transforms the input of a target", async () => {
    await put(entry({ name: 'a "b"', count: 2 }, "Named"));
    expect(taken("orders").map((body) => JSON.parse(body))).toEqual([{ who: 'a "b"', count: 2 }]);
  });
});

describe("other services", () => {
  test("Secrets Manager generates a value by the template and keeps it", async () => {
    const client = new SecretsManagerClient(sdk(cloud.servicesUrl));
    const read = async (SecretId: string) =>
      (await client.send(new GetSecretValueCommand({ SecretId }))).SecretString ?? "";
    const value = JSON.parse(await read("keys"));
    expect(value).toEqual({ current: "k1", k1: expect.stringMatching(/^[A-Za-z0-9]{64}$/) });
    expect(JSON.parse(await read("keys"))).toEqual(value);
    await expect(read("other")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  test("SQS speaks its wire protocol, and a message can be returned at once", async () => {
    const client = new SQSClient(sdk(cloud.queues.url));
    const QueueUrl = `${cloud.queues.url}/000000000000/orders`;
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "hi" }));
    const receive = () => client.send(new ReceiveMessageCommand({ QueueUrl }));
    expect((await receive()).Messages).toMatchObject([{ Body: "hi" }]);
    expect((await receive()).Messages).toBeUndefined();
    cloud.queues.get("orders").expireVisibility();
    expect((await receive()).Messages).toMatchObject([{ Body: "hi" }]);
  });
});
