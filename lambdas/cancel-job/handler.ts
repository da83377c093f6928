import { jobChangesFromEnvironment } from "../../adapters/dynamodb/jobs-from-environment.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf } from "../../adapters/lambda/api-request.ts";
import { cancelJob } from "../../core/jobs/follow-job.ts";
import { presentJob } from "../../core/jobs/present-job.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";

const deps = jobChangesFromEnvironment();

export const handler = apiHandler(async ({ event }) => {
  const jobId = event.pathParameters?.jobId ?? "";
  return ok(presentJob(await cancelJob(deps, jobId, ownerOf(callerOf(event)))));
});
