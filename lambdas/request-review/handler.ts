import { documentClient } from "../../adapters/dynamodb/client.ts";
import { lettersFromEnvironment } from "../../adapters/dynamodb/letters-from-environment.ts";
import { dynamoDbReviews } from "../../adapters/dynamodb/review-store.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { apiHandler, located } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody } from "../../adapters/lambda/api-request.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { roomFromEnvironment } from "../../adapters/lambda/room.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { queueUrls } from "../../adapters/sqs/queue-urls.ts";
import { sqsQueueDepths } from "../../adapters/sqs/worker-queues.ts";
import { requestReviewSchema } from "../../core/contracts/money-bodies.ts";
import { signatureOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { measureUnrecorded } from "../../core/reviews/measure-unrecorded.ts";
import { requestReview } from "../../core/reviews/request-review.ts";
import { pathOfReview, presentReview } from "../../core/reviews/review.ts";

const looking = {
  depthOf: sqsQueueDepths(queueUrls(setting("queuePrefix"))),
  letters: lettersFromEnvironment(),
  clock: systemClock,
  onUnmeasured: (error: unknown) => logger.warn("nobody knows what is not recorded", { error }),
};
const deps = {
  store: dynamoDbReviews(documentClient, setting("registryTable")),
  bus: busFromEnvironment(),
  clock: systemClock,
  measureUnrecorded: () => measureUnrecorded(looking),
  dedupeTtlDays: numberSetting("dedupeTtlDays"),
};

const request = idempotently(async ({ event, trace }, body) => {
  const review = await requestReview(deps, validate(requestReviewSchema, body), {
    requestedBy: signatureOf(callerOf(event)),
    requestId: requestIdOf(event),
    traceparent: trace.traceparent,
  });
  return located(202, pathOfReview(review.reviewId), presentReview(review, []));
});

export const handler = apiHandler(
  roomFromEnvironment().whileThereIs("review", (call) => request(call, jsonBody(call.event))),
);
