import { jobsFromEnvironment } from "../../adapters/dynamodb/jobs-from-environment.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, query } from "../../adapters/lambda/api-request.ts";
import { jobsQuerySchema } from "../../core/contracts/queries.ts";
import { listJobs } from "../../core/jobs/follow-job.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";

const jobs = jobsFromEnvironment();

export const handler = apiHandler(async ({ event }) =>
  ok(await listJobs(jobs, ownerOf(callerOf(event)), query(event, jobsQuerySchema))),
);
