import type { SecretGeneration, WebhookEndpoint } from "./endpoint.ts";

type Whose = Pick<WebhookEndpoint, "owner" | "endpointId">;
/** With the time, so that an id that is used again does not bring back a secret. */
type Which = Pick<SecretGeneration, "generation" | "createdAtMs">;

/** Secrets that follow from one of ours, so that no table holds any. */
export interface WebhookSecrets {
  /** `whsec_…`, as Standard Webhooks has it. */
  secretOf(whose: Whose, which: Which): Promise<string>;
  /** The value of `webhook-signature`: one signature for each secret. */
  sign(
    whose: Whose,
    secrets: readonly Which[],
    message: { readonly id: string; readonly atMs: number; readonly body: string },
  ): Promise<string>;
}
