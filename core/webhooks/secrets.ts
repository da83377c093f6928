import type { WebhookEndpoint } from "./endpoint.ts";

type Whose = Pick<WebhookEndpoint, "owner" | "endpointId">;

/** Secrets that follow from one of ours, so that no table holds any. */
export interface WebhookSecrets {
  /** `whsec_…`, as Standard Webhooks has it. */
  secretOf(whose: Whose, generation: number): Promise<string>;
  /** The value of `webhook-signature`: one signature for each generation. */
  sign(
    whose: Whose,
    generations: readonly number[],
    message: { readonly id: string; readonly atMs: number; readonly body: string },
  ): Promise<string>;
}
