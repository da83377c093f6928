import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetQueueUrlCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket as Client } from "ws";
import { dynamoDbClient } from "../../local/dynamodb/client.ts";
import { cloudForTest, temporaryFolder } from "./support/cloud.ts";
import {
  fixtureApi,
  fixtureBucket,
  fixtureFunction,
  fixtureQueue,
  fixtureWebSocketApi,
  fixtureWorker,
  sdk,
  withSdk,
  writeAssembly,
} from "./support/fixture-assembly.ts";
import { startCopy } from "./support/program.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = temporaryFolder();
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

async function putEvent(servicesUrl: string, detail: object): Promise<void> {
  const Entries = [{ Source: "s", DetailType: "t", Detail: JSON.stringify(detail) }];
  const response = await fetch(servicesUrl, {
    method: "POST",
    headers: { "x-amz-target": "AWSEvents.PutEvents" },
    body: JSON.stringify({ Entries }),
  });
  expect(await response.json()).toMatchObject({ FailedEntryCount: 0 });
}

const rule = {
  Type: "AWS::Events::Rule",
  Properties: {
    EventPattern: { source: ["s"] },
    Targets: [{ Id: "one", Arn: { "Fn::GetAtt": ["Queue", "Arn"] } }],
  },
};
const hangs = "export const handler = () => new Promise(() => {});";
/** Keeps something in every service, or writes down what a WebSocket does. */
const keeps = `${withSdk}
import { appendFileSync } from "node:fs";
const { S3Client, PutObjectCommand } = require("@aws-sdk/client-s3");
const { SchedulerClient, CreateScheduleCommand } = require("@aws-sdk/client-scheduler");
const { SESv2Client, SendEmailCommand } = require("@aws-sdk/client-sesv2");
export const handler = async (event) => {
  const { eventType, connectionId, disconnectStatusCode: code } = event.requestContext;
  if (eventType !== undefined) {
    appendFileSync(process.env.LOG, [eventType, connectionId, code].join(" ") + "\\n");
    return { statusCode: 200 };
  }
  const input = JSON.parse(event.body);
  await new S3Client({}).send(new PutObjectCommand(input.object));
  await new SchedulerClient({}).send(new CreateScheduleCommand(input.schedule));
  await new SESv2Client({}).send(new SendEmailCommand(input.mail));
  return { statusCode: 201 };
};`;
const counts = "export const handler = async () => {};";

