import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

/** One for each execution environment. */
export const secretsManagerClient = new SecretsManagerClient({
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true },
});
