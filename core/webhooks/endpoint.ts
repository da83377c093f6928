import { limits } from "../contracts/limits.ts";
import type { WebhookEventType } from "../contracts/webhook-events.ts";
import { problems } from "../perimeter/problem.ts";

/** Which of an endpoint's secrets, and how long it is valid. The secret itself is stored nowhere. */
export interface SecretGeneration {
  /** 1, 2, 3 … */
  readonly generation: number;
  readonly createdAtMs: number;
  /** None: until the next one. */
  readonly validUntilMs?: number;
  /** Which request it was; the same for each retry of it. */
  readonly requestId: string;
}

export type DisabledReason = "by-hand" | "gone" | "failing";

/** Somebody's address to tell what happened, or what the callbacks of an owner's jobs are signed by. */
export interface WebhookEndpoint {
  readonly endpointId: string;
  /** `publisher` or `creator:<id>`. */
  readonly owner: string;
  /** None: of callbacks, each of which has its own. */
  readonly url?: string;
  /** None: all. */
  readonly events?: readonly WebhookEventType[];
  readonly description?: string;
  readonly ordered: boolean;
  readonly state: "enabled" | "disabled";
  readonly disabledReason?: DisabledReason;
  readonly disabledAtMs?: number;
  /** Newest first; at least one. */
  readonly secrets: readonly SecretGeneration[];
  /** SHA-256 of the request that made it. */
  readonly fingerprint: string;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  /** 1, 2, 3 …: grows with each change. */
  readonly revision: number;
}

/** The endpoint that stands for an owner's callbacks: it has secrets, and no URL. */
export const callbacksId = "callbacks";

/** Endpoints; strongly consistent. */
export interface WebhookEndpoints {
  read(owner: string, endpointId: string): Promise<WebhookEndpoint | undefined>;
  /** An owner's, callbacks included, by id. */
  list(owner: string): Promise<readonly WebhookEndpoint[]>;
  /** Writes the next revision, if the one before is what is stored. */
  put(endpoint: WebhookEndpoint): Promise<"put" | "raced">;
  /** Whether there was one. */
  delete(owner: string, endpointId: string): Promise<boolean>;
}

export type FirstSecret = Pick<SecretGeneration, "createdAtMs" | "requestId">;

export function firstSecret({ createdAtMs, requestId }: FirstSecret): SecretGeneration {
  return { generation: 1, createdAtMs, requestId };
}

/** Generations that a receiver may verify by at that time, newest first. */
export function validSecrets(
  { secrets }: Pick<WebhookEndpoint, "secrets">,
  nowMs: number,
): readonly SecretGeneration[] {
  return secrets.filter(({ validUntilMs }) => validUntilMs === undefined || validUntilMs > nowMs);
}

/** The newest secret, which is the one that was shown last. */
export function newestSecret({ secrets, endpointId }: WebhookEndpoint): SecretGeneration {
  const [newest] = secrets;
  if (!newest) throw new Error(`endpoint ${endpointId} has no secret`);
  return newest;
}

/** With a new secret; those before stay valid for the overlap. @throws Problem 409 */
export function rotated(
  endpoint: WebhookEndpoint,
  requestId: string,
  overlapMs: number,
  nowMs: number,
): WebhookEndpoint {
  const secrets = withNewSecret(endpoint.secrets, requestId, overlapMs, nowMs);
  return changed(endpoint, { secrets }, nowMs);
}

/** @throws Problem 409 when too many are valid already. */
export function withNewSecret(
  secrets: readonly SecretGeneration[],
  requestId: string,
  overlapMs: number,
  nowMs: number,
): readonly SecretGeneration[] {
  const endMs = nowMs + overlapMs;
  const kept = validSecrets({ secrets }, nowMs)
    .map((one) => ({ ...one, validUntilMs: Math.min(one.validUntilMs ?? endMs, endMs) }))
    .filter(({ validUntilMs }) => validUntilMs > nowMs);
  if (kept.length >= limits.maxSecrets) {
    throw problems.conflict(
      "too-many-secrets",
      "Too many secrets are valid",
      `${kept.length} secrets of it are valid at once; wait until one of them is not, or send ` +
        '"overlapHours": 0, which ends them all now.',
    );
  }
  const generation = (secrets[0]?.generation ?? 0) + 1;
  return [{ generation, createdAtMs: nowMs, requestId }, ...kept];
}

type Change = Partial<Omit<WebhookEndpoint, "endpointId" | "owner" | "revision" | "changedAtMs">>;

export function changed(endpoint: WebhookEndpoint, change: Change, nowMs: number): WebhookEndpoint {
  return { ...endpoint, ...change, changedAtMs: nowMs, revision: endpoint.revision + 1 };
}

export const pathOfEndpoint = (endpointId: string): string => `/v1/webhook-endpoints/${endpointId}`;
