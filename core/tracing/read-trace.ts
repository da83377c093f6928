import { limits } from "../contracts/limits.ts";
import type { Job } from "../jobs/job.ts";
import type { JobStore } from "../jobs/job-store.ts";
import { entryIdOf, type LedgerEntry } from "../ledger/entry.ts";
import { parseEntryId } from "../ledger/entry-id.ts";
import type { LedgerStore } from "../ledger/ledger-store.ts";
import { Problem } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";
import { traceIdOf } from "../values/trace-context.ts";
import { findBooking } from "./find-booking.ts";
import { openIn, type Waiting } from "./open-steps.ts";
import { inOrder } from "./order-steps.ts";
import type { TraceStep, TraceTable } from "./trace-step.ts";

export interface ReadTraceDeps {
  readonly traces: TraceTable;
  readonly jobs: Pick<JobStore, "read">;
  readonly ledger: Pick<LedgerStore, "readAccount" | "entry">;
  /** How much of what is not always kept is kept, and how long; to say why something is missing. */
  readonly samplePercent: number;
  readonly retentionDays: number;
  readonly clock: Clock;
}

const hexId = /^[0-9a-f]{32}$/;
const traceparent = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const maxJobs = 20;
/** Engagements of one batch go to many places; the first ones tell enough. */
const maxPlaces = 5;

interface Found {
  readonly traceId: string;
  readonly steps: readonly TraceStep[];
  /** Named by its own id. */
  readonly entry?: LedgerEntry;
}

/**
 * The life of one request, from what each step said of itself, the records of its jobs, and the ledger.
 * @param id of the trace, or of a job or an entry in it; or a whole `traceparent`.
 * @throws Problem 404 that says why it may be missing.
 */
export async function readTrace(deps: ReadTraceDeps, id: string) {
  const { traceId, steps, entry } = await find(deps, id);
  const jobIds = new Set(steps.flatMap(({ ids }) => ids?.jobId ?? []));
  const read = await Promise.all([...jobIds].slice(0, maxJobs).map((one) => deps.jobs.read(one)));
  const jobs = read.filter((job) => job !== undefined);
  const booked = await bookingsOf(deps, steps);
  const own = entry ? [bookingStep(entry, undefined)] : [];
  const known = new Set(booked.steps.map(({ ids }) => ids?.entryId));
  const all = [...steps, ...booked.steps, ...own.filter(({ ids }) => !known.has(ids?.entryId))];
  const startMs = Math.min(...all.map(({ atMs }) => atMs));
  const endMs = Math.max(...all.map(({ atMs, durationMs }) => atMs + durationMs));
  const nowMs = deps.clock.nowMs();
  const open = openIn(steps, jobs, { samplePercent: deps.samplePercent, nowMs });
  return {
    traceId,
    startedAt: iso(startMs),
    tookMs: endMs - startMs,
    outcome: all.some(({ outcome }) => outcome === "failed") ? "failed" : "ok",
    steps: inOrder(all).map(({ step, depth }) => presentStep(step, depth, startMs)),
    jobs: jobs.map(presentJobBriefly),
    waiting: [...open.waiting, ...booked.waiting].map(presentWaiting),
    missing: [...open.missing, ...booked.missing],
    ...(steps.length >= limits.maxTraceSteps && { truncated: true }),
  };
}

async function find(deps: ReadTraceDeps, id: string): Promise<Found> {
  const read = async (traceId: string) => ({
    traceId,
    steps: await deps.traces.read(traceId, limits.maxTraceSteps),
  });
  const place = parseEntryId(id);
  if (place) {
    const entry = await deps.ledger.entry(place.creatorId, place.sequence);
    if (!entry) throw unknown(deps, id);
    return { ...(await read(entry.traceId)), entry };
  }
  const named = traceparent.test(id) ? traceIdOf(id) : id;
  if (!hexId.test(named)) throw unknown(deps, id);
  const found = await read(named);
  if (found.steps.length > 0) return found;
  // Both look alike.
  const job = await deps.jobs.read(named);
  const ofJob = job && (await read(traceIdOf(job.traceparent)));
  if (!ofJob || ofJob.steps.length === 0) throw unknown(deps, id);
  return ofJob;
}

