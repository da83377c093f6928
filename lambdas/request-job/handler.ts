import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbDrafts } from "../../adapters/dynamodb/draft-store.ts";
import { dynamoDbIntegrations } from "../../adapters/dynamodb/integration-store.ts";
import { requestDepsFromEnvironment } from "../../adapters/dynamodb/jobs-from-environment.ts";
import { s3Client, s3Files } from "../../adapters/files/s3-files.ts";
import { apiHandler, located } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody } from "../../adapters/lambda/api-request.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { checkIdempotencyKey, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { sha256Hex, systemClock } from "../../adapters/runtime.ts";
import { limits } from "../../core/contracts/limits.ts";
import { admitDraftJson } from "../../core/drafts/admit-draft.ts";
import { admitExport } from "../../core/exports/admit-export.ts";
import { admitImage } from "../../core/images/process-image.ts";
import { admitSync } from "../../core/integrations/admit-sync.ts";
import { pathOfJob, presentAccepted } from "../../core/jobs/present-job.ts";
import { readJobRequest, requestJob } from "../../core/jobs/request-job.ts";
import { admitFanout } from "../../core/notifications/admit-fanout.ts";
import { admitStatement } from "../../core/statements/render-statement.ts";

const integrations = dynamoDbIntegrations(documentClient, setting("registryTable"));
const files = s3Files(s3Client, setting("filesBucket"));
const deps = requestDepsFromEnvironment({
  "notification.fanout": admitFanout(dynamoDbArticles(documentClient, setting("registryTable"))),
  "image.process": admitImage({ files, sha256Hex }),
  "statement.render": admitStatement(systemClock),
  "draft.save": admitDraftJson({
    drafts: dynamoDbDrafts(documentClient, setting("draftsTable")),
    files,
    clock: systemClock,
    sha256Hex,
  }),
  "integration.sync": (payload) => admitSync(integrations, payload),
  "export.engagements": admitExport({
    clock: systemClock,
    dedupeTtlDays: numberSetting("dedupeTtlDays"),
  }),
});

// The request names the job, so its answer need not be remembered: it is made again.
export const handler = apiHandler(async (call) => {
  checkIdempotencyKey(call);
  const { event, trace } = call;
  const request = readJobRequest(jsonBody(event, { maxBytes: limits.maxJobBodyBytes }));
  const job = await requestJob(deps, request, {
    caller: callerOf(event),
    requestId: requestIdOf(event),
    traceparent: trace.traceparent,
  });
  return located(202, pathOfJob(job.jobId), presentAccepted(job));
});
