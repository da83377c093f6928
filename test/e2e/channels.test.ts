import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { expect, onTestFinished, test } from "vitest";
import { apiClient } from "./support/api-client.ts";
import { cloudForTest } from "./support/cloud.ts";
import { jobClient } from "./support/job-client.ts";
import { connectTo } from "./support/socket-client.ts";

const worker = "pennyline-local-run-draft-save";

/** Keeps what it is sent, and how that is signed. */
async function receiver() {
  const received: { headers: Record<string, string>; body: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const headers = request.headers as Record<string, string>;
    received.push({ headers, body: Buffer.concat(chunks).toString("utf8") });
    response.end();
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jobs` };
}

test("one job followed by all four channels at once sees the same final state on each", async () => {
  const cloud = await cloudForTest();
  const api = await apiClient(cloud);
  const token = await cloud.mintToken({ role: "creator", id: "ada" });
  const ada = jobClient(api, token);
  const { received, url: callbackUrl } = await receiver();
  const { body: callbacks } = await api.call("POST", "/v1/webhook-endpoints/callbacks/secret", {
    ...{ token, body: {} },
    headers: { "idempotency-key": randomUUID() },
  });
  const { body: ticket } = await api.call("POST", "/v1/connection-tickets", { token });
  const socket = await connectTo(ticket.url);

  // Held back, so that every channel follows it from its beginning.
  cloud.faults.plan({ functions: { [worker]: { throttle: 1 } } });
  const payload = { creatorId: "ada", draftId: "one", baseRevision: 0, text: "Once upon a time" };
  const jobId = await ada.request("draft.save", payload, { callbackUrl });
  const subscribed = await socket.ask({ action: "subscribe", topic: "job", id: jobId, after: 0 });
  expect(subscribed).toMatchObject({ type: "subscribed", version: 1, job: { state: "accepted" } });
  const long = ada.get(`/v1/jobs/${jobId}?wait=25`);
  expect((await ada.read(jobId)).body.state).toBe("accepted");
  cloud.faults.plan({});

  const running = await long;
  expect(["running", "succeeded"]).toContain(running.body.state);
  const byLongPoll = await ada.finished(jobId);
  const byShortPoll = (await ada.read(jobId)).body;
  const pushed = await socket.hear(({ job }) => job?.finishedAt !== undefined);
  await expect.poll(() => received.length, { timeout: 20_000 }).toBe(1);
  const [delivery] = received;
  const verified = new Webhook(callbacks.secret).verify(
    delivery?.body ?? "",
    delivery?.headers ?? {},
  ) as { type: string; data: object };

  expect(byLongPoll).toMatchObject({ state: "succeeded", result: { revision: 1, words: 4 } });
  expect(byShortPoll).toEqual(byLongPoll);
  expect(pushed.job).toEqual(byLongPoll);
  expect(verified).toMatchObject({ type: "job.succeeded", data: byLongPoll });
  // From version 1 on, nothing was missed on the socket.
  const versions = socket.received.flatMap(({ changes = [] }) =>
    changes.map((change: { version: number }) => change.version),
  );
  expect([...new Set(versions)].sort()).toEqual([1, 2, 3].slice(subscribed.changes ? 0 : 1));
});
