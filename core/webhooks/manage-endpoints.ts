import type * as z from "zod";
import { limits } from "../contracts/limits.ts";
import type {
  createWebhookEndpointSchema,
  patchWebhookEndpointSchema,
  putWebhookEndpointSchema,
} from "../contracts/webhook-bodies.ts";
import type { CheckUrl } from "../outbound/outbound-caller.ts";
import { problems } from "../perimeter/problem.ts";
import { untilWritten } from "../registry/until-written.ts";
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
  return await putOrRefuse(deps.endpoints, replaced(before, { ...body, url }, deps.clock.nowMs()));
}

/** Changes the fields of an endpoint that the body names. @throws Problem 400, 404, 409 */
export async function patchEndpoint(
  deps: Deps,
  owner: string,
  endpointId: string,
  body: z.infer<typeof patchWebhookEndpointSchema>,
): Promise<WebhookEndpoint> {
  const url = body.url === undefined ? undefined : checkedUrl(deps.checkUrl, body.url);
  return await untilWritten(`webhook endpoint ${endpointId}`, async () => {
    const before = await readEndpoint(deps.endpoints, owner, endpointId);
    const {
      ordered = before.ordered,
      enabled = before.state === "enabled",
      events = before.events ?? null,
      description = before.description ?? null,
    } = body;
    const settings = {
      ...{ url: url ?? before.url, ordered, enabled },
      ...(events && { events }),
      ...(description !== null && { description }),
    };
    const endpoint = replaced(before, settings, deps.clock.nowMs());
    return (await deps.endpoints.put(endpoint)) === "put" ? endpoint : "raced";
  });
}

interface Settings {
  readonly url?: string | undefined;
  readonly events?: WebhookEndpoint["events"] | undefined;
  readonly description?: string | undefined;
  readonly ordered: boolean;
  readonly enabled: boolean;
}

function replaced(before: WebhookEndpoint, settings: Settings, nowMs: number): WebhookEndpoint {
  const { events: _, description: __, disabledReason, disabledAtMs, ...kept } = before;
  const { url, events, description, ordered, enabled } = settings;
  return changed(
    kept,
    {
      ...(url !== undefined && { url }),
      ...{ ordered, state: enabled ? "enabled" : "disabled" },
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
