import {
  jobChangesFromEnvironment,
  jobsFromEnvironment,
} from "../../adapters/dynamodb/jobs-from-environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { scheduledHandler } from "../../adapters/lambda/scheduled.ts";
import { tendJobs } from "../../core/jobs/tend-jobs.ts";

const deps = { ...jobChangesFromEnvironment(), lists: jobsFromEnvironment() };

export const handler = scheduledHandler(async ({ deadlineMs }) => {
  logger.info("jobs tended", await tendJobs(deps, deadlineMs));
});
