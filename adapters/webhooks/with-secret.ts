import type { WebhookEndpoint } from "../../core/webhooks/endpoint.ts";
import type { WebhookSecrets } from "../../core/webhooks/secrets.ts";
import type { ApiAnswer } from "../lambda/api-handler.ts";

type Shown = Pick<WebhookEndpoint, "owner" | "endpointId"> & { readonly generation: number };

/**
 * Adds the secret that an answer shows, after the answer was remembered for its Idempotency-Key: what
 * is remembered says which secret it is, if it has a new one, and holds none.
 */
export async function withSecret(
  secrets: WebhookSecrets,
  { body, ...answer }: ApiAnswer,
): Promise<ApiAnswer> {
  const { shown, ...said } = body as { readonly shown?: Shown };
  if (!shown) return { ...answer, body };
  return { ...answer, body: { ...said, secret: await secrets.secretOf(shown, shown.generation) } };
}
