import { randomUUID } from "node:crypto";
import { type Receiver, startReceiver } from "../../e2e/support/webhook-receiver.ts";
import { type Day, look, type Round } from "../day.ts";

const jobs = { before: 4, atFirst: 3, later: 5 };
const endpointsPath = "/v1/webhook-endpoints";

export const deadPartner: Round = {
  name: "dead partner",
  what:
    "A partner's server takes webhooks and never answers, then is taken out by its load balancer " +
    "(410). Another one is told of the same, and must not notice; nor must readers.",
  async play(day, story) {
    const [partner, other] = [await startReceiver(), await startReceiver()];
    try {
      const dead = await subscribe(day, partner);
      await subscribe(day, other);
      const before = await tellOfJobs(day, other, jobs.before);
      const viewsBefore = day.clients.since(Date.now() - 5_000).medianMs;

      partner.reply(() => {});
      story.fault("the partner's server hangs");
      const sinceMs = Date.now();
      const atFirst = await tellOfJobs(day, other, jobs.atFirst);
      await givenUp(day, dead.endpointId);
      const later = await tellOfJobs(day, other, jobs.later);
      story.tell(
        `The other endpoint was told of a job after ${atFirst.mostMs} ms at most; once the first ` +
          `call had been given up, after ${later.mostMs} (before: ${before.mostMs}).`,
      );
      story.tell(
        "(A partner may hold five workers for 15 s. There are ten in AWS, and four here.)",
      );
      const viewsMs = day.clients.since(sinceMs).medianMs;
      story.tell(`Views were answered in ${viewsMs} ms, median (before: ${viewsBefore}).`);
      partner.reply(410);
      await story.alarm("deliver-webhook-endpoint-disabled");
      await look(day, story, "alarms");
      await look(day, story, "trace", atFirst.jobIds[0] ?? "");

      partner.reply(204);
      await enable(day, dead);
      story.repaired("their server works; PUT the endpoint, POST its resend");
      await sendAgain(day, dead.endpointId, sinceMs);
      await story.recovered(`the partner has all ${jobs.atFirst + jobs.later} messages`);
    } finally {
      await Promise.all([partner.stop(), other.stop()]);
    }
  },
};

interface Endpoint {
  readonly endpointId: string;
  readonly settings: { readonly url: string; readonly events: readonly string[] };
}

async function subscribe(day: Day, { url }: Receiver): Promise<Endpoint> {
  const settings = { url, events: ["job.succeeded"] };
  const { endpointId } = await ask(day, 201, "POST", endpointsPath, settings);
  return { endpointId, settings };
}

const enable = (day: Day, { endpointId, settings }: Endpoint) =>
  ask(day, 200, "PUT", `${endpointsPath}/${endpointId}`, settings);

/** @returns how long after a job had finished that endpoint was told of it, at most. */
async function tellOfJobs(day: Day, receiver: Receiver, count: number) {
  const before = receiver.received.length;
  const delaysMs: number[] = [];
  receiver.reply(({ body }, response) => {
    delaysMs.push(Date.now() - Date.parse(body.timestamp));
    response.writeHead(204).end();
  });
  const jobIds: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const payload = { creatorId: "ada", draftId: randomUUID(), baseRevision: 0, text: "Once…" };
    const job = { type: "draft.save", payload };
    jobIds.push((await ask(day, 202, "POST", "/v1/jobs", job)).jobId);
  }
  await day.until(`the other endpoint is told of ${count} jobs`, async () => {
    const told = receiver.received.length - before;
    return { found: told >= count ? told : undefined, seen: `${told} messages` };
  });
  return { jobIds, mostMs: Math.max(...delaysMs) };
}

interface Delivery {
  readonly deliveryId: string;
  readonly state: string;
  readonly nextAttemptAt?: string;
  readonly lastAttempt?: { readonly error?: string };
}

async function deliveriesTo(day: Day, endpointId: string): Promise<readonly Delivery[]> {
  const path = `/v1/webhook-deliveries?endpointId=${endpointId}&limit=100`;
  return (await ask(day, 200, "GET", path)).items;
}

async function givenUp(day: Day, endpointId: string): Promise<void> {
  await day.until("the first call of the partner is given up", async () => {
    const deliveries = await deliveriesTo(day, endpointId);
    const errors = deliveries.flatMap(({ lastAttempt }) => lastAttempt?.error ?? []);
    return { found: errors[0], seen: JSON.stringify(deliveries.map(({ state }) => state)) };
  });
}

/** What failed is sent again together; what waits for its next try, five minutes away, by itself. */
async function sendAgain(day: Day, endpointId: string, sinceMs: number): Promise<void> {
  const since = new Date(sinceMs).toISOString();
  const look = async () => {
    const left = (await deliveriesTo(day, endpointId)).filter(({ state }) => state !== "delivered");
    if (left.some(({ state }) => state === "failed")) {
      await ask(day, 202, "POST", `${endpointsPath}/${endpointId}/resend`, { since });
    }
    for (const { deliveryId, nextAttemptAt } of left) {
      const isFarAway = Date.parse(nextAttemptAt ?? "") > Date.now() + 60_000;
      if (isFarAway) await ask(day, 202, "POST", `/v1/webhook-deliveries/${deliveryId}/resend`, {});
    }
    const states = left.map(({ state }) => state);
    return {
      found: left.length === 0 ? true : undefined,
      seen: `${left.length} not delivered: ${states}`,
    };
  };
  await day.until("the partner has everything", look, 1_000);
}

async function ask(
  day: Day,
  expected: number,
  method: "GET" | "PUT" | "POST",
  path: string,
  body?: object,
) {
  const { status, body: answer } = await day.api({
    ...{ as: "publisher", method, path, body },
    ...(method === "GET" ? {} : { idempotencyKey: randomUUID() }),
  });
  if (status !== expected)
    throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
  // biome-ignore lint/suspicious/noExplicitAny: said by the API, and looked at where it is used
  return answer as any;
}
