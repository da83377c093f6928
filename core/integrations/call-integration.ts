import type { JsonObject } from "../jobs/job.ts";
import type { OutboundCaller, OutboundOutcome } from "../outbound/outbound-caller.ts";
import type { CallOutcome } from "../pacing/breaker.ts";
import type { Clock } from "../values/time.ts";
import { validSecrets } from "../webhooks/endpoint.ts";
import type { WebhookSecrets } from "../webhooks/secrets.ts";
import { type Integration, signerOf } from "./integration.ts";

export interface CallDeps {
  readonly outbound: OutboundCaller;
  readonly secrets: Pick<WebhookSecrets, "sign">;
  readonly clock: Clock;
}

/** What is read of an answer; the rest, however long, is not. */
const maxResponseBytes = 16_384;

/**
 * Calls an integration once, signed as Standard Webhooks are.
 * @param messageId the same for each call that is about the same thing: a receiver drops repeats.
 */
export async function callIntegration(
  { outbound, secrets, clock }: CallDeps,
  integration: Integration,
  messageId: string,
  data: JsonObject,
  signal?: AbortSignal,
): Promise<OutboundOutcome> {
  const { url, method, headers, timeoutMs } = integration;
  const body = JSON.stringify(data);
  const atMs = clock.nowMs();
  const message = { id: messageId, atMs, body };
  const valid = validSecrets(integration, atMs);
  const signature = await secrets.sign(signerOf(integration), valid, message);
  return await outbound.call({
    ...{ url, method, body, timeoutMs, maxResponseBytes },
    headers: {
      ...headers,
      "content-type": "application/json",
      "idempotency-key": messageId,
      "webhook-id": messageId,
      "webhook-timestamp": String(Math.floor(atMs / 1_000)),
      "webhook-signature": signature,
    },
    ...(signal && { signal }),
  });
}

/** What a call came to, in one word: it is counted under it. */
export const callResults = [
  "succeeded",
  /** 429, or 425: it wants to be called later. */
  "limited",
  /** Any other answer that another call would not change. */
  "refused",
  /** 5xx and 408. */
  "failed",
  "timeout",
  /** No connection, no address, or no certificate. */
  "unreachable",
  /** We did not call: its address is none that we may. */
  "forbidden",
] as const;
export type CallResult = (typeof callResults)[number];

export function resultOf(outcome: OutboundOutcome): CallResult {
  if (outcome.kind === "refused") return "forbidden";
  if (outcome.kind === "failed") return outcome.cause === "timeout" ? "timeout" : "unreachable";
  const { status } = outcome;
  if (status >= 200 && status < 300) return "succeeded";
  if (status === 429 || status === 425) return "limited";
  return status >= 500 || status === 408 ? "failed" : "refused";
}

/** What the breaker learns: a service that refuses is alive. Undefined: nothing. */
export function breakerOutcomeOf(result: CallResult): CallOutcome | undefined {
  switch (result) {
    case "succeeded":
    case "limited":
    case "refused":
      return "succeeded";
    case "failed":
    case "timeout":
    case "unreachable":
      return "failed";
    case "forbidden":
      return undefined;
  }
}

/** How a call ended, in words for the publisher. */
export function inWords(outcome: OutboundOutcome): string {
  if (outcome.kind !== "answered") return `The call did not get through: ${outcome.reason}.`;
  const { status } = outcome;
  if (status >= 300 && status < 400) {
    return `It answered ${status}, and redirects are not followed: put the URL that it leads to.`;
  }
  return `It answered ${status}.`;
}
