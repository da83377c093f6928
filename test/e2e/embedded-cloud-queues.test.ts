import { ChangeMessageVisibilityCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { cloudForTest, startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { fixtureQueue, fixtureWorker, sdk, writeAssembly } from "./support/fixture-assembly.ts";

/** Does what the first message's body says; logs each message it sees. */
const worker = `
export const handler = async ({ Records }) => {
  for (const { messageId, body, attributes } of Records) {
    console.log(JSON.stringify({ messageId, body, receives: attributes.ApproximateReceiveCount,
      batch: Records.length }));
  }
  const [{ messageId, body }] = Records;
  const failure = (itemIdentifier) => ({ batchItemFailures: [{ itemIdentifier }] });
  const answers = {
    ok: () => ({ batchItemFailures: [] }),
    nothing: () => undefined,
    null: () => null,
    "empty object": () => ({}),
    "null failures": () => ({ batchItemFailures: null }),
    "poison among nine": () => failure(Records.find((one) => one.body === "poison").messageId),
    throw: () => { throw new Error("on purpose"); },
    "unknown id": () => failure("no-such-message"),
    "empty id": () => failure(""),
    "null id": () => failure(null),
    "wrong key": () => ({ batchItemFailures: [{ id: messageId }] }),
    "wrong name": () => ({ failures: [] }),
    "not a list": () => ({ batchItemFailures: messageId }),
    text: () => "ok",
    "list of ids": () => ({ batchItemFailures: [messageId] }),
  };
  return (answers[body] ?? answers.ok)();
};`;

async function startWorker(mapping = {}, properties = {}): Promise<TestCloud> {
  const assemblyDir = writeAssembly({
    resources: fixtureWorker(mapping, {}, properties),
    bundles: { worker },
  });
  return cloudForTest({ assemblyDir });
}

const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 });
const settled = (cloud: TestCloud) => eventually(() => cloud.stats.functions.worker?.invocations);

describe("an answer to a batch", () => {
  let cloud: TestCloud;
  beforeAll(async () => {
    const resources = fixtureWorker({ BatchSize: 1 });
    cloud = await startTestCloud({
      assemblyDir: writeAssembly({ resources, bundles: { worker } }),
    });
  });
  afterAll(() => stopTestCloud(cloud));

  test.each(["ok", "nothing", "null", "empty object", "null failures"])(
    "deletes the batch: %s",
    async (body) => {
      cloud.queues.get("work").send(body);
      await cloud.waitUntilIdle();
      expect(cloud.messages).toEqual([]);
    },
  );

  test.each([
    "unknown id",
    "empty id",
    "null id",
    "wrong key",
    "wrong name",
    "not a list",
    "text",
    "list of ids",
  ])("Q6: retries the whole batch, loudly: %s", async (body) => {
    const { length } = cloud.messages;
    const { inFlight } = cloud.queues.get("work").depth();
    cloud.queues.get("work").send(body);
    await eventually(() => cloud.messages[length]).toContain("answered a batch wrongly");
    expect(cloud.queues.get("work").depth()).toMatchObject({ inFlight: inFlight + 1 });
  });
});

