import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { requestDepsFromEnvironment } from "../../adapters/dynamodb/jobs-from-environment.ts";
import { apiHandler, located } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { checkIdempotencyKey, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { requestPublicationSchema } from "../../core/contracts/notification-bodies.ts";
import type { JsonObject } from "../../core/jobs/job.ts";
import { pathOfJob, presentAccepted } from "../../core/jobs/present-job.ts";
import { requestJob } from "../../core/jobs/request-job.ts";
import { admitFanout } from "../../core/notifications/admit-fanout.ts";
import { articleOfPublishPath } from "../../core/notifications/publish-path.ts";
import { validate } from "../../core/perimeter/validate.ts";

const articles = dynamoDbArticles(documentClient, setting("registryTable"));
const deps = requestDepsFromEnvironment({ "notification.fanout": admitFanout(articles) });

// As for every job, the request names it: a retry is answered again, not remembered.
export const handler = apiHandler(async (call) => {
  checkIdempotencyKey(call);
  const { event, trace } = call;
  const articleId = articleOfPublishPath(event.pathParameters?.articleId ?? "");
  const { callbackUrl, ...told } = validate(requestPublicationSchema, jsonBody(event));
  const payload = { articleId, ...told } as JsonObject;
  const request = { type: "notification.fanout", payload, callbackUrl } as const;
  const job = await requestJob(deps, request, {
    caller: callerOf(event),
    requestId: requestIdOf(event),
    traceparent: trace.traceparent,
  });
  return located(202, pathOfJob(job.jobId), presentAccepted(job));
});