function unknown({ samplePercent, retentionDays }: ReadTraceDeps, id: string): Problem {
  return new Problem(
    404,
    "not-found",
    "Not found",
    `Nothing was kept under ${JSON.stringify(id)}. Give a trace id (32 hex digits), a traceparent, or ` +
      `the id of a job or a ledger entry. Jobs, webhooks and failures are kept for ${retentionDays} ` +
      `days; of engagements, reads and settlements that went well ${samplePercent} % are. What is ` +
      "going on just now tells of itself when it ends.",
  );
}

/** What was counted, and where it is in the ledger since. */
async function bookingsOf({ ledger }: ReadTraceDeps, steps: readonly TraceStep[]) {
  const found = new Map<string, TraceStep>();
  const [waiting, missing]: [Set<string>, Set<string>] = [new Set(), new Set()];
  for (const { counted = [], atMs, durationMs, spanId } of steps) {
    for (const place of counted.slice(0, maxPlaces)) {
      // Settled since, or else while the rest of its batch was being counted.
      const entry =
        (await findBooking(ledger, place, atMs + durationMs)) ??
        (await findBooking(ledger, place, atMs));
      if (entry) found.set(entryIdOf(entry), bookingStep(entry, spanId));
      else
        waiting.add(`what was counted for ${JSON.stringify(place.articleId)} is not settled yet`);
    }
    if (counted.length > maxPlaces) {
      missing.add(`Only the first ${maxPlaces} of the articles and creators are followed further.`);
    }
  }
  return {
    steps: [...found.values()],
    waiting: [...waiting].map((what): Waiting => ({ what })),
    missing: [...missing],
  };
}

/** An entry as a step: the ledger keeps it, whatever is kept of the trace that booked it. */
function bookingStep(entry: LedgerEntry, parentId: string | undefined): TraceStep {
  const { traceId, bookedAtMs, type } = entry;
  const entryId = entryIdOf(entry);
  return {
    ...{ traceId, spanId: entryId, ...(parentId !== undefined && { parentId }) },
    ...{ atMs: bookedAtMs, durationMs: 0, service: "ledger", outcome: "ok" },
    step: `booked a ${type}`,
    ids: { entryId },
  };
}

const iso = (ms: number) => new Date(ms).toISOString();

function presentWaiting({ what, attempt, nextAtMs }: Waiting) {
  return {
    what,
    ...(attempt !== undefined && { attempt }),
    ...(nextAtMs !== undefined && { nextAt: iso(nextAtMs) }),
  };
}

function presentStep(
  { atMs, traceId, counted: _, later, ...step }: TraceStep,
  depth: number,
  startMs: number,
) {
  return {
    ...{ depth, at: iso(atMs), offsetMs: atMs - startMs },
    ...step,
    ...(later && {
      later: Object.fromEntries(Object.entries(later).map(([event, ms]) => [event, iso(ms)])),
    }),
    // An entry was booked by a trace of its own: the settlement's.
    ...(step.service === "ledger" && { traceId }),
  };
}

function presentJobBriefly(job: Job) {
  const { jobId, type, state, attempts, acceptedAtMs, startedAtMs, finishedAtMs } = job;
  return {
    ...{ jobId, type, state, attempts, acceptedAt: iso(acceptedAtMs) },
    ...(startedAtMs !== undefined && { waitedMs: startedAtMs - acceptedAtMs }),
    ...(startedAtMs !== undefined &&
      finishedAtMs !== undefined && { tookMs: finishedAtMs - startedAtMs }),
  };
}

/** What `GET /v1/admin/traces/{traceId}` answers. */
export type PresentedTrace = Awaited<ReturnType<typeof readTrace>>;
