import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbReviews } from "../../adapters/dynamodb/review-store.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { apiHandler, located } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody } from "../../adapters/lambda/api-request.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { roomFromEnvironment } from "../../adapters/lambda/room.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { requestReviewSchema } from "../../core/contracts/money-bodies.ts";
import { signatureOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { requestReview } from "../../core/reviews/request-review.ts";
import { pathOfReview, presentReview } from "../../core/reviews/review.ts";

const deps = {
  store: dynamoDbReviews(documentClient, setting("registryTable")),
  bus: busFromEnvironment(),
  clock: systemClock,
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
