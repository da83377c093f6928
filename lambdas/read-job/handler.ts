import { jobsFromEnvironment } from "../../adapters/dynamodb/jobs-from-environment.ts";
import { leasesFromEnvironment } from "../../adapters/dynamodb/pacing-from-environment.ts";
import { s3Client, s3Links } from "../../adapters/files/s3-files.ts";
import { apiHandler } from "../../adapters/lambda/api-handler.ts";
import { callerOf, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { newId, systemClock, systemPacing } from "../../adapters/runtime.ts";
import { jobQuerySchema } from "../../core/contracts/queries.ts";
import { waitForJob } from "../../core/jobs/follow-job.ts";
import { answerJob, seenVersion } from "../../core/jobs/present-job.ts";
import { waitingPlaces } from "../../core/jobs/waiting-places.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";

const places = waitingPlaces({
  leases: leasesFromEnvironment(),
  limits: JSON.parse(setting("longPolls")),
  pacing: systemPacing,
  newId,
  onUnavailable: (error) =>
    logger.error("cannot take or give back a place to wait", error as Error),
});
const deps = { store: jobsFromEnvironment(), places, clock: systemClock, pacing: systemPacing };
const links = s3Links(s3Client, setting("filesBucket"), systemClock);
const answering = { links, clock: systemClock, random: systemPacing.random };
/** What is left of the function's time for the place to be given back and the answer to be made. */
const answerMs = 3_000;

export const handler = apiHandler(async ({ event, context }) => {
  const { wait = 0, after } = query(event, jobQuerySchema);
  const seen = seenVersion(event.headers["if-none-match"]);
  const waitMs = Math.min(wait * 1_000, context.getRemainingTimeInMillis() - answerMs);
  const owner = ownerOf(callerOf(event));
  const jobId = event.pathParameters?.jobId ?? "";
  const followed = await waitForJob(deps, jobId, owner, { waitMs, after: after ?? seen });
  if (followed.notWaited) logger.info("did not wait", { why: followed.notWaited });
  return await answerJob(answering, followed, seen);
});
