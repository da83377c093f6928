import type { FileLink, FileLinks } from "../files/file-store.ts";
import type { Clock } from "../values/time.ts";
import type { Followed } from "./follow-job.ts";
import { isFinished, type Job, type JobFile, type JobProblem } from "./job.ts";

/** A file with a link that works for a while. */
export interface LinkedFile extends JobFile, FileLink {}

export const pathOfJob = (jobId: string): string => `/v1/jobs/${jobId}`;

const iso = (ms: number) => new Date(ms).toISOString();

/** Where to follow a job; a client may take another one at any time. */
export function linksOf({ jobId }: Pick<Job, "jobId">) {
  const self = pathOfJob(jobId);
  return {
    self,
    wait: `${self}?wait=25`,
    cancel: self,
    /** For a WebSocket: then subscribe to topic `job` with this job's id. */
    connect: "/v1/connection-tickets",
  };
}

/** What is answered when it is accepted: the same for each retry of the request. */
export function presentAccepted(job: Job) {
  const { jobId, type, acceptedAtMs, callbackUrl } = job;
  return {
    ...{ jobId, type, state: "accepted", acceptedAt: iso(acceptedAtMs) },
    ...(callbackUrl !== undefined && { callbackUrl }),
    links: linksOf(job),
  };
}

/** The public shape. Without links to its files where they would outlive whoever may read them. */
export function presentJob(job: Job, files?: readonly LinkedFile[]) {
  const { jobId, type, state, version, attempts, progress, result, problem, callbackUrl } = job;
  const { acceptedAtMs, startedAtMs, finishedAtMs, changedAtMs } = job;
  return {
    ...{ jobId, type, state, version, attempts, progress },
    ...(job.retryOf !== undefined && { retryOf: job.retryOf }),
    ...(result && { result }),
    ...(files && { files: files.map(presentFile) }),
    ...(problem && { error: presentProblem(problem, job) }),
    ...(callbackUrl !== undefined && { callbackUrl }),
    acceptedAt: iso(acceptedAtMs),
    ...(startedAtMs !== undefined && {
      startedAt: iso(startedAtMs),
      waitedMs: startedAtMs - acceptedAtMs,
    }),
    ...(startedAtMs !== undefined &&
      finishedAtMs !== undefined && { tookMs: finishedAtMs - startedAtMs }),
    ...(finishedAtMs !== undefined && { finishedAt: iso(finishedAtMs) }),
    changedAt: iso(changedAtMs),
    expiresAt: iso(job.expiresAtMs),
    links: isFinished(job) ? { self: pathOfJob(jobId) } : linksOf(job),
  };
}

function presentFile({ name, contentType, bytes, fileName, url, expiresAtMs }: LinkedFile) {
  return { name, contentType, bytes, fileName, url, expiresAt: iso(expiresAtMs) };
}

function presentProblem({ code, title, detail, status, extensions }: JobProblem, job: Job) {
  const traceId = job.traceparent.split("-")[1];
  return {
    ...{ type: `urn:pennyline:problem:${code}`, title, status, detail, traceId },
    ...extensions,
  };
}

/** The version in an `If-None-Match` header that is one of our ETags. */
export function seenVersion(header: string | undefined): number | undefined {
  const [, version] = /^(?:W\/)?"(\d{1,15})"$/.exec(header ?? "") ?? [];
  return version === undefined ? undefined : Number(version);
}

/** A client that has nothing better to do asks again after so long: often at first. */
const askAgainSeconds = { young: 1, old: 5 } as const;
const youngMs = 15_000;
/** Polls that found no place to wait come back after 5 to 9 s, and not together. */
const notWaitedSeconds = { least: 5, spread: 5 } as const;
export const waitRefusedHeader = "pennyline-wait-refused";

export interface AnswerDeps {
  readonly links: FileLinks;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * The answer to a poll: links to files signed now, an ETag, when to ask again while it goes on, and
 * 304 to whom has seen just this version. A poll that was not let wait is told so by a header.
 */
export async function answerJob(
  { links, clock, random }: AnswerDeps,
  { job, notWaited }: Followed,
  seen: number | undefined,
) {
  const { young, old } = askAgainSeconds;
  const { least, spread } = notWaitedSeconds;
  const usual = clock.nowMs() - job.acceptedAtMs < youngMs ? young : old;
  const retryAfter = notWaited ? least + Math.floor(random() * spread) : usual;
  const headers = {
    etag: `"${job.version}"`,
    ...(!isFinished(job) && { "retry-after": String(retryAfter) }),
    ...(notWaited && { [waitRefusedHeader]: notWaited }),
  };
  if (seen === job.version) return { status: 304, body: undefined, headers };
  const files = await Promise.all(
    (job.files ?? []).map(async (file) => ({
      ...file,
      ...(await links.linkTo(file.key, file.fileName)),
    })),
  );
  return { status: 200, body: presentJob(job, job.files && files), headers };
}