describe("R1: a copy killed with kill -9", () => {
  test("keeps every event it accepted", async () => {
    const resources = { Queue: fixtureQueue("work"), Rule: rule };
    const assemblyDir = writeAssembly({ resources });
    const { child, servicesUrl } = await startCopy(dataDir, assemblyDir);
    for (let n = 0; n < 20; n += 1) await putEvent(servicesUrl, { n });
    child.kill("SIGKILL");
    await once(child, "exit");

    const cloud = await cloudForTest({ assemblyDir, dataDir });
    const numbers = cloud.queues
      .get("work")
      .peek()
      .map((body) => JSON.parse(body).detail.n);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  test("tells clients where its queues are now", async () => {
    const assemblyDir = writeAssembly({ resources: { Queue: fixtureQueue("work") } });
    const { child } = await startCopy(dataDir, assemblyDir);
    child.kill("SIGKILL");
    await once(child, "exit");

    const cloud = await cloudForTest({ assemblyDir, dataDir });
    const client = new SQSClient(sdk(cloud.queues.url));
    onTestFinished(() => client.destroy());
    const { QueueUrl = "" } = await client.send(new GetQueueUrlCommand({ QueueName: "work" }));
    expect(new URL(QueueUrl).host).toBe(new URL(cloud.queues.url).host);
  });

  test("has its messages in flight back at once, and no receive counted", async () => {
    const resources = { ...fixtureWorker({}, {}, { Timeout: 900 }), Rule: rule };
    const { child, servicesUrl } = await startCopy(
      dataDir,
      writeAssembly({ resources, bundles: { worker: hangs } }),
    );
    await putEvent(servicesUrl, { n: 1 });
    const log = join(dataDir, "logs");
    await expect.poll(() => readdirSync(log), { timeout: 20_000 }).toContain("worker.log");
    child.kill("SIGKILL");
    await once(child, "exit");

    const assemblyDir = writeAssembly({ resources, bundles: { worker: counts } });
    const cloud = await cloudForTest({ assemblyDir, dataDir });
    await cloud.waitUntilIdle();
    expect(cloud.stats.functions.worker?.invocations).toBe(1);
    expect(cloud.queueDepths().dead).toMatchObject({ visible: 0 });
  });
});

describe("R1: a copy killed with kill -9, beside queues", () => {
  const Identity = {
    Type: "AWS::SES::EmailIdentity",
    Properties: { EmailIdentity: "pennyline.example" },
  };
  const keeping = (log: string) =>
    writeAssembly({
      resources: {
        ...fixtureApi({ "POST /keep": {} }),
        ...fixtureWebSocketApi({ $connect: {}, $disconnect: {} }),
        Function: fixtureFunction("keeps", { Environment: { Variables: { LOG: log } } }),
        Chat: fixtureFunction("chat", { Environment: { Variables: { LOG: log } } }),
        Gate: fixtureFunction("gate"),
        Files: fixtureBucket("files"),
        Due: fixtureQueue("due"),
        Identity,
      },
      bundles: { keeps, chat: keeps, gate: keeps },
    });

  test("keeps objects, one-off schedules and e-mails", async () => {
    const assemblyDir = keeping(join(dataDir, "events"));
    const { child, url } = await startCopy(dataDir, assemblyDir);
    const inAnHour = new Date(Date.now() + 3_600_000);
    const input = {
      object: { Bucket: "files", Key: "kept", Body: "kept" },
      schedule: {
        Name: "kept",
        ScheduleExpression: `at(${inAnHour.toISOString().slice(0, 19)})`,
        FlexibleTimeWindow: { Mode: "OFF" },
        ActionAfterCompletion: "DELETE",
        Target: { Arn: "arn:aws:sqs:us-east-1:000000000000:due", RoleArn: "arn", Input: "kept" },
      },
      mail: {
        FromEmailAddress: "a@pennyline.example",
        Destination: { ToAddresses: ["b@example.com"] },
        Content: { Simple: { Subject: { Data: "kept" }, Body: { Text: { Data: "x" } } } },
      },
    };
    const answer = await fetch(`${url}/keep`, { method: "POST", body: JSON.stringify(input) });
    expect(answer.status).toBe(201);
    child.kill("SIGKILL");
    await once(child, "exit");

    const cloud = await cloudForTest({ assemblyDir, dataDir });
    const s3 = new S3Client(sdk(cloud.queues.url));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: "files", Key: "kept" }));
    expect(await Body?.transformToString()).toBe("kept");
    expect(await cloud.fireDueSchedules(inAnHour)).toEqual(["kept"]);
    expect(cloud.queues.get("due").peek()).toEqual(["kept"]);
    const mailbox = await fetch(`${cloud.url}/_local/mailbox`);
    expect(await mailbox.json()).toMatchObject({ mails: [{ subject: "kept" }] });
  });

  test("tells $disconnect of the connections that it had", async () => {
    const log = join(dataDir, "events");
    const assemblyDir = keeping(log);
    const { child, url } = await startCopy(dataDir, assemblyDir);
    const client = new Client(`${url.replace("http", "ws")}/live`);
    await once(client, "open");
    child.kill("SIGKILL");
    await once(child, "exit");

    const cloud = await cloudForTest({ assemblyDir, dataDir });
    await cloud.waitUntilIdle();
    expect(readFileSync(log, "utf8")).toMatch(/^CONNECT (\S+) \nDISCONNECT \1 1006\n$/);
  });
});

