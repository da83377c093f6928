import {
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { limits } from "../../core/contracts/limits.ts";
import type { FileLinks, FileStore, UploadLinks } from "../../core/files/file-store.ts";
import type { Clock } from "../../core/values/time.ts";

/** One for each execution environment. */
export const s3Client = new S3Client({
  maxAttempts: 3,
  // A pre-signed URL must not ask its holder for a checksum.
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 20_000, throwOnRequestTimeout: true },
});

export function s3Files(client: S3Client, bucket: string): FileStore {
  const at = (Key: string) => ({ Bucket: bucket, Key });
  return {
    async put(key, body, contentType) {
      const what = { Body: body, ContentType: contentType };
      await client.send(new PutObjectCommand({ ...at(key), ...what }));
    },
    async read(key, maxBytes) {
      try {
        const { Body, ContentLength = 0 } = await client.send(new GetObjectCommand(at(key)));
        if (ContentLength > maxBytes) {
          throw new Error(`${key} has ${ContentLength} bytes, more than ${maxBytes}`);
        }
        return await Body?.transformToByteArray();
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    async describe(key) {
      try {
        const { ContentLength, ContentType } = await client.send(new HeadObjectCommand(at(key)));
        return { bytes: ContentLength ?? 0, contentType: ContentType ?? "" };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
  };
}

/** Without the right to list a bucket, S3 says 403 of a key that is not there. */
function isMissing(error: unknown): boolean {
  if (error instanceof NoSuchKey || error instanceof NotFound) return true;
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 403;
}

/** Links that the function's own role signs: they can do no more than it can, and last no longer. */
export function s3Links(client: S3Client, bucket: string, clock: Clock): FileLinks {
  return {
    async linkTo(key, fileName) {
      const command = new GetObjectCommand({
        ...{ Bucket: bucket, Key: key },
        ResponseContentDisposition: `attachment; filename="${fileName.replace(/[^\w.-]/g, "_")}"`,
      });
      const expiresAtMs = clock.nowMs() + limits.fileLinkTtlMs;
      const url = await getSignedUrl(client, command, { expiresIn: limits.fileLinkTtlMs / 1_000 });
      return { url, expiresAtMs };
    },
  };
}

/** The same for what callers upload: S3 refuses other headers than those that were signed. */
export function s3Uploads(client: S3Client, bucket: string, clock: Clock): UploadLinks {
  return {
    async uploadTo(key, contentType, bytes) {
      const command = new PutObjectCommand({
        ...{ Bucket: bucket, Key: key, ContentType: contentType, ContentLength: bytes },
      });
      const expiresAtMs = clock.nowMs() + limits.fileLinkTtlMs;
      const url = await getSignedUrl(client, command, {
        expiresIn: limits.fileLinkTtlMs / 1_000,
        // Left to itself it signs the length only.
        signableHeaders: new Set(["host", "content-length", "content-type"]),
      });
      return { url, expiresAtMs };
    },
  };
}
