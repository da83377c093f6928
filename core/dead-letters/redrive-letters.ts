import { redriveRequested } from "../contracts/events.ts";
import { finishedJobStates } from "../contracts/job-types.ts";
import { newJob } from "../jobs/job.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { Delivery, FailedDelivery } from "../messaging/delivery.ts";
import { eachDelivery } from "../messaging/each-delivery.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { readEvent } from "../messaging/read-event.ts";
import type { Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import { contractOf } from "./contract-of.ts";
import { failedAgain, followed, type Letter, redriven, succeeded } from "./letter.ts";
import { changeLetter, type LetterStore } from "./letter-store.ts";
import { isObject, parse } from "./mask.ts";
import type { ActionStore, Redrive } from "./redrive.ts";

export interface RedriveDeps {
  readonly letters: LetterStore;
  readonly actions: ActionStore;
  readonly jobs: Pick<JobStore, "add" | "read">;
  readonly bus: EventPublisher;
  /** Sends to a worker's own queue. */
  readonly send: (source: string, body: string, letterId: string, number: number) => Promise<void>;
  readonly clock: Clock;
  readonly pacing: Pacing;
  readonly sha256Hex: (text: string) => string;
  readonly onFailed: (deliveryId: string, error: unknown) => void;
}

/** Sends letters back to their queues, each at its turn, until the time is over; another part goes on. */
export function redriveLetters(
  deps: RedriveDeps,
  deliveries: readonly Delivery[],
  deadlineMs: number,
): Promise<readonly FailedDelivery[]> {
  const { pacing, onFailed } = deps;
  return eachDelivery({ random: pacing.random, onFailed }, deliveries, async ({ body }) => {
    const { redriveId, from, traceparent } = readEvent(redriveRequested, body);
    const redrive = await deps.actions.readRedrive(redriveId);
    if (!redrive) return undefined;
    const { letterIds, ratePerSecond } = redrive;
    for (let at = from; at < letterIds.length; at += 1) {
      if (deps.clock.nowMs() >= deadlineMs) {
        const detail = { schemaVersion: 1, traceparent, redriveId, from: at } as const;
        await deps.actions.putRedrive({ ...redrive, done: at });
        await deps.bus.publish([{ contract: redriveRequested, detail }]);
        return undefined;
      }
      await redriveOne(deps, redrive, letterIds[at] ?? "");
      await pacing.sleep(1_000 / ratePerSecond);
    }
    await deps.actions.putRedrive({ ...redrive, done: letterIds.length });
    return undefined;
  });
}

/**
 * Marked first, then sent: one that was sent and is not marked could come back unknown. Killed in
 * between, the part is worked on again, and what is marked by it is sent again.
 */
async function redriveOne(deps: RedriveDeps, redrive: Redrive, letterId: string): Promise<void> {
  const nowMs = deps.clock.nowMs();
  const letter = await changeLetter(deps.letters, letterId, (one) => redriven(one, redrive, nowMs));
  if (letter?.state !== "waiting" || letter.redrive?.redriveId !== redrive.redriveId) return;
  const { number, jobId } = letter.redrive;
  const body = await deps.letters.readBody(letter, letter.bodies.length - 1);
  const again = await inNewJob(deps, letter, body);
  if (again && again.jobId !== jobId) {
    await changeLetter(deps.letters, letterId, (one) => followed(one, number, again.jobId, nowMs));
  }
  await deps.send(letter.source, again?.body ?? body, letterId, number);
}

/** A finished job never changes: a new one with its payload takes the place of one that failed. */
async function inNewJob(
  { jobs, clock, sha256Hex }: RedriveDeps,
  { letterId, redrive }: Letter,
  body: string,
): Promise<{ readonly body: string; readonly jobId: string } | undefined> {
  const event = parse(body);
  if (!isObject(event) || event["detail-type"] !== "JobRequested") return undefined;
  const { detail } = event;
  const contract = contractOf(event);
  if (!contract) return undefined;
  const { jobId: failedId } = readEvent(contract, body) as { readonly jobId: string };
  const failed = await jobs.read(failedId);
  if (failed?.state !== "failed") return undefined;
  const jobId = sha256Hex(`redrive ${letterId} ${redrive?.number}`).slice(0, 32);
  const { owner, payload, fingerprint, callbackUrl, traceparent } = failed;
  const job = newJob(
    {
      ...{ jobId, type: failed.type, owner, payload, fingerprint, traceparent },
      ...(callbackUrl !== undefined && { callbackUrl }),
    },
    clock.nowMs(),
    failed.expiresAtMs - failed.acceptedAtMs,
  );
  // Another redrive begins with its own number, this one may have been here before.
  await jobs.add({ ...job, retryOf: failedId });
  return { jobId, body: JSON.stringify({ ...event, detail: { ...(detail as object), jobId } }) };
}

const maxFollowed = 1_000;

/** Says of letters whose place a job has taken how the job ended. */
export async function followJobs(
  { letters, jobs, clock }: Pick<RedriveDeps, "letters" | "jobs" | "clock">,
  causeIdOf: (errorClass: string, message: string) => string,
): Promise<void> {
  const ids: string[] = [];
  for await (const { letterId } of letters.lines("waiting")) {
    ids.push(letterId);
    if (ids.length === maxFollowed) break;
  }
  for (const { letterId, redrive } of await letters.readAll(ids)) {
    if (redrive?.jobId === undefined) continue;
    const job = await jobs.read(redrive.jobId);
    if (!job || !(finishedJobStates as readonly string[]).includes(job.state)) continue;
    const { number } = redrive;
    const nowMs = clock.nowMs();
    const errorClass = "JobFailed";
    const message = job.problem?.code ?? job.state;
    const cause = { causeId: causeIdOf(errorClass, message), errorClass, message };
    await changeLetter(letters, letterId, (one) =>
      job.state === "succeeded"
        ? succeeded(one, number, nowMs)
        : failedAgain(one, { cause, attempts: job.attempts, number }, nowMs),
    );
  }
}
