import { GetScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { afterAll, beforeAll, expect, test } from "vitest";
import { schedulerDeferral } from "../../adapters/scheduler/event-deferral.ts";
import { payoutsDue, settlementDue } from "../../core/contracts/events.ts";
import type { EventDeferral } from "../../core/messaging/event-deferral.ts";
import { readEvent } from "../../core/messaging/read-event.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { fixtureQueue, sdk, writeAssembly } from "./support/fixture-assembly.ts";

const resources = {
  Group: { Type: "AWS::Scheduler::ScheduleGroup", Properties: { Name: "deferred" } },
  Due: fixtureQueue("due"),
  Dead: fixtureQueue("dead"),
  Rule: {
    Type: "AWS::Events::Rule",
    Properties: {
      EventPattern: { source: [settlementDue.source, payoutsDue.source] },
      Targets: [{ Id: "one", Arn: { "Fn::GetAtt": ["Due", "Arn"] } }],
    },
  },
};

let cloud: TestCloud;
let client: SchedulerClient;
let deferral: EventDeferral;
beforeAll(async () => {
  cloud = await startTestCloud({ assemblyDir: writeAssembly({ resources }) });
  client = new SchedulerClient(sdk(cloud.servicesUrl));
  deferral = schedulerDeferral({
    ...{ client, clock: { nowMs: () => Date.now() }, group: "deferred" },
    busArn: "arn:aws:events:us-east-1:000000000000:event-bus/default",
    roleArn: "arn:aws:iam::000000000000:role/scheduler",
    deadLettersArn: "arn:aws:sqs:us-east-1:000000000000:dead",
  });
});
afterAll(async () => {
  client?.destroy();
  await stopTestCloud(cloud);
});

const detailFor = (creatorId: string) => ({
  schemaVersion: 1,
  traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01`,
  creatorIds: [creatorId],
});
const eventFor = (creatorId: string) => ({
  contract: settlementDue,
  detail: detailFor(creatorId),
});
const taken = () => {
  const received = cloud.queues.get("due").receive(10);
  cloud.queues.get("due").delete(received.map(({ receiptHandle }) => receiptHandle));
  return received.map(({ message }) => readEvent(settlementDue, message.body));
};

test("an event comes when it is due and not before, as if it had been published", async () => {
  const dueMs = Date.now() + 10 * 60_000;
  await deferral.publishAt(eventFor("ada"), dueMs, "ada.1");
  expect(await cloud.fireDueSchedules(new Date(dueMs - 1_000))).toEqual([]);
  expect(await cloud.fireDueSchedules(new Date(dueMs + 1_000))).toEqual(["ada.1"]);
  expect(taken()).toEqual([detailFor("ada")]);
});

test("doing it again under its name changes nothing; under another it is another", async () => {
  const dueMs = Date.now() + 20 * 60_000;
  const name = `a name that is no schedule's ${"long ".repeat(20)}`;
  await deferral.publishAt(eventFor("bert"), dueMs, name);
  await deferral.publishAt(eventFor("bert"), dueMs + 60_000, name);
  await deferral.publishAt(eventFor("cleo"), dueMs, `${name}2`);
  const fired = await cloud.fireDueSchedules(new Date(dueMs + 1_000));
  expect(fired).toHaveLength(2);
  expect(new Set(taken().flatMap(({ creatorIds }) => creatorIds))).toEqual(
    new Set(["bert", "cleo"]),
  );
  expect(await cloud.fireDueSchedules(new Date(dueMs + 120_000))).toEqual([]);
});

test("what is due already comes in a moment, and never a part of a second too early", async () => {
  await deferral.publishAt(eventFor("dora"), Date.now() - 60_000, "past");
  const { ScheduleExpression = "" } = await client.send(
    new GetScheduleCommand({ Name: "past", GroupName: "deferred" }),
  );
  const atMs = Date.parse(`${/at\((.*)\)/.exec(ScheduleExpression)?.[1]}Z`);
  expect(atMs).toBeGreaterThan(Date.now());
  const dueMs = Math.ceil(Date.now() / 1_000) * 1_000 + 60_001;
  await deferral.publishAt(eventFor("ezra"), dueMs, "rounded");
  const rounded = await client.send(
    new GetScheduleCommand({ Name: "rounded", GroupName: "deferred" }),
  );
  expect(rounded.ScheduleExpression).toBe(
    `at(${new Date(dueMs + 999).toISOString().slice(0, 19)})`,
  );
  expect(rounded).toMatchObject({
    ActionAfterCompletion: "DELETE",
    Target: {
      EventBridgeParameters: { Source: "pennyline.earnings", DetailType: "SettlementDue" },
      DeadLetterConfig: { Arn: "arn:aws:sqs:us-east-1:000000000000:dead" },
    },
  });
});
