import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { expect } from "vitest";
import type { Cloud } from "../../../local/cloud.ts";
import { sdk } from "./fixture-assembly.ts";

/** The files of a running cloud, for what no request can bring about, such as a loss. */
export function cloudFiles(cloud: Cloud) {
  const client = new S3Client(sdk(cloud.queues.url));
  const bucket = cloud.resources.find(
    ({ type, logicalId }) => type === "AWS::S3::Bucket" && logicalId.startsWith("Files"),
  );
  const Bucket = bucket?.ref ?? expect.unreachable("there is no bucket of files");
  return {
    async delete(Key: string) {
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
    },
    async put(Key: string, Body: Uint8Array) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body }));
    },
    async list(Prefix: string): Promise<string[]> {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix }));
      return Contents.map(({ Key = "" }) => Key);
    },
    async read(Key: string): Promise<Uint8Array> {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      return (await Body?.transformToByteArray()) ?? expect.unreachable(`${Key} is empty`);
    },
    stop: () => client.destroy(),
  };
}

export type CloudFiles = ReturnType<typeof cloudFiles>;
