import * as z from "zod";
import { jobRequested } from "../contracts/events.ts";
import { type JobType, jobTypeSchema, jobTypes } from "../contracts/job-types.ts";
import { limits } from "../contracts/limits.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { type Caller, ownerOf, requireSight } from "../perimeter/caller.ts";
import { problems } from "../perimeter/problem.ts";
import { validate } from "../perimeter/validate.ts";
import { canonicalJson } from "../values/canonical-json.ts";
import { type Clock, dayMs } from "../values/time.ts";
import { type Job, type JsonObject, newJob } from "./job.ts";
import type { JobStore } from "./job-store.ts";

/** What a type looks at before one of its jobs is accepted; it may put something in a file's place. */
export type Admission = (
  payload: JsonObject,
  request: { readonly jobId: string; readonly owner: string },
) => Promise<JsonObject>;

export interface RequestDeps {
  readonly store: Pick<JobStore, "add" | "read">;
  readonly bus: EventPublisher;
  readonly clock: Clock;
  readonly sha256Hex: (text: string) => string;
  readonly retentionDays: number;
  /** @throws Problem 400 or 409 when no webhook could be sent there. */
  readonly checkCallback: (callbackUrl: string, owner: string) => Promise<void>;
  /** @throws Problem 429 when too much of a type is waiting. */
  readonly requireRoom: (type: JobType) => Promise<void>;
  readonly admissions: Partial<Readonly<Record<JobType, Admission>>>;
}

export interface JobRequest {
  readonly type: JobType;
  readonly payload: JsonObject;
  readonly callbackUrl?: string | undefined;
}

/** Who asks, and what makes a retry the same request. */
export interface AskedBy {
  readonly caller: Caller;
  readonly requestId: string;
  readonly traceparent: string;
}

const envelope = z.looseObject({ type: jobTypeSchema });

/** @throws Problem 400 that names each field to change. */
export function readJobRequest(body: unknown): JobRequest {
  const { type } = validate(envelope, body);
  const { payload } = jobTypes[type];
  const callbackUrl = z.string().max(limits.maxUrlBytes).optional();
  const request = validate(z.strictObject({ type: z.literal(type), payload, callbackUrl }), body);
  return request as JobRequest;
}

/**
 * Writes a job down and has its work begin. The request names the job, so that a retry of one that
 * was cut off finds what it wrote, and announces its work again.
 * @throws Problem 403, 404, 409, 413 or 429, before anything is accepted.
 */
export async function requestJob(
  deps: RequestDeps,
  request: JobRequest,
  asked: AskedBy,
): Promise<Job> {
  const { type, callbackUrl } = request;
  const owner = ownerOf(asked.caller);
  const jobId = deps.sha256Hex(`job ${asked.requestId}`).slice(0, 32);
  const fingerprint = deps.sha256Hex(canonicalJson(request));
  checkRole(type, request.payload, asked.caller);
  const known = await deps.store.read(jobId);
  if (known) return await begin(deps, sameOrRefused(known, fingerprint));
  await deps.requireRoom(type);
  if (callbackUrl !== undefined) await deps.checkCallback(callbackUrl, owner);
  const payload = await admit(deps, request, { jobId, owner });
  const { traceparent } = asked;
  const job = newJob(
    {
      ...{ jobId, type, owner, payload, fingerprint, traceparent },
      ...(callbackUrl !== undefined && { callbackUrl }),
    },
    deps.clock.nowMs(),
    deps.retentionDays * dayMs,
  );
  if ((await deps.store.add(job)) === "added") return await begin(deps, job);
  const written = await deps.store.read(jobId);
  if (!written) throw new Error(`job ${jobId} was there a moment ago, and is gone`);
  return await begin(deps, sameOrRefused(written, fingerprint));
}

function checkRole(type: JobType, payload: JsonObject, caller: Caller): void {
  const { allow } = jobTypes[type];
  if (!caller.roles.some((role) => (allow as readonly string[]).includes(role))) {
    throw problems.forbidden(`Jobs of type ${type} are for: ${allow.join(", ")}.`);
  }
  const { creatorId } = payload;
  if (caller.roles.includes("publisher")) return;
  // What names no creator is the publisher's as a whole, where a type can be either.
  if (typeof creatorId === "string") requireSight(caller, creatorId as never);
  else if ("creatorId" in jobTypes[type].payload.shape) {
    throw problems.invalid("payload.creatorId: is required; send your own creator id.", [
      { field: "payload.creatorId", detail: "is required; send your own creator id" },
    ]);
  }
}

async function admit(
  { admissions }: RequestDeps,
  { type, payload }: JobRequest,
  names: { readonly jobId: string; readonly owner: string },
): Promise<JsonObject> {
  const admitted = (await admissions[type]?.(payload, names)) ?? payload;
  const bytes = new TextEncoder().encode(JSON.stringify(admitted)).length;
  if (bytes <= limits.maxJobPayloadBytes) return admitted;
  throw problems.tooLarge(
    `payload takes ${bytes} bytes; a job of this type takes ${limits.maxJobPayloadBytes} at most.`,
  );
}

function sameOrRefused(known: Job, fingerprint: string): Job {
  if (known.fingerprint === fingerprint) return known;
  throw problems.keyReused();
}

/** A worker that finds the job begun or finished leaves it alone. */
async function begin({ bus }: Pick<RequestDeps, "bus">, job: Job): Promise<Job> {
  if (job.state === "accepted") await bus.publish([workOf(job)]);
  return job;
}

/** The event that has a job worked on. */
export function workOf({ jobId, type, traceparent }: Job) {
  return {
    contract: jobRequested[type],
    detail: { schemaVersion: 1, traceparent, jobId, type },
  } as const;
}
