import { s3Client, s3Uploads } from "../../adapters/files/s3-files.ts";
import { apiHandler } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently } from "../../adapters/lambda/idempotency.ts";
import { newId, sha256Hex, systemClock } from "../../adapters/runtime.ts";
import { uploadIdSchema } from "../../core/contracts/job-types.ts";
import { requestUploadSchema } from "../../core/contracts/upload-bodies.ts";
import { ownerOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { checkUploadSize, presentUpload } from "../../core/uploads/request-upload.ts";

const deps = { links: s3Uploads(s3Client, setting("filesBucket"), systemClock), sha256Hex };

/** Its name is what a retry gets again; the link is signed anew, and is kept nowhere. */
const nameOnce = idempotently(async () => ({
  status: 201,
  body: uploadIdSchema.parse(newId().replaceAll("-", "")),
}));

export const handler = apiHandler(async (call) => {
  const body = jsonBody(call.event);
  const upload = validate(requestUploadSchema, body);
  checkUploadSize(upload);
  const { status, body: uploadId } = await nameOnce(call, body);
  const owner = ownerOf(callerOf(call.event));
  return { status, body: await presentUpload(deps, owner, uploadIdSchema.parse(uploadId), upload) };
});
