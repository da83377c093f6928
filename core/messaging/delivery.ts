import type { TraceContext } from "../values/trace-context.ts";

/** One message of a queue. */
export interface Delivery {
  readonly id: string;
  readonly body: string;
  /** How often it was received, this time included; at `limits.maxReceives` it is the last time. */
  readonly receives?: number;
  /** The step that works on it. */
  readonly trace?: TraceContext;
}

/** A delivery that failed, and when it should come back; a bare id: when its time-out is over. */
export type FailedDelivery = string | { readonly id: string; readonly retryInMs: number };

export const idOf = (failed: FailedDelivery): string =>
  typeof failed === "string" ? failed : failed.id;
