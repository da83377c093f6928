import type * as z from "zod";
import { limits } from "../contracts/limits.ts";
import type {
  createWebhookEndpointSchema,
  putWebhookEndpointSchema,
} from "../contracts/webhook-bodies.ts";
import type { CheckUrl } from "../outbound/outbound-caller.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";
import {
  callbacksId,
  changed,
  firstSecret,
  type WebhookEndpoint,
  type WebhookEndpoints,
} from "./endpoint.ts";

interface Deps {
  readonly endpoints: WebhookEndpoints;
  readonly checkUrl: CheckUrl;
  readonly clock: Clock;
}

interface Request {
  readonly owner: string;
  /** The same for each retry: it makes one endpoint. */
  readonly requestId: string;
  readonly fingerprint: string;
}

/** Registers an endpoint, once for each request. @throws Problem 400, 409 */
export async function createEndpoint(
  deps: Deps,
  body: z.infer<typeof createWebhookEndpointSchema>,
  { owner, requestId, fingerprint }: Request,
): Promise<WebhookEndpoint> {
  const url = checkedUrl(deps.checkUrl, body.url);
  const endpointId = `ep_${requestId.slice(0, 24)}`;
  const known = await deps.endpoints.list(owner);
  const before = known.find((one) => one.endpointId === endpointId);
  if (before) return sameOrRefused(before, fingerprint);
  if (known.filter((one) => one.endpointId !== callbacksId).length >= limits.maxWebhookEndpoints) {
    throw problems.conflict(
      "too-many-webhook-endpoints",
      "Too many webhook endpoints",
      `There are ${limits.maxWebhookEndpoints} already; delete one that is not needed any more.`,
    );
  }
  const nowMs = deps.clock.nowMs();
  const { events, description, ordered } = body;
  const endpoint: WebhookEndpoint = {
    ...{ endpointId, owner, url, ordered, state: "enabled", fingerprint },
    ...(events && { events }),
    ...(description !== undefined && { description }),
    secrets: [firstSecret({ createdAtMs: nowMs, requestId })],
    ...{ createdAtMs: nowMs, changedAtMs: nowMs, revision: 1 },
  };
  if ((await deps.endpoints.put(endpoint)) === "put") return endpoint;
  return sameOrRefused(await readEndpoint(deps.endpoints, owner, endpointId), fingerprint);
}

/** Replaces what its owner may say of an endpoint; secrets stay. @throws Problem 400, 404, 409 */
export async function putEndpoint(
  deps: Deps,
  owner: string,
  endpointId: string,
  body: z.infer<typeof putWebhookEndpointSchema>,
): Promise<WebhookEndpoint> {
  const url = checkedUrl(deps.checkUrl, body.url);
  const before = await readEndpoint(deps.endpoints, owner, endpointId);
  const { events: _, description: __, disabledReason, disabledAtMs, ...kept } = before;
  const { events, description, ordered, enabled } = body;
  const nowMs = deps.clock.nowMs();
  const endpoint = changed(
    kept,
    {
      ...{ url, ordered, state: enabled ? "enabled" : "disabled" },
      ...(events && { events }),
      ...(description !== undefined && { description }),
      // One that is disabled already stays so for the reason it has.
      ...(!enabled && {
        disabledReason: disabledReason ?? "by-hand",
        disabledAtMs: disabledAtMs ?? nowMs,
      }),
    },
    nowMs,
  );
  return await putOrRefuse(deps.endpoints, endpoint);
}

/** @throws Problem 409 when somebody else changed it in the meantime. */
export async function putOrRefuse(
  endpoints: Pick<WebhookEndpoints, "put">,
  endpoint: WebhookEndpoint,
): Promise<WebhookEndpoint> {
  if ((await endpoints.put(endpoint)) === "put") return endpoint;
  throw problems.conflict(
    "contended",
    "Somebody else changed it",
    "The endpoint was changed at the same time; read it, and send it again.",
    { retryAfterSeconds: 1 },
  );
}

/** @throws Problem 404 */
export async function readEndpoint(
  endpoints: Pick<WebhookEndpoints, "read">,
  owner: string,
  endpointId: string,
): Promise<WebhookEndpoint> {
  const endpoint = await endpoints.read(owner, endpointId);
  if (endpoint) return endpoint;
  throw problems.notFound(`webhook endpoint ${JSON.stringify(endpointId)}`);
}

/** @throws Problem 404 */
export async function deleteEndpoint(
  endpoints: Pick<WebhookEndpoints, "delete">,
  owner: string,
  endpointId: string,
): Promise<void> {
  if (await endpoints.delete(owner, endpointId)) return;
  throw problems.notFound(`webhook endpoint ${JSON.stringify(endpointId)}`);
}

function checkedUrl(checkUrl: CheckUrl, text: string): string {
  const verdict = checkUrl(text);
  if (verdict.ok) return verdict.url;
  const { detail } = verdict;
  throw problems.invalid(`url: ${detail}`, [{ field: "url", detail }]);
}

/** Endpoints are kept for longer than answers are. */
function sameOrRefused(known: WebhookEndpoint, fingerprint: string): WebhookEndpoint {
  if (known.fingerprint !== fingerprint) throw problems.keyReused();
  return known;
}
