import { join } from "node:path";
import type { Pacing } from "../../core/values/retry.ts";
import type { Clock } from "../../core/values/time.ts";
import type { Api } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { type Proof, readProofIfAllowed } from "../proof/read-proof.ts";
import { limited } from "./bounded-tasks.ts";
import { expectedCounts } from "./expected-counts.ts";
import { type PathRules, pathMapper } from "./map-path.ts";
import { type Log, openLog } from "./open-log.ts";
import type { Progress } from "./progress.ts";
import { findLatestMs, newReadTotals, type ReadTotals, readVisits } from "./read-visits.ts";
import { readerIds, readerKeyAt } from "./reader-ids.ts";
import { formatDay, shiftOntoDay, yesterdayMs } from "./rebase.ts";
import { articleRegistrar } from "./register-articles.ts";
import type { Visit } from "./select-visit.ts";
import { type SentTotals, sender } from "./send.ts";
import { type Waited, waitUntilCounted } from "./wait-until-counted.ts";

export interface ImportOptions {
  /** A path, or `-` for standard input. */
  readonly file: string;
  readonly baseUrl: string;
  readonly deployed: boolean;
  readonly dataDir: string;
  readonly publisherToken: string | undefined;
  readonly adminToken: string | undefined;
  readonly readerKey: string | undefined;
  /** Midnight, UTC, of the day on which the latest line shall fall. */
  readonly rebaseTo: "yesterday" | number | undefined;
  readonly includeBots: boolean;
  readonly includeListings: boolean;
  readonly paths: PathRules;
  readonly all: boolean;
  readonly json: boolean;
  readonly patienceMs: number;
}

export interface Rebase {
  readonly shiftMs: number;
  readonly onto: string;
}

export interface ImportResult {
  readonly read: ReadTotals;
  readonly sent: SentTotals;
  readonly waited: Waited;
  readonly rebase: Rebase | undefined;
  /** Different engagements among those accepted; with `exact` false, at least so many. */
  readonly distinct: { readonly count: number; readonly byBots: number; readonly exact: boolean };
  /** Undefined when the token may not ask for the proof. */
  readonly proofs: { readonly before: Proof; readonly after: Proof } | undefined;
  readonly tookMs: number;
}

interface Deps {
  readonly clock: Clock;
  readonly pacing: Pacing;
  readonly progress: Progress;
}

const requestsAtOnce = 8;
const proofLooks = 5;
/** How long totals must stand still; a deployed stage may take seconds to start a function. */
const quietMs = { embedded: 3_000, deployed: 15_000 };

export async function importLog(options: ImportOptions, deps: Deps): Promise<ImportResult> {
  const startedMs = deps.clock.nowMs();
  const log = await openLog(options.file, { passes: options.rebaseTo === undefined ? 1 : 2 });
  try {
    const api = limited(requestsAtOnce, await connectFor(options, deps));
    const before = await readProofIfAllowed(api);
    const rebase = await findRebase(log, options, deps);
    const expected = expectedCounts();
    const { read, sent } = await readAndSend(log, rebase, { api, expected, options, ...deps });
    const waited = await waitUntilCounted({
      ...deps,
      api,
      expected,
      proofBefore: before,
      quietMs: options.deployed ? quietMs.deployed : quietMs.embedded,
      patienceMs: options.patienceMs,
      onWait: (counted, of) => {
        deps.progress.show("counting", `${counted} new of ${of} distinct`, of && counted / of);
      },
    });
    const after = before && (await proofAtRest(api, deps.pacing));
    return {
      read,
      sent,
      waited,
      rebase,
      distinct: {
        count: expected.distinct(),
        byBots: expected.byBots(),
        exact: expected.exact(),
      },
      proofs: before && after && { before, after },
      tookMs: deps.clock.nowMs() - startedMs,
    };
  } finally {
    await log.close();
    deps.progress.end();
  }
}

async function connectFor(options: ImportOptions, { pacing, progress }: Deps): Promise<Api> {
  const { baseUrl, deployed, dataDir, publisherToken, adminToken } = options;
  return await connect(
    {
      ...{ baseUrl, deployed, dataDir, name: "import-log" },
      tokens: { publisher: publisherToken, admin: adminToken },
    },
    { pacing, note: (text) => progress.note(text) },
  );
}

async function findRebase(
  log: Log,
  { rebaseTo }: ImportOptions,
  { clock, progress }: Deps,
): Promise<Rebase | undefined> {
  if (rebaseTo === undefined) return undefined;
  const onBytes = bytesShown("looking for the latest time", log, progress, () => "");
  const latestMs = await findLatestMs(log, onBytes);
  if (latestMs === undefined) return undefined;
  const dayMs = rebaseTo === "yesterday" ? yesterdayMs(clock.nowMs()) : rebaseTo;
  return { shiftMs: shiftOntoDay(latestMs, dayMs), onto: formatDay(dayMs) };
}

async function readAndSend(
  log: Log,
  rebase: Rebase | undefined,
  work: Deps & {
    readonly api: Api;
    readonly expected: ReturnType<typeof expectedCounts>;
    readonly options: ImportOptions;
  },
): Promise<{ read: ReadTotals; sent: SentTotals }> {
  const { api, expected, options, clock, progress } = work;
  const key =
    options.readerKey ?? (await readerKeyAt(join(options.dataDir, "import-log-reader.key")));
  const readerIdOf = readerIds(key);
  const send = sender({ api, expected, registrar: articleRegistrar(api) });
  const totals = newReadTotals();
  const onBytes = bytesShown("sending", log, progress, () => `${totals.visits} visits`);
  const visits = readVisits(log, {
    totals,
    shiftMs: rebase?.shiftMs ?? 0,
    selection: {
      includeBots: options.includeBots,
      includeListings: options.includeListings,
      mapPath: pathMapper(options.paths),
    },
    clock,
    onBytes,
  });
  for await (const visit of visits) {
    const { creatorId, isBot } = visit;
    const view = engagementOf(visit, readerIdOf(visit.address, visit.userAgent));
    await send.add(view, { creatorId, isBot });
    if (visit.fromSearch) {
      await send.add({ ...view, kind: "search_visit" }, { creatorId, isBot });
    }
  }
  return { read: totals, sent: await send.finish() };
}

/** The API judges by referrer and user agent: whether it came from a search, or from a bot. */
function engagementOf({ articleId, userAgent, referrer, timeMs }: Visit, readerId: string) {
  const occurredAt = new Date(timeMs).toISOString();
  const view = { articleId, readerId, kind: "view" as const, occurredAt, userAgent };
  return referrer === undefined ? view : { ...view, referrer };
}

function bytesShown(phase: string, log: Log, progress: Progress, detail: () => string) {
  return (bytes: number) => {
    const read = `${(bytes / 1e6).toFixed(1)} MB`;
    const fraction = log.sizeBytes === undefined ? undefined : bytes / log.sizeBytes;
    progress.show(phase, [read, detail()].filter(Boolean).join(", "), fraction);
  };
}

/** A proof taken while others count mixes two moments; one at rest is easier to believe. */
async function proofAtRest(api: Api, pacing: Pacing): Promise<Proof | undefined> {
  let proof = await readProofIfAllowed(api);
  for (let look = 1; look < proofLooks && proof && !(proof.quiet && proof.ok); look += 1) {
    await pacing.sleep(1_000);
    proof = await readProofIfAllowed(api);
  }
  return proof;
}
