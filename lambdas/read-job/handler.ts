import { jobsFromEnvironment } from "../../adapters/dynamodb/jobs-from-environment.ts";
import { s3Client, s3Links } from "../../adapters/files/s3-files.ts";
import { apiHandler } from "../../adapters/lambda/api-handler.ts";
import { callerOf, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { jobQuerySchema } from "../../core/contracts/queries.ts";
import { waitForJob } from "../../core/jobs/follow-job.ts";
import { answerJob, seenVersion } from "../../core/jobs/present-job.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";

const deps = { store: jobsFromEnvironment(), clock: systemClock, pacing: systemPacing };
const links = s3Links(s3Client, setting("filesBucket"), systemClock);
/** What is left of the function's time for the answer to be made. */
const answerMs = 2_000;

export const handler = apiHandler(async ({ event, context }) => {
  const { wait = 0, after } = query(event, jobQuerySchema);
  const seen = seenVersion(event.headers["if-none-match"]);
  const waitMs = Math.min(wait * 1_000, context.getRemainingTimeInMillis() - answerMs);
  const owner = ownerOf(callerOf(event));
  const jobId = event.pathParameters?.jobId ?? "";
  const job = await waitForJob(deps, jobId, owner, { waitMs, after: after ?? seen });
  return await answerJob(job, links, seen, systemClock);
});
