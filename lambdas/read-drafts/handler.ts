import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbDrafts } from "../../adapters/dynamodb/draft-store.ts";
import { s3Client, s3Files } from "../../adapters/files/s3-files.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { draftIdSchema, textIdSchema } from "../../core/contracts/job-types.ts";
import { pageQuerySchema, revisionSchema } from "../../core/contracts/queries.ts";
import {
  listConflicts,
  listDrafts,
  listRevisions,
  readConflict,
  readRevision,
} from "../../core/drafts/read-drafts.ts";
import { requireSight } from "../../core/perimeter/caller.ts";

const deps = {
  drafts: dynamoDbDrafts(documentClient, setting("draftsTable")),
  files: s3Files(s3Client, setting("filesBucket")),
};

export const handler = apiHandler(async ({ event }) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  requireSight(callerOf(event), creatorId);
  const { draftId: named, revision, textId } = event.pathParameters ?? {};
  if (named === undefined) {
    return ok(await listDrafts(deps, creatorId, query(event, pageQuerySchema)));
  }
  const draft = { creatorId, draftId: pathParameter(event, "draftId", draftIdSchema) };
  if (textId !== undefined) {
    return ok(await readConflict(deps, draft, pathParameter(event, "textId", textIdSchema)));
  }
  if (revision !== undefined) {
    return ok(await readRevision(deps, draft, pathParameter(event, "revision", revisionSchema)));
  }
  if (event.routeKey.endsWith("/revisions")) {
    return ok(await listRevisions(deps, draft, query(event, pageQuerySchema)));
  }
  if (event.routeKey.endsWith("/conflicts")) {
    return ok(await listConflicts(deps, draft, query(event, pageQuerySchema)));
  }
  return ok(await readRevision(deps, draft));
});
