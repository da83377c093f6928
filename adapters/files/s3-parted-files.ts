import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { PartedFiles } from "../../core/files/parted-files.ts";

/** What S3 says of an upload that ended, or whose parts another attempt replaced. */
const gone: readonly string[] = ["NoSuchUpload", "InvalidPart"];

function isGone(error: unknown): boolean {
  return error instanceof Error && gone.includes(error.name);
}

/** Multipart uploads; the bucket's lifecycle gives up those that are never completed. */
export function s3PartedFiles(client: S3Client, Bucket: string): PartedFiles {
  return {
    async begin(key, contentType) {
      const { UploadId: uploadId } = await client.send(
        new CreateMultipartUploadCommand({ Bucket, Key: key, ContentType: contentType }),
      );
      if (uploadId === undefined) throw new Error(`S3 began no upload of ${key}`);
      return { key, uploadId };
    },
    async put({ key, uploadId }, number, bytes) {
      const part = { Bucket, Key: key, UploadId: uploadId, PartNumber: number, Body: bytes };
      try {
        return (await client.send(new UploadPartCommand(part))).ETag;
      } catch (error) {
        if (isGone(error)) return undefined;
        throw error;
      }
    },
    async complete({ key, uploadId }, tags) {
      const Parts = tags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
      const upload = { Bucket, Key: key, UploadId: uploadId, MultipartUpload: { Parts } };
      try {
        await client.send(new CompleteMultipartUploadCommand(upload));
        return "completed";
      } catch (error) {
        if (isGone(error)) return "gone";
        throw error;
      }
    },
  };
}
