import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { EventBus } from "../events/event-bus.ts";
import type { Fauxqs } from "../sqs/fauxqs.ts";
import { boolean, readProperties } from "../templates/properties.ts";
import { account } from "../templates/resource-types.ts";
import type { Resource } from "../templates/resources.ts";
import { type BucketCors, bucketCorsHeaders, bucketCorsShape } from "./cors.ts";
import type { FauxqsReply, S3Object } from "./fauxqs-s3.ts";
import { type Refusal, refusalOf } from "./presigned.ts";

const bucketShape = {
  BucketName: z.string().optional(),
  CorsConfiguration: bucketCorsShape.optional(),
  NotificationConfiguration: z
    .strictObject({
      EventBridgeConfiguration: z
        .strictObject({ EventBridgeEnabled: boolean.default(true) })
        .optional(),
    })
    .default({}),
  VersioningConfiguration: z
    .strictObject({ Status: z.literal("Suspended", { error: "no versions are kept" }) })
    .optional(),
};
/** Who may read, what is encrypted, logged, and deleted when: not carried out here. */
const ignored = [
  "BucketEncryption",
  "LifecycleConfiguration",
  "LoggingConfiguration",
  "OwnershipControls",
  "PublicAccessBlockConfiguration",
  "Tags",
];

interface Bucket {
  readonly name: string;
  readonly cors: BucketCors | undefined;
  readonly announces: boolean;
}

/** Creates the buckets and lets requests in: signed ones only, as nothing here is public. */
export function openBuckets(resources: readonly Resource[], fauxqs: Fauxqs, bus: EventBus): void {
  const buckets = new Map(resources.map(readBucket).map((bucket) => [bucket.name, bucket]));
  for (const name of buckets.keys()) fauxqs.s3.createBucket(name);
  announceObjects(buckets, fauxqs, bus);
  fauxqs.guardS3((request, reply) => {
    const name = /^\/([\w.-]*)/.exec(request.url)?.[1] ?? "";
    const headers = bucketCorsHeaders(buckets.get(name)?.cors, request);
    for (const [header, value] of Object.entries(headers)) reply.header(header, value);
    if (request.method === "OPTIONS") {
      const allowed = "access-control-allow-origin" in headers;
      if (allowed) reply.status(200).send();
      else refuse(reply, { code: "AccessForbidden", message: "CORSResponse: not allowed." });
      return true;
    }
    const refusal = refusalOf(request, Date.now());
    if (refusal !== undefined) refuse(reply, refusal);
    return refusal !== undefined;
  });
}

function readBucket(resource: Resource): Bucket {
  const properties = readProperties(resource, bucketShape, ignored);
  const { EventBridgeConfiguration: events } = properties.NotificationConfiguration;
  return {
    name: resource.ref,
    cors: properties.CorsConfiguration,
    announces: events?.EventBridgeEnabled ?? false,
  };
}

function refuse(reply: FauxqsReply, { code, message }: Refusal): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  reply.status(403).header("content-type", "application/xml").send(body);
}

/** An object and what is said about it are durable together, or neither is. */
function announceObjects(
  buckets: ReadonlyMap<string, Bucket>,
  { s3, transaction }: Fauxqs,
  bus: EventBus,
): void {
  const announce = (bucket: string, type: string, object: object, facts: object) => {
    if (!buckets.get(bucket)?.announces) return;
    const sequencer = `${Date.now().toString(16).padStart(12, "0")}${randomBytes(2).toString("hex")}`;
    bus.publish({
      Source: "aws.s3",
      DetailType: type,
      Resources: [`arn:aws:s3:::${bucket}`],
      Detail: JSON.stringify({
        version: "0",
        bucket: { name: bucket },
        object: { ...object, sequencer: sequencer.toUpperCase() },
        "request-id": randomBytes(8).toString("hex").toUpperCase(),
        requester: account,
        "source-ip-address": "127.0.0.1",
        ...facts,
      }),
    });
  };
  const created = (bucket: string, { key, contentLength, etag }: S3Object, reason: string) =>
    announce(
      bucket,
      "Object Created",
      { key, size: contentLength, etag: etag.replaceAll('"', "") },
      { reason },
    );
  const put = s3.putObject.bind(s3);
  s3.putObject = (bucket, ...rest) =>
    transaction(() => {
      const object = put(bucket, ...rest);
      created(bucket, object, "PutObject");
      return object;
    });
  const complete = s3.completeMultipartUpload.bind(s3);
  s3.completeMultipartUpload = (uploadId, ...rest) =>
    transaction(() => {
      const bucket = s3.multipartUploads.get(uploadId)?.bucket ?? "";
      const object = complete(uploadId, ...rest);
      created(bucket, object, "CompleteMultipartUpload");
      return object;
    });
  const remove = s3.deleteObject.bind(s3);
  s3.deleteObject = (bucket, key) =>
    transaction(() => {
      const existed = s3.buckets.get(bucket)?.has(key) ?? false;
      remove(bucket, key);
      const facts = { reason: "DeleteObject", "deletion-type": "Permanently Deleted" };
      if (existed) announce(bucket, "Object Deleted", { key }, facts);
    });
}
