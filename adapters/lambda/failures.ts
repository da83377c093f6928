import { type Cause, causeOf, type Failure } from "../../core/dead-letters/failure.ts";
import { type Delivery, type FailedDelivery, idOf } from "../../core/messaging/delivery.ts";
import type { TraceContext } from "../../core/values/trace-context.ts";
import { documentClient } from "../dynamodb/client.ts";
import { dynamoDbFailures } from "../dynamodb/failure-log.ts";
import { setting } from "./environment.ts";
import { logger } from "./logger.ts";

/** Errors of the batch that is being worked on, by message; an environment has one at a time. */
const noted = new Map<string, unknown>();
/** What went wrong for no message in particular: the reason of those that fail without one. */
let shared: unknown;

/** The note is worth no more than this much of the batch's time. */
const patienceMs = 2_000;
const unexplained: Cause = {
  errorClass: "NotFinished",
  message: "it was given back unfinished, most likely as the batch's time was over",
};

const failures = dynamoDbFailures(documentClient, setting("deadLettersTable"));

/** Logs why a delivery failed, under `what`, and notes it for its dead letter. */
export function failing(what: string) {
  return (id: string, error: unknown): void => {
    logger.error(what, { id, error: error as Error });
    noteFailure(id, error);
  };
}

export function noteFailure(messageId: string, error: unknown): void {
  noted.set(messageId, error);
}

/** For errors that concern many messages of the batch. */
export function noteSharedFailure(error: unknown): void {
  shared = error;
}

export function failureOf(messageId: string): unknown {
  return noted.get(messageId) ?? shared;
}

export function forgetFailures(): void {
  noted.clear();
  shared = undefined;
}

/** Writes down why these failed. It never fails itself: a note must not cost a batch. */
export async function recordFailures(
  deliveries: readonly (Delivery & { readonly trace: TraceContext })[],
  failed: readonly FailedDelivery[],
): Promise<void> {
  const ids = new Set(failed.map(idOf));
  if (ids.size === 0) return;
  const atMs = Date.now();
  const worker = process.env.POWERTOOLS_SERVICE_NAME ?? "";
  const all = deliveries
    .filter(({ id }) => ids.has(id))
    .map(({ id, receives: attempt = 1, trace: { traceId } }): Failure => {
      const error = failureOf(id);
      const cause = error === undefined ? unexplained : causeOf(error);
      return { messageId: id, worker, ...cause, attempt, traceId, atMs };
    });
  try {
    await withinPatience(failures.record(all));
  } catch (error) {
    logger.warn("could not note why deliveries failed", { error: error as Error });
  }
}

async function withinPatience(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${patienceMs} ms`)), patienceMs);
  });
  try {
    await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
