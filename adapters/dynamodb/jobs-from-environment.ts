import type { ChangeDeps } from "../../core/jobs/change-job.ts";
import type { RequestDeps } from "../../core/jobs/request-job.ts";
import { problems } from "../../core/perimeter/problem.ts";
import { requireCallbackSecret } from "../../core/webhooks/callbacks.ts";
import { busFromEnvironment } from "../eventbridge/bus-from-environment.ts";
import { numberSetting, setting } from "../lambda/environment.ts";
import { logger } from "../lambda/logger.ts";
import { roomFromEnvironment } from "../lambda/room.ts";
import { urlCheckFromEnvironment } from "../outbound/outbound-from-environment.ts";
import { sha256Hex, systemClock } from "../runtime.ts";
import { documentClient } from "./client.ts";
import { dynamoDbJobs } from "./job-store.ts";
import { dynamoDbCallbackSecrets } from "./webhook-endpoints.ts";

/** The jobs of the stage. */
export function jobsFromEnvironment() {
  return dynamoDbJobs(documentClient, setting("jobsTable"), systemClock);
}

/** What it takes to change one, and to tell of it. */
export function jobChangesFromEnvironment(): ChangeDeps {
  return {
    store: jobsFromEnvironment(),
    bus: busFromEnvironment(),
    clock: systemClock,
    onUnannounced: (jobId, error) => logger.warn("not announced yet", { jobId, error }),
  };
}

/** What it takes to accept one. */
export function requestDepsFromEnvironment(admissions: RequestDeps["admissions"]): RequestDeps {
  const checkUrl = urlCheckFromEnvironment();
  const secrets = dynamoDbCallbackSecrets(documentClient, setting("webhooksTable"));
  return {
    store: jobsFromEnvironment(),
    bus: busFromEnvironment(),
    clock: systemClock,
    sha256Hex,
    retentionDays: numberSetting("jobRetentionDays"),
    async checkCallback(callbackUrl, owner) {
      const verdict = checkUrl(callbackUrl);
      if (!verdict.ok) {
        throw problems.invalid(`callbackUrl: ${verdict.detail}`, [
          { field: "callbackUrl", detail: verdict.detail },
        ]);
      }
      await requireCallbackSecret(secrets, owner);
    },
    requireRoom: roomFromEnvironment().require,
    admissions,
  };
}
