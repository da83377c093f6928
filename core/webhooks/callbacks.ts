import { problems } from "../perimeter/problem.ts";

/** Whether an owner has what callbacks are signed by: without it, nobody could trust one. */
export interface CallbackSecrets {
  exists(owner: string): Promise<boolean>;
}

/** @throws Problem 409 when a job with a `callbackUrl` could not be signed for its owner. */
export async function requireCallbackSecret(
  secrets: CallbackSecrets,
  owner: string,
): Promise<void> {
  if (await secrets.exists(owner)) return;
  throw problems.conflict(
    "no-callback-secret",
    "There is no secret to sign callbacks with",
    "Make one with POST /v1/webhook-endpoints/callbacks/secret, keep what it answers where the " +
      "callback is received, and send the job again; or leave callbackUrl out.",
  );
}
