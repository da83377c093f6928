import type { ChangeDeps } from "../../core/jobs/change-job.ts";
import type { RequestDeps } from "../../core/jobs/request-job.ts";
import { problems } from "../../core/perimeter/problem.ts";
import { busFromEnvironment } from "../eventbridge/bus-from-environment.ts";
import { numberSetting, setting } from "../lambda/environment.ts";
import { logger } from "../lambda/logger.ts";
import { sha256Hex, systemClock } from "../runtime.ts";
import { documentClient } from "./client.ts";
import { dynamoDbJobs } from "./job-store.ts";

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
  return {
    store: jobsFromEnvironment(),
    bus: busFromEnvironment(),
    clock: systemClock,
    sha256Hex,
    retentionDays: numberSetting("jobRetentionDays"),
    async checkCallback() {
      throw problems.invalid("callbackUrl: is not known here yet; leave it out.");
    },
    async checkLoad() {},
    admissions,
  };
}
