import { newestSecret, pathOfEndpoint, validSecrets, type WebhookEndpoint } from "./endpoint.ts";

const iso = (ms: number) => new Date(ms).toISOString();

/** The public shape; never with a secret. */
export function presentEndpoint(endpoint: WebhookEndpoint, nowMs: number) {
  const { endpointId, url, events, description, ordered, state } = endpoint;
  const { disabledReason, disabledAtMs, createdAtMs, changedAtMs } = endpoint;
  return {
    ...{ endpointId, url, ...(events && { events }), ...(description && { description }) },
    ...{ ordered, state },
    ...(disabledReason && { disabledReason }),
    ...(disabledAtMs !== undefined && { disabledAt: iso(disabledAtMs) }),
    secrets: presentSecrets(endpoint, nowMs),
    ...{ createdAt: iso(createdAtMs), changedAt: iso(changedAtMs) },
    links: {
      self: pathOfEndpoint(endpointId),
      deliveries: `/v1/webhook-deliveries?endpointId=${endpointId}`,
    },
  };
}

/** Which secrets messages are signed by, newest first. */
export function presentSecrets(endpoint: Pick<WebhookEndpoint, "secrets">, nowMs: number) {
  return validSecrets(endpoint, nowMs).map(({ generation, createdAtMs, validUntilMs }) => ({
    ...{ generation, createdAt: iso(createdAtMs) },
    ...(validUntilMs !== undefined && { validUntil: iso(validUntilMs) }),
  }));
}

/** Which secret an answer shows; the secret itself is added when it is on its way. */
export function shownSecret(endpoint: WebhookEndpoint) {
  const { owner, endpointId } = endpoint;
  const { generation, createdAtMs } = newestSecret(endpoint);
  return { shown: { owner, endpointId, generation, createdAtMs } };
}
