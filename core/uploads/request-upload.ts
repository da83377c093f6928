import type * as z from "zod";
import type { UploadId } from "../contracts/job-types.ts";
import { limits } from "../contracts/limits.ts";
import { filePrefixes } from "../contracts/storage.ts";
import type { requestUploadSchema } from "../contracts/upload-bodies.ts";
import type { UploadLinks } from "../files/file-store.ts";
import { problems } from "../perimeter/problem.ts";

type Body = z.infer<typeof requestUploadSchema>;

/** Under its owner: another one's upload is not there. Ids of people are no part of an address. */
export function uploadKey(
  sha256Hex: (text: string) => string,
  owner: string,
  uploadId: UploadId,
): string {
  return `${filePrefixes.uploads}${sha256Hex(owner)}/${uploadId}`;
}

/** @throws Problem 413 when it is more than may be uploaded. */
export function checkUploadSize({ bytes }: Body): void {
  if (bytes <= limits.maxUploadBytes) return;
  throw problems.tooLarge(
    `bytes: ${bytes} are too many; upload at most ${limits.maxUploadBytes}. A cover of 1,920 pixels ` +
      "in width needs no more than a tenth of that.",
  );
}

/** What the caller has to send where: the URL takes this one file, and nothing else. */
export async function presentUpload(
  { links, sha256Hex }: { links: UploadLinks; sha256Hex: (text: string) => string },
  owner: string,
  uploadId: UploadId,
  { contentType, bytes }: Body,
) {
  const key = uploadKey(sha256Hex, owner, uploadId);
  const { url, expiresAtMs } = await links.uploadTo(key, contentType, bytes);
  return {
    ...{ uploadId, url, method: "PUT" },
    headers: { "content-type": contentType, "content-length": String(bytes) },
    expiresAt: new Date(expiresAtMs).toISOString(),
  };
}
