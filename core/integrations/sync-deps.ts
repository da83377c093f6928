import type { IntegrationId } from "../contracts/job-types.ts";
import type { JsonObject } from "../jobs/job.ts";
import type { JobRun } from "../jobs/run-job.ts";
import type { CircuitBreakers } from "../pacing/circuit-breakers.ts";
import type { Leases } from "../pacing/leases.ts";
import type { RateLimiter } from "../pacing/rate-limiter.ts";
import type { Pacing } from "../values/retry.ts";
import type { CallDeps, CallResult } from "./call-integration.ts";
import type { Integration, IntegrationStore } from "./integration.ts";

export interface SyncDeps extends CallDeps {
  readonly store: Pick<IntegrationStore, "read">;
  readonly limiter: RateLimiter;
  readonly breakers: CircuitBreakers;
  readonly leases: Leases;
  readonly outcomes: CallOutcomes;
  readonly pacing: Pacing;
  /** What could not be written down after a call: no reason to call again. */
  readonly onUnrecorded: (error: unknown) => void;
}

/** How calls of something went lately. */
export interface CallOutcomes {
  add(name: string, result: CallResult): Promise<void>;
  /** Of the last day, to the hour. */
  read(name: string): Promise<Partial<Record<CallResult, number>>>;
}

export interface SyncPayload {
  readonly integrationId: IntegrationId;
  readonly data: JsonObject;
}

/** What one job knows of itself from one part to the next. */
export interface SyncRun extends JobRun<SyncPayload> {
  readonly integration: Integration;
  /** Made so far. */
  readonly calls: number;
}