describe("an event source mapping", () => {
  test("Q4: keeps only the poison of ten, and buries it after its last receive", async () => {
    const cloud = await startWorker({ MaximumBatchingWindowInSeconds: 1 });
    const queue = cloud.queues.get("work");
    const bodies = ["poison among nine", ...Array(8).fill("fine"), "poison"];
    for (const body of bodies) queue.send(body);
    await eventually(() => queue.depth()).toMatchObject({ visible: 0, inFlight: 1 });

    // Alone in its batch the poison is fine; make the second attempt fail too.
    cloud.faults.once({ on: "invocation", function: "worker", fault: { kind: "kill-before" } });
    queue.expireVisibility();
    await settled(cloud).toBe(2);
    await eventually(() => cloud.stats.functions.worker?.errors).toBe(1);
    queue.expireVisibility();
    await cloud.waitUntilIdle();
    expect(cloud.queues.get("dead").peek()).toEqual(["poison"]);
  });

  test("Q5: returns all messages of a batch that throws, and says so", async () => {
    const cloud = await startWorker({ MaximumBatchingWindowInSeconds: 1 });
    const queue = cloud.queues.get("work");
    for (const body of ["throw", "a", "b"]) queue.send(body);
    await eventually(() => cloud.messages.join()).toContain("worker failed: Error: on purpose");
    expect(queue.depth()).toEqual({ visible: 0, inFlight: 3, delayed: 0 });
  });

  test("fills a batch up to its size within the window", async () => {
    const cloud = await startWorker({ BatchSize: 40, MaximumBatchingWindowInSeconds: 1 });
    for (let index = 0; index < 100; index += 1) cloud.queues.get("work").send(`m${index}`);
    await cloud.waitUntilIdle();
    expect(cloud.stats.functions.worker).toMatchObject({ invocations: 3, errors: 0 });
  });

  test("hands over at most 6 MB at once", async () => {
    const cloud = await startWorker({ BatchSize: 100, MaximumBatchingWindowInSeconds: 1 });
    const large = "x".repeat(1_000_000);
    for (let index = 0; index < 13; index += 1) cloud.queues.get("work").send(large);
    await cloud.waitUntilIdle();
    expect(cloud.stats.functions.worker).toMatchObject({ invocations: 3, errors: 0 });
  });

  test("Q1: a duplicated message is delivered twice, at once", async () => {
    const cloud = await startWorker();
    cloud.faults.once({ on: "delivery", queue: "work", fault: { kind: "duplicate" } });
    cloud.queues.get("work").send("ok");
    await cloud.waitUntilIdle();
    expect(cloud.stats.functions.worker).toMatchObject({ invocations: 2, errors: 0 });
  });

  test("has what failed come back sooner when minutes are shorter", async () => {
    const assemblyDir = writeAssembly({ resources: fixtureWorker(), bundles: { worker } });
    const cloud = await cloudForTest({ assemblyDir, minuteMs: 300 });
    cloud.queues.get("work").send("throw");
    // Twice, after a minute each.
    await eventually(() => cloud.queues.get("dead").depth().visible).toBe(1);
  });

  test("Q7: a worker killed mid-way leaves its messages in the queue", async () => {
    const cloud = await startWorker();
    cloud.faults.once({ on: "invocation", function: "worker", fault: { kind: "kill-before" } });
    const queue = cloud.queues.get("work");
    queue.send("ok");
    await eventually(() => cloud.messages.join()).toContain("Runtime exited");
    expect(queue.depth()).toMatchObject({ inFlight: 1 });
    queue.expireVisibility();
    await cloud.waitUntilIdle();
    expect(cloud.queueDepths().dead).toMatchObject({ visible: 0 });
  });

  test("Q9: throttled workers send nothing to the dead letters", async () => {
    const cloud = await startWorker({ BatchSize: 1 }, { ReservedConcurrentExecutions: 1 });
    cloud.faults.plan({ functions: { worker: { throttle: 0.8 } } });
    const queue = cloud.queues.get("work");
    for (let index = 0; index < 5; index += 1) queue.send("ok");
    await settled(cloud).toBeGreaterThan(3);
    cloud.faults.plan({});
    await cloud.waitUntilIdle();
    expect(cloud.queueDepths().dead).toMatchObject({ visible: 0 });
    expect(cloud.stats.functions.worker?.throttles).toBeGreaterThan(0);
  });

  test("a message that a stop finds in the queue is there after the next start", async () => {
    const assemblyDir = writeAssembly({
      resources: fixtureWorker({ MaximumBatchingWindowInSeconds: 300 }),
      bundles: { worker },
    });
    const first = await cloudForTest({ assemblyDir });
    first.queues.get("work").send("ok");
    // The window is open: the message is received, and no function has it.
    await eventually(() => first.queueDepths().work).toMatchObject({ inFlight: 1 });
    await first.stop();

    const second = await cloudForTest({ assemblyDir, dataDir: first.dataDir.path });
    await eventually(() => second.queueDepths().work).toMatchObject({ inFlight: 1 });
    expect(second.queueDepths().dead).toMatchObject({ visible: 0 });
  });
});

test("time that passes faster does not bring back sooner what a worker has put off", async () => {
  const resources = { Queue: fixtureQueue("queue", { VisibilityTimeout: 60 }) };
  const cloud = await cloudForTest({ assemblyDir: writeAssembly({ resources }) });
  const queue = cloud.queues.get("queue");
  for (const body of ["failed", "put off"]) queue.send(body);
  const received = queue.receive(2);
  const client = new SQSClient(sdk(cloud.queues.url));
  onTestFinished(() => client.destroy());
  const ReceiptHandle = received[1]?.receiptHandle;
  const QueueUrl = `${cloud.queues.url}/000000000000/queue`;
  await client.send(
    new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 30 }),
  );
  queue.hasten(received, 60_000);
  await expect.poll(() => queue.receive(2).map(({ message }) => message.body)).toEqual(["failed"]);
});
