import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cloudForTest, startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import {
  fixtureFunction,
  fixtureQueue,
  sdk,
  withSdk,
  writeAssembly,
} from "./support/fixture-assembly.ts";

const remember = `import { appendFileSync } from "node:fs";
export const handler = async (event) => {
  if (event.fail) throw new Error("on purpose");
  appendFileSync(event.file, event.text);
};`;
const planner = `${withSdk}
const { SchedulerClient, CreateScheduleCommand } = require("@aws-sdk/client-scheduler");
const scheduler = new SchedulerClient({});
export const handler = (input) => scheduler.send(new CreateScheduleCommand(input));`;
const resources = {
  Group: { Type: "AWS::Scheduler::ScheduleGroup", Properties: { Name: "jobs" } },
  Orders: fixtureQueue("orders", { MaximumMessageSize: 1_024 }),
  Dead: fixtureQueue("dead"),
  Rule: {
    Type: "AWS::Events::Rule",
    Properties: {
      EventPattern: { source: ["reminder"] },
      Targets: [{ Id: "one", Arn: { "Fn::GetAtt": ["Orders", "Arn"] } }],
    },
  },
  Remember: fixtureFunction("remember"),
  Planner: fixtureFunction("planner"),
};

let cloud: TestCloud;
let scheduler: SchedulerClient;
let assemblyDir: string;
beforeAll(async () => {
  assemblyDir = writeAssembly({ resources, bundles: { remember, planner } });
  cloud = await startTestCloud({ assemblyDir });
  scheduler = new SchedulerClient(sdk(cloud.servicesUrl));
});
afterAll(() => stopTestCloud(cloud));

const minuteMs = 60_000;
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * minuteMs);
const at = (time: Date) => `at(${time.toISOString().slice(0, 19)})`;
const orders = "arn:aws:sqs:us-east-1:000000000000:orders";
const bus = "arn:aws:events:us-east-1:000000000000:event-bus/default";
const remembering = "arn:aws:lambda:us-east-1:000000000000:function:remember";
const role = { RoleArn: "arn:aws:iam::000000000000:role/r" };

interface Wish {
  readonly target?: Partial<NonNullable<CreateScheduleCommandInput["Target"]>>;
  readonly change?: Partial<CreateScheduleCommandInput>;
}
const wish = (name: string, minutes: number, { target = {}, change = {} }: Wish = {}) => ({
  Name: name,
  GroupName: "jobs",
  ScheduleExpression: at(inMinutes(minutes)),
  FlexibleTimeWindow: { Mode: "OFF" as const },
  ActionAfterCompletion: "DELETE" as const,
  Target: { Arn: orders, ...role, Input: name, ...target },
  ...change,
});
const create = (...wanted: Parameters<typeof wish>) =>
  scheduler.send(new CreateScheduleCommand(wish(...wanted)));
const get = (Name: string) => scheduler.send(new GetScheduleCommand({ Name, GroupName: "jobs" }));
const taken = (queue: string): string[] => {
  const received = cloud.queues.get(queue).receive(100);
  cloud.queues.get(queue).delete(received.map(({ receiptHandle }) => receiptHandle));
  return received.map(({ message }) => message.body);
};

