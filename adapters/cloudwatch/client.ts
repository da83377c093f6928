import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";

/** Whoever asks can do without an answer: it is waited for shortly. */
export const cloudWatchClient = new CloudWatchClient({
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true },
});