describe("a data folder", () => {
  test("belongs to one copy, which a second one names", async () => {
    const assemblyDir = writeAssembly({ resources: { Queue: fixtureQueue("work") } });
    const { child, url } = await startCopy(dataDir, assemblyDir);
    await expect(cloudForTest({ assemblyDir, dataDir })).rejects.toThrow(
      `${dataDir} is in use: process ${child.pid} holds it and serves ${url}`,
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    await cloudForTest({ assemblyDir, dataDir });
  });

  test("starts afresh with reset", async () => {
    const assemblyDir = writeAssembly({ resources: { Queue: fixtureQueue("work") } });
    const first = await cloudForTest({ assemblyDir, dataDir });
    first.queues.get("work").send("old");
    await first.stop();
    const second = await cloudForTest({ assemblyDir, dataDir, reset: true });
    expect(second.queueDepths().work).toMatchObject({ visible: 0 });
  });
});

describe("a table in the data folder", () => {
  const text = (AttributeName: string) => ({ AttributeName, AttributeType: "S" });
  const table = (...indexed: string[]) => ({
    Table: {
      Type: "AWS::DynamoDB::Table",
      Properties: {
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          { AttributeName: "sk", KeyType: "RANGE" },
        ],
        AttributeDefinitions: [...new Set(["pk", "sk", ...indexed])].map(text),
        GlobalSecondaryIndexes: indexed.map((name) => ({
          IndexName: `by-${name}`,
          KeySchema: [
            { AttributeName: name, KeyType: "HASH" },
            { AttributeName: "pk", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "ALL" },
        })),
      },
    },
  });
  const start = (...indexed: string[]) =>
    cloudForTest({ assemblyDir: writeAssembly({ resources: table(...indexed) }), dataDir });

  test("gets an index that the template has on top, with what it holds already", async () => {
    const first = await start("owner");
    const before = dynamoDbClient(first.dynamodbUrl);
    const Item = { pk: { S: "a" }, sk: { S: "current" }, title: { S: "kept" } };
    await before.call("PutItem", { TableName: "Fixture-Table", Item });
    await first.stop();
    const second = await start("owner", "sk");
    const { Items } = await dynamoDbClient(second.dynamodbUrl).call("Query", {
      ...{ TableName: "Fixture-Table", IndexName: "by-sk" },
      KeyConditionExpression: "sk = :sk",
      ExpressionAttributeValues: { ":sk": { S: "current" } },
    });
    expect(Items).toEqual([Item]);
    await second.stop();
    await (await start("owner", "sk")).stop();
  });

  test("with an index that the template lacks is refused, naming --reset", async () => {
    await (await start("owner")).stop();
    await expect(start("sk")).rejects.toThrow(/Fixture\/Table.*--reset/);
  });
});

describe("a graceful stop", () => {
  test("lets a batch in flight finish", async () => {
    const slow = `export const handler = () => new Promise((done) => setTimeout(done, 300));`;
    const resources = { ...fixtureWorker(), Rule: rule };
    const assemblyDir = writeAssembly({ resources, bundles: { worker: slow } });
    const { child, servicesUrl } = await startCopy(dataDir, assemblyDir);
    await putEvent(servicesUrl, { n: 1 });
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);

    const cloud = await cloudForTest({ assemblyDir, dataDir });
    expect(cloud.queueDepths().work).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });

  test("reports a busy port before anything is started", async () => {
    const assemblyDir = writeAssembly({ resources: { Queue: fixtureQueue("work") } });
    const first = await cloudForTest({ assemblyDir });
    const port = Number(new URL(first.url).port);
    await expect(cloudForTest({ assemblyDir, port, dataDir })).rejects.toThrow(
      `port ${port} is in use`,
    );
    await cloudForTest({ assemblyDir, dataDir });
  });
});