describe("a one-off schedule", () => {
  test("made by a function reaches its queue when it is due, and is gone", async () => {
    await cloud.invoke("planner", wish("order", 10));
    expect(await cloud.fireDueSchedules(inMinutes(9))).toEqual([]);
    expect(await get("order")).toMatchObject({
      Arn: "arn:aws:scheduler:us-east-1:000000000000:schedule/jobs/order",
      GroupName: "jobs",
      State: "ENABLED",
      Target: { Arn: orders, Input: "order" },
      CreationDate: expect.any(Date),
    });
    expect(await cloud.fireDueSchedules(inMinutes(11))).toEqual(["order"]);
    expect(taken("orders")).toEqual(["order"]);
    await expect(get("order")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    expect(await cloud.fireDueSchedules(inMinutes(12))).toEqual([]);
  });

  test("stays, carried out, without ActionAfterCompletion", async () => {
    await create("kept", 1, { change: { ActionAfterCompletion: "NONE" } });
    expect(await cloud.fireDueSchedules(inMinutes(2))).toEqual(["kept"]);
    expect(await cloud.fireDueSchedules(inMinutes(2))).toEqual([]);
    expect((await get("kept")).Name).toBe("kept");
    expect(taken("orders")).toEqual(["kept"]);
  });

  test("runs by itself when the clock is its own", async () => {
    const clock = await cloudForTest({ assemblyDir, schedules: true });
    const client = new SchedulerClient(sdk(clock.servicesUrl));
    await client.send(new CreateScheduleCommand(wish("soon", 1 / 60)));
    await expect.poll(() => clock.queueDepths().orders?.visible, { timeout: 20_000 }).toBe(1);
  });

  test("puts an event on a bus, with the names that Scheduler fills in", async () => {
    const target = {
      Arn: bus,
      Input: '{"of":"<aws.scheduler.schedule-arn>"}',
      EventBridgeParameters: { Source: "reminder", DetailType: "Due" },
    };
    await create("event", 1, { target });
    await cloud.fireDueSchedules(inMinutes(2));
    expect(taken("orders").map((body) => JSON.parse(body))).toMatchObject([
      {
        source: "reminder",
        "detail-type": "Due",
        detail: { of: expect.stringContaining("event") },
      },
    ]);
  });

  test("invokes a function, and is kept until that has succeeded", async () => {
    await create("fails", 1, { target: { Arn: remembering, Input: '{"fail":true}' } });
    await cloud.fireDueSchedules(inMinutes(2));
    // Lambda tries again later.
    expect((await get("fails")).Name).toBe("fails");
    const again = await cloud.fireDueSchedules(inMinutes(2));
    expect(again).toEqual([]);
    await scheduler.send(new DeleteScheduleCommand({ Name: "fails", GroupName: "jobs" }));

    const Input = JSON.stringify({ file: `${cloud.dataDir.path}/said`, text: "x" });
    await create("succeeds", 1, { target: { Arn: remembering, Input } });
    await cloud.fireDueSchedules(inMinutes(2));
    await expect(get("succeeds")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  test("that its queue refuses goes to the dead letters", async () => {
    const DeadLetterConfig = { Arn: orders.replace("orders", "dead") };
    await create("large", 1, { target: { Input: "x".repeat(2_000), DeadLetterConfig } });
    await cloud.fireDueSchedules(inMinutes(2));
    expect(taken("dead")).toHaveLength(1);
  });
});

describe("the API of schedules", () => {
  test("refuses a second one of that name, but not the same request sent twice", async () => {
    const change = { ClientToken: "once" };
    const first = await create("twice", 10, { change });
    expect(await create("twice", 10, { change })).toMatchObject({ ScheduleArn: first.ScheduleArn });
    await expect(create("twice", 10)).rejects.toMatchObject({ name: "ConflictException" });
    await create("twice", 10, { change: { GroupName: "default" } });
  });

  test("replaces, deletes and lists", async () => {
    await create("list-a", 10);
    await create("list-b", 10);
    await scheduler.send(
      new UpdateScheduleCommand(wish("list-a", 20, { change: { State: "DISABLED" } })),
    );
    expect(await cloud.fireDueSchedules(inMinutes(30))).not.toContain("list-a");
    const page = { GroupName: "jobs", NamePrefix: "list-", MaxResults: 1 };
    await create("list-c", 10);
    const first = await scheduler.send(new ListSchedulesCommand(page));
    expect(first.Schedules).toMatchObject([{ Name: "list-a", State: "DISABLED" }]);
    const { NextToken } = first;
    const second = await scheduler.send(new ListSchedulesCommand({ ...page, NextToken }));
    expect(second.Schedules).toMatchObject([{ Name: "list-c" }]);
    expect(second.NextToken).toBeUndefined();
    await scheduler.send(new DeleteScheduleCommand({ Name: "list-c", GroupName: "jobs" }));
    const gone = scheduler.send(new DeleteScheduleCommand({ Name: "list-c", GroupName: "jobs" }));
    await expect(gone).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  test.each<[string, Wish, string]>([
    ["a time that has passed", { change: { ScheduleExpression: at(inMinutes(-5)) } }, "past"],
    ["a rate", { change: { ScheduleExpression: "rate(5 minutes)" } }, "only at"],
    ["no time at all", { change: { ScheduleExpression: "at(2026-02-31T25:00:00)" } }, "no time"],
    ["a queue that does not exist", { target: { Arn: `${orders}2` } }, "there is no queue"],
    ["a bus without parameters", { target: { Arn: bus } }, "EventBridgeParameters"],
    ["another time zone", { change: { ScheduleExpressionTimezone: "Europe/Oslo" } }, "UTC"],
  ])("refuses %s", async (_name, what, message) => {
    await expect(create("refused", 10, what)).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining(message),
    });
  });

  test("refuses a group that no template has", async () => {
    const nowhere = create("nowhere", 10, { change: { GroupName: "nowhere" } });
    await expect(nowhere).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
});
