import type * as z from "zod";
import type {
  patchIntegrationSchema,
  putIntegrationSchema,
} from "../contracts/integration-bodies.ts";
import type { IntegrationId } from "../contracts/job-types.ts";
import type { rotateWebhookSecretSchema } from "../contracts/webhook-bodies.ts";
import type { CheckUrl } from "../outbound/outbound-caller.ts";
import { problems } from "../perimeter/problem.ts";
import { untilWritten } from "../registry/until-written.ts";
import { type Clock, hourMs } from "../values/time.ts";
import { firstSecret, withNewSecret } from "../webhooks/endpoint.ts";
import { type Integration, type IntegrationStore, readIntegration } from "./integration.ts";

export interface PutDeps {
  readonly store: IntegrationStore;
  readonly checkUrl: CheckUrl;
  /** What is wrong with headers that are to be sent; undefined: nothing. */
  readonly checkHeaders: (headers: Readonly<Record<string, string>>) => string | undefined;
  readonly clock: Clock;
}

/** An integration as it was written. If it has a new secret, that is to be shown, this once. */
export interface Written {
  readonly integration: Integration;
  readonly newGeneration?: number;
}

/** Ours to set with each call, beyond what no call may set. */
const ours = /^(?:content-(?:type|encoding)|idempotency-key|webhook-.*|traceparent)$/i;

const what = (integrationId: IntegrationId) => `integration ${JSON.stringify(integrationId)}`;

/**
 * Registers an integration, or replaces what is known of one; its secrets stay.
 * @throws Problem 400 when its URL or a header is none that we would call with.
 */
export async function putIntegration(
  deps: PutDeps,
  integrationId: IntegrationId,
  body: z.infer<typeof putIntegrationSchema>,
  requestId: string,
): Promise<Written> {
  const url = checkedUrl(deps, body.url);
  refuseHeaders(deps, body.headers);
  return await untilWritten(what(integrationId), async () => {
    const stored = await deps.store.read(integrationId);
    const nowMs = deps.clock.nowMs();
    const integration: Integration = {
      ...{ integrationId, ...body, url },
      secrets: stored?.secrets ?? [firstSecret({ createdAtMs: nowMs, requestId })],
      ...{ createdAtMs: stored?.createdAtMs ?? nowMs, updatedAtMs: nowMs },
      revision: (stored?.revision ?? 0) + 1,
    };
    if ((await deps.store.put(integration)) === "raced") return "raced";
    return stored ? { integration } : { integration, newGeneration: 1 };
  });
}

/**
 * Changes the settings of an integration that the body names.
 * @throws Problem 400 as `putIntegration`; 404 when it was never registered.
 */
export async function patchIntegration(
  deps: PutDeps,
  integrationId: IntegrationId,
  body: z.infer<typeof patchIntegrationSchema>,
): Promise<Written> {
  const url = body.url === undefined ? undefined : checkedUrl(deps, body.url);
  if (body.headers !== undefined) refuseHeaders(deps, body.headers);
  return await untilWritten(what(integrationId), async () => {
    const stored = await readIntegration(deps.store, integrationId);
    const {
      method = stored.method,
      headers = stored.headers,
      ratePerSecond = stored.ratePerSecond,
      timeoutMs = stored.timeoutMs,
      failuresToOpen = stored.failuresToOpen,
      coolDownMs = stored.coolDownMs,
    } = body;
    const integration: Integration = {
      ...stored,
      ...{ url: url ?? stored.url, method, headers, ratePerSecond, timeoutMs },
      ...{ failuresToOpen, coolDownMs },
      ...{ updatedAtMs: deps.clock.nowMs(), revision: stored.revision + 1 },
    };
    return (await deps.store.put(integration)) === "raced" ? "raced" : { integration };
  });
}

function checkedUrl({ checkUrl }: PutDeps, url: string): string {
  const verdict = checkUrl(url);
  if (!verdict.ok) throw wrong("url", verdict.detail);
  return verdict.url;
}

function refuseHeaders({ checkHeaders }: PutDeps, headers: Integration["headers"]): void {
  const own = Object.keys(headers).find((name) => ours.test(name));
  const objection = own ? `the header ${own.toLowerCase()} cannot be set` : checkHeaders(headers);
  if (objection) throw wrong("headers", objection);
}

/** A new secret signs beside those before, which stay valid for the overlap. @throws Problem 404, 409 */
export async function rotateIntegrationSecret(
  { store, clock }: Pick<PutDeps, "store" | "clock">,
  integrationId: IntegrationId,
  requestId: string,
  { overlapHours }: z.infer<typeof rotateWebhookSecretSchema>,
): Promise<Written> {
  return await untilWritten(what(integrationId), async () => {
    const stored = await readIntegration(store, integrationId);
    const nowMs = clock.nowMs();
    const secrets = withNewSecret(stored.secrets, requestId, overlapHours * hourMs, nowMs);
    const revision = stored.revision + 1;
    const integration: Integration = { ...stored, secrets, updatedAtMs: nowMs, revision };
    if ((await store.put(integration)) === "raced") return "raced";
    return { integration, newGeneration: secrets[0]?.generation ?? 1 };
  });
}

function wrong(field: string, detail: string) {
  return problems.invalid(`${field}: ${detail}`, [{ field, detail }]);
}
