import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbDrafts } from "../../adapters/dynamodb/draft-store.ts";
import { s3Client, s3Files } from "../../adapters/files/s3-files.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { jobHandler } from "../../adapters/lambda/job-handler.ts";
import { systemClock } from "../../adapters/runtime.ts";
import type { AdmittedDraft } from "../../core/drafts/admit-draft.ts";
import { saveDraft } from "../../core/drafts/save-draft.ts";

const deps = {
  drafts: dynamoDbDrafts(documentClient, setting("draftsTable")),
  files: s3Files(s3Client, setting("filesBucket")),
  clock: systemClock,
};

export const handler = jobHandler<"draft.save", AdmittedDraft>("draft.save", (run) =>
  saveDraft(deps, run),
);
