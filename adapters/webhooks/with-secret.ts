import type { shownSecret } from "../../core/webhooks/present-endpoint.ts";
import type { WebhookSecrets } from "../../core/webhooks/secrets.ts";
import type { ApiAnswer } from "../lambda/api-handler.ts";

type Shown = ReturnType<typeof shownSecret>["shown"];

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
  return { ...answer, body: { ...said, secret: await secrets.secretOf(shown, shown) } };
}
