import { limits } from "../core/contracts/limits.ts";
import { ConfigurationError } from "./configuration-error.ts";

/**
 * What must hold between numbers that are set in different places. Each check throws, so that a
 * combination that could lose or double money never becomes a template.
 */

const dayMs = 86_400_000;
/** EventBridge tries to deliver an event this long before it gives it to the rule's DLQ. */
export const eventDeliveryDays = 1;

export interface VisibilityCheck {
  readonly queue: string;
  readonly visibilityTimeoutSeconds: number;
  readonly functionTimeoutSeconds: number;
  readonly batchingWindowSeconds: number;
}

/** A batch still being worked on must not become visible to another worker. */
export function checkVisibility(check: VisibilityCheck): void {
  const atLeast = 6 * check.functionTimeoutSeconds + check.batchingWindowSeconds;
  if (check.visibilityTimeoutSeconds >= atLeast) return;
  throw new ConfigurationError(
    `${check.queue}: visibility timeout ${check.visibilityTimeoutSeconds} s is shorter than ` +
      `6 x the function's timeout (${check.functionTimeoutSeconds} s) + the batching window ` +
      `(${check.batchingWindowSeconds} s) = ${atLeast} s; ` +
      "messages would be delivered again while they are being worked on",
  );
}

export interface RetentionCheck {
  readonly queue: string;
  readonly queueRetentionDays: number;
  readonly dlqRetentionDays: number;
}

/** A dead letter keeps the age it had in its queue: with no more time there it is gone at once. */
export function checkRetention(check: RetentionCheck): void {
  if (check.dlqRetentionDays > check.queueRetentionDays) return;
  throw new ConfigurationError(
    `${check.queue}: its DLQ keeps messages ${check.dlqRetentionDays} days, which is not longer ` +
      `than the queue's own ${check.queueRetentionDays} days; a message's age counts from its ` +
      "first send, so dead letters would vanish before anyone reads them",
  );
}

export interface DedupeCheck {
  readonly dedupeTtlDays: number;
  readonly queueRetentionDays: number;
  readonly dlqRetentionDays: number;
}

/** An impression key must outlive every way in which its engagement may still be delivered. */
export function checkDedupe(check: DedupeCheck): void {
  const oldestDays = Math.ceil(limits.maxPublisherAgeMs / dayMs);
  const atLeast =
    oldestDays +
    eventDeliveryDays +
    // Once in the rule's DLQ, if it could not be delivered, and once in the queue's.
    2 * check.dlqRetentionDays +
    check.queueRetentionDays +
    limits.redriveAllowanceDays;
  if (check.dedupeTtlDays >= atLeast) return;
  throw new ConfigurationError(
    `dedupeTtlDays ${check.dedupeTtlDays} is shorter than ${atLeast} days: ` +
      `oldest engagement accepted (${oldestDays}) + delivery by EventBridge ` +
      `(${eventDeliveryDays}) + twice the DLQ retention (${check.dlqRetentionDays}) + queue ` +
      `retention (${check.queueRetentionDays}) + time to redrive ` +
      `(${limits.redriveAllowanceDays}); an engagement redelivered late would be refused`,
  );
}

export interface RefusalCheck {
  readonly fullSeconds: number;
  readonly queueRetentionDays: number;
}

/** What is accepted must not be forgotten by its queue before more of it is refused. */
export function checkRefusal({ fullSeconds, queueRetentionDays }: RefusalCheck): void {
  const keptSeconds = (queueRetentionDays * dayMs) / 1_000;
  if (2 * fullSeconds <= keptSeconds) return;
  throw new ConfigurationError(
    `backpressure.money.full.oldestSeconds ${fullSeconds} is more than half of what queues keep ` +
      `messages for (queueRetentionDays: ${keptSeconds} s); engagements that were accepted would be ` +
      "lost while more are accepted",
  );
}
