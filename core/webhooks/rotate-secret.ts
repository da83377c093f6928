import type * as z from "zod";
import type { rotateWebhookSecretSchema } from "../contracts/webhook-bodies.ts";
import { type Clock, hourMs } from "../values/time.ts";
import {
  callbacksId,
  firstSecret,
  newestSecret,
  rotated,
  type WebhookEndpoint,
  type WebhookEndpoints,
} from "./endpoint.ts";
import { putOrRefuse, readEndpoint } from "./manage-endpoints.ts";

type Body = z.infer<typeof rotateWebhookSecretSchema>;

interface Deps {
  readonly endpoints: Pick<WebhookEndpoints, "read" | "put">;
  readonly clock: Clock;
}

interface Request {
  readonly owner: string;
  /** The same for each retry: it makes one secret. */
  readonly requestId: string;
}

/** Gives an endpoint a new secret beside those it has. @throws Problem 404, 409 */
export async function rotateSecret(
  deps: Deps,
  endpointId: string,
  request: Request,
  body: Body,
): Promise<WebhookEndpoint> {
  const endpoint = await readEndpoint(deps.endpoints, request.owner, endpointId);
  return await rotate(deps, endpoint, request, body);
}

/** The same for what signs an owner's callbacks; the first time, it makes it. @throws Problem 409 */
export async function rotateCallbackSecret(
  deps: Deps,
  request: Request,
  body: Body,
): Promise<WebhookEndpoint> {
  const { owner, requestId } = request;
  const known = await deps.endpoints.read(owner, callbacksId);
  if (known) return await rotate(deps, known, request, body);
  const nowMs = deps.clock.nowMs();
  const endpoint: WebhookEndpoint = {
    ...{ endpointId: callbacksId, owner, events: [], ordered: false, state: "enabled" },
    secrets: [firstSecret({ createdAtMs: nowMs, requestId })],
    ...{ fingerprint: "", createdAtMs: nowMs, changedAtMs: nowMs, revision: 1 },
  };
  return await putOrRefuse(deps.endpoints, endpoint);
}

async function rotate(
  deps: Deps,
  endpoint: WebhookEndpoint,
  { requestId }: Request,
  { overlapHours }: Body,
): Promise<WebhookEndpoint> {
  if (newestSecret(endpoint).requestId === requestId) return endpoint;
  const nowMs = deps.clock.nowMs();
  const next = rotated(endpoint, requestId, overlapHours * hourMs, nowMs);
  return await putOrRefuse(deps.endpoints, next);
}
