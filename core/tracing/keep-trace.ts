/**
 * Functions whose steps are always kept: jobs, webhooks, money moved by hand or out, and what
 * operators do. Whatever follows from them is kept with them.
 */
const alwaysKept: ReadonlySet<string> = new Set([
  "request-job",
  "cancel-job",
  "post-adjustment",
  "reverse-entry",
  "request-payout",
  "record-payout-result",
  "run-payouts",
  "pay-creators",
  "request-review",
  "apply-review",
  "create-deliveries",
  "deliver-webhook",
  "resend-webhooks",
  "test-webhook-endpoint",
  "change-dead-letters",
  "redrive-dead-letters",
]);

/** @param service the function's folder in `lambdas/`. */
export const isAlwaysKept = (service: string): boolean => alwaysKept.has(service);

export const alwaysKeptServices: readonly string[] = [...alwaysKept];

const million = 1_000_000;
const idParts = 16 ** 8;

/**
 * Whether a trace is in a sample of so many in a million. The id itself decides, by its last eight
 * digits, which are chance: whoever asks gets the same answer. One that ends in eight zeros is in
 * every sample but an empty one.
 */
export function isInSample(traceId: string, perMillion: number): boolean {
  return Number.parseInt(traceId.slice(-8), 16) < (perMillion / million) * idParts;
}
