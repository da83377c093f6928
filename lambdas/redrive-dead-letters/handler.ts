import { jobsFromEnvironment } from "../../adapters/dynamodb/jobs-from-environment.ts";
import {
  letterActionsFromEnvironment,
  lettersFromEnvironment,
} from "../../adapters/dynamodb/letters-from-environment.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { failing } from "../../adapters/lambda/failures.ts";
import { workerHandler } from "../../adapters/lambda/worker.ts";
import { sha256Hex, systemClock, systemPacing } from "../../adapters/runtime.ts";
import { queueUrls } from "../../adapters/sqs/queue-urls.ts";
import { sqsRedrive } from "../../adapters/sqs/worker-queues.ts";
import { type RedriveDeps, redriveLetters } from "../../core/dead-letters/redrive-letters.ts";

const deps: RedriveDeps = {
  letters: lettersFromEnvironment(),
  actions: letterActionsFromEnvironment(),
  jobs: jobsFromEnvironment(),
  bus: busFromEnvironment(),
  send: sqsRedrive(queueUrls(setting("queuePrefix"))),
  clock: systemClock,
  pacing: systemPacing,
  sha256Hex,
  onFailed: failing("not redriven"),
};

export const handler = workerHandler(({ deliveries, deadlineMs }) =>
  redriveLetters(deps, deliveries, deadlineMs),
);
