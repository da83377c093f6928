import { pathOfDelivery, type WebhookAttempt, type WebhookDelivery } from "./delivery.ts";

const iso = (ms: number) => new Date(ms).toISOString();

/** The public shape; with what it says and each attempt where one is looked at by itself. */
export function presentDelivery(delivery: WebhookDelivery, body?: string) {
  const { deliveryId, endpointId, type, callbackUrl, orderingKey, state } = delivery;
  const { attempts, nextAttemptAtMs, failure, createdAtMs, expiresAtMs } = delivery;
  const last = attempts.at(-1);
  return {
    ...{ deliveryId, endpointId, type, state },
    ...(callbackUrl !== undefined && { callbackUrl }),
    ...(orderingKey !== undefined && { orderingKey }),
    ...(failure !== undefined && { failure }),
    ...(last && { lastAttempt: presentAttempt(last) }),
    ...(nextAttemptAtMs !== undefined && { nextAttemptAt: iso(nextAttemptAtMs) }),
    ...(body !== undefined && {
      message: JSON.parse(body) as unknown,
      attempts: attempts.map(presentAttempt),
    }),
    ...{ createdAt: iso(createdAtMs), expiresAt: iso(expiresAtMs) },
    links: { self: pathOfDelivery(deliveryId), resend: `${pathOfDelivery(deliveryId)}/resend` },
  };
}

function presentAttempt({ atMs, ...attempt }: WebhookAttempt) {
  return { at: iso(atMs), ...attempt };
}
