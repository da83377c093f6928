import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbFailures } from "../../adapters/dynamodb/failure-log.ts";
import { jobsFromEnvironment } from "../../adapters/dynamodb/jobs-from-environment.ts";
import { lettersFromEnvironment } from "../../adapters/dynamodb/letters-from-environment.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { publishBy } from "../../adapters/lambda/metrics.ts";
import { scheduledHandler } from "../../adapters/lambda/scheduled.ts";
import { traceLetter } from "../../adapters/lambda/traces.ts";
import { sha256Hex, systemClock } from "../../adapters/runtime.ts";
import { sqsDeadLetterQueues } from "../../adapters/sqs/dead-letter-queues.ts";
import { queueUrls } from "../../adapters/sqs/queue-urls.ts";
import { deadLetterQueuesOf, deadLettersOpen } from "../../core/contracts/dead-letter-sources.ts";
import {
  type ArchiveDeps,
  archiveLetters,
  causeWithId,
} from "../../core/dead-letters/archive-letters.ts";
import { countOpen } from "../../core/dead-letters/count-open.ts";
import { followJobs } from "../../core/dead-letters/redrive-letters.ts";

const queues = deadLetterQueuesOf(JSON.parse(setting("deadLetterSources")));
const deps: ArchiveDeps = {
  queues: sqsDeadLetterQueues(queueUrls(setting("queuePrefix"))),
  letters: lettersFromEnvironment(),
  failures: dynamoDbFailures(documentClient, setting("deadLettersTable")),
  clock: systemClock,
  sha256Hex,
  onArchived: traceLetter,
  onFailed: (queue, error) => logger.error("not emptied", { queue, error }),
};

const causeIdOf = (errorClass: string, message: string) =>
  causeWithId(sha256Hex, { errorClass, message }).causeId;

export const handler = scheduledHandler(async ({ deadlineMs }) => {
  const { archived, failed } = await archiveLetters(deps, queues, deadlineMs);
  await followJobs({ ...deps, jobs: jobsFromEnvironment() }, causeIdOf);
  const open = await countOpen(deps.letters);
  if (archived > 0) logger.warn("dead letters archived", { archived });
  for (const [queue, count] of open) publishBy(["queue", queue], deadLettersOpen, count);
  if (failed > 0) throw new Error(`${failed} dead letter queues could not be emptied`);
});
