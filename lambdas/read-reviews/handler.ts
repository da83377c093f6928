import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbReviews } from "../../adapters/dynamodb/review-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { pageQuerySchema } from "../../core/contracts/queries.ts";
import { listReviews, readReview } from "../../core/reviews/read-reviews.ts";

const reviews = dynamoDbReviews(documentClient, setting("registryTable"));

export const handler = apiHandler(async ({ event }) => {
  const reviewId = event.pathParameters?.reviewId;
  if (reviewId !== undefined) return ok(await readReview(reviews, reviewId));
  return ok(await listReviews(reviews, query(event, pageQuerySchema)));
});
