import type { AcceptedEngagement } from "../contracts/events.ts";
import {
  canaryArticleId,
  canaryCreatorId,
  type ReaderId,
  readerIdSchema,
} from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { Counter } from "../earnings/counter.ts";
import { impressionKeyOf, readerDayIn, type Sha256Hex } from "../earnings/impression-key.ts";
import type { ReaderHistory } from "../earnings/reader-history.ts";
import type { SettlementTable } from "../earnings/settlement-table.ts";
import type { ViewTokens } from "../engagements/view-token.ts";
import type { StateStore } from "../pacing/state-store.ts";
import type { ArticleStore } from "../registry/article.ts";
import { type Backoff, backoffMs, type Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import { ensureTestArticle } from "./test-article.ts";

/** An engagement that was answered 202, and has to arrive. */
export interface Probe {
  readonly readerId: ReaderId;
  readonly occurredAtMs: number;
}

/** The API as browsers know it. */
export interface PublicApi {
  /** @returns the answer to `POST /v1/engagements`, and the code of the problem that it may be. */
  report(engagement: unknown): Promise<{ readonly status: number; readonly problem?: string }>;
}

export interface CanaryDeps {
  readonly articles: ArticleStore;
  readonly tokens: Pick<ViewTokens, "sign">;
  readonly api: PublicApi;
  readonly probes: StateStore<readonly Probe[]>;
  readonly history: Pick<ReaderHistory, "read">;
  readonly settlement: Pick<SettlementTable, "dueCounters">;
  readonly clock: Clock;
  readonly pacing: Pacing;
  readonly sha256: Sha256Hex;
  readonly newId: () => string;
  readonly publisherId: string;
  readonly currency: string;
  /** Counted by then. */
  readonly withinMs: number;
  /** And settled, which a stage may have wait for company. */
  readonly settledWithinMs: number;
}

/** What did not work, in words. */
export type CanaryFailure = { readonly what: string; readonly readerId?: string };

export interface CanaryRun {
  readonly failures: readonly CanaryFailure[];
  /** Too much waits, so that no view was taken: that is no failure, and has an alarm of its own. */
  readonly refused: boolean;
}

const stateName = "probes";
const refused = "refused";

/**
 * Sees whether what was sent before was counted and settled, and sends the next: a view with a token,
 * by the public API, as a reader's browser does.
 */
export async function runCanary(deps: CanaryDeps): Promise<CanaryRun> {
  const stored = await deps.probes.read(stateName);
  const failures: CanaryFailure[] = [];
  const open: Probe[] = [];
  for (const probe of stored?.state ?? []) {
    if (deps.clock.nowMs() - probe.occurredAtMs < deps.withinMs) open.push(probe);
    else if (!(await isPaid(deps, probe)))
      failures.push({ what: "it was accepted and is not counted", readerId: probe.readerId });
  }
  if (await waitsForSettlement(deps)) failures.push({ what: "it was counted and is not settled" });

  const sent = await send(deps);
  if (sent !== refused) {
    if ("what" in sent) failures.push(sent);
    else open.push(sent);
  }
  // Another run at the same time looks after its own; this one's is not looked after then.
  await deps.probes.replace(stateName, open, (stored?.revision ?? 0) + 1);
  return { failures, refused: sent === refused };
}

function engagementOf({ readerId, occurredAtMs }: Probe): AcceptedEngagement {
  return { articleId: canaryArticleId, readerId, occurredAtMs, kind: "view", channel: "token" };
}

async function isPaid({ history, sha256, publisherId }: CanaryDeps, probe: Probe) {
  const key = impressionKeyOf(sha256, publisherId, engagementOf(probe));
  const day = readerDayIn(key);
  return (await history.read([day])).get(day)?.recorded.get(key)?.state === "paid";
}

async function waitsForSettlement({ settlement, clock, settledWithinMs }: CanaryDeps) {
  const counters: Counter[] = [];
  for await (const page of settlement.dueCounters(canaryCreatorId)) counters.push(...page);
  const dueBeforeMs = clock.nowMs() - settledWithinMs;
  return counters.some(({ dueSinceMs }) => dueSinceMs !== undefined && dueSinceMs <= dueBeforeMs);
}

const maxAttempts = 3;
const backoff: Backoff = { baseMs: 2_000, capMs: 8_000 };

async function send(deps: CanaryDeps): Promise<Probe | CanaryFailure | typeof refused> {
  const { clock, currency, tokens, newId } = deps;
  const nowMs = clock.nowMs();
  if (!(await ensureTestArticle(deps.articles, currency, nowMs))) {
    return { what: `somebody changed the article ${canaryArticleId}: nothing is sent` };
  }
  const probe = { readerId: readerIdSchema.parse(`canary-${newId()}`), occurredAtMs: nowMs };
  const iat = Math.floor(nowMs / 1_000);
  const exp = iat + limits.viewTokenTtlMs / 1_000;
  const claims = { sub: probe.readerId, art: canaryArticleId, iat, exp, jti: newId() };
  const token = await tokens.sign(claims);
  const occurredAt = new Date(nowMs).toISOString();
  const why = await report(deps, { token, kind: "view", occurredAt });
  if (why === refused) return refused;
  return why === undefined ? probe : { what: `it was not accepted: ${why}` };
}

/** As often as a client would try who has no time to wait. @returns why it was not accepted. */
async function report({ api, pacing }: CanaryDeps, engagement: unknown) {
  let why: string | undefined;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    if (attempt > 0) await pacing.sleep(backoffMs(attempt, backoff, pacing.random));
    try {
      const { status, problem } = await api.report(engagement);
      if (status === 202) return undefined;
      if (problem === "too-much-waiting") return refused;
      why = `the API answered ${status}`;
    } catch (error) {
      why = (error as Error).message;
    }
  }
  return why;
}
