import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cloudForTest, startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import {
  fixtureBucket,
  fixtureFunction,
  fixtureQueue,
  sdk,
  withSdk,
  writeAssembly,
} from "./support/fixture-assembly.ts";

const origin = "https://app.example";
const resources = {
  Files: fixtureBucket("files", {
    BucketEncryption: { ServerSideEncryptionConfiguration: [] },
    PublicAccessBlockConfiguration: { BlockPublicAcls: true },
    OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
    LifecycleConfiguration: { Rules: [{ Status: "Enabled", ExpirationInDays: 7 }] },
    VersioningConfiguration: { Status: "Suspended" },
    CorsConfiguration: {
      CorsRules: [
        {
          AllowedMethods: ["PUT"],
          AllowedOrigins: [origin],
          AllowedHeaders: ["content-*"],
          ExposedHeaders: ["etag"],
          MaxAge: 60,
        },
      ],
    },
    NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
  }),
  Quiet: { Type: "AWS::S3::Bucket", Properties: {} },
  Policy: { Type: "AWS::S3::BucketPolicy", Properties: { Bucket: { Ref: "Files" } } },
  Arrived: fixtureQueue("arrived"),
  Rule: {
    Type: "AWS::Events::Rule",
    Properties: {
      EventPattern: { source: ["aws.s3"], detail: { bucket: { name: [{ Ref: "Files" }] } } },
      Targets: [{ Id: "one", Arn: { "Fn::GetAtt": ["Arrived", "Arn"] } }],
    },
  },
  Writer: fixtureFunction("writer", { Environment: { Variables: { BUCKET: { Ref: "Quiet" } } } }),
};
const writer = `${withSdk}
const { S3Client, PutObjectCommand, GetObjectCommand } = require("@aws-sdk/client-s3");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");
const s3 = new S3Client({});
export const handler = async ({ text }) => {
  const file = { Bucket: process.env.BUCKET, Key: "a b/ü.txt" };
  await s3.send(new PutObjectCommand({ ...file, Body: text, ContentType: "text/plain" }));
  return getSignedUrl(s3, new GetObjectCommand(file), { expiresIn: 60 });
};`;

let cloud: TestCloud;
let s3: S3Client;
let assemblyDir: string;
beforeAll(async () => {
  assemblyDir = writeAssembly({ resources, bundles: { writer } });
  cloud = await startTestCloud({ assemblyDir });
  s3 = new S3Client(sdk(cloud.queues.url));
});
afterAll(() => stopTestCloud(cloud));

const put = (Key: string, Body: string | Buffer, Bucket = "files") =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body }));
const read = async (Key: string) => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: "files", Key }));
  return Body?.transformToString();
};
const announced = () => {
  const received = cloud.queues.get("arrived").receive(100);
  cloud.queues.get("arrived").delete(received.map(({ receiptHandle }) => receiptHandle));
  return received.map(({ message }) => JSON.parse(message.body));
};

describe("a bucket", () => {
  test("keeps objects, lists them and deletes them", async () => {
    await put("one/a", "A");
    await put("one/b", "B");
    await put("two", "2");
    expect(await read("one/a")).toBe("A");
    const list = await s3.send(new ListObjectsV2Command({ Bucket: "files", Prefix: "one/" }));
    expect(list.Contents?.map(({ Key }) => Key)).toEqual(["one/a", "one/b"]);
    await s3.send(new DeleteObjectCommand({ Bucket: "files", Key: "one/a" }));
    await expect(read("one/a")).rejects.toMatchObject({ name: "NoSuchKey" });
    const gone = put("x", "x", "no-such-bucket");
    await expect(gone).rejects.toMatchObject({ name: "NoSuchBucket" });
  });

  test("takes a large object and a long key", async () => {
    const Key = `long/${"k".repeat(900)}`;
    await put(Key, Buffer.alloc(20 * 1_048_576, "x"));
    const head = await s3.send(new HeadObjectCommand({ Bucket: "files", Key }));
    expect(head.ContentLength).toBe(20 * 1_048_576);
  });

  test("tells the default bus of objects, if its template says so", async () => {
    announced();
    await put("report.csv", "12345");
    await s3.send(new PutObjectCommand({ Bucket: "fixture-quiet", Key: "x", Body: "x" }));
    await s3.send(new DeleteObjectCommand({ Bucket: "files", Key: "report.csv" }));
    await s3.send(new DeleteObjectCommand({ Bucket: "files", Key: "report.csv" }));
    const events = announced();
    expect(events).toHaveLength(2);
    expect(events[0]).toMatchObject({
      source: "aws.s3",
      "detail-type": "Object Created",
      resources: ["arn:aws:s3:::files"],
      detail: {
        version: "0",
        bucket: { name: "files" },
        object: { key: "report.csv", size: 5, etag: "827ccb0eea8a706c4c34a16891f84e7b" },
        reason: "PutObject",
      },
    });
    expect(events[1]).toMatchObject({
      "detail-type": "Object Deleted",
      detail: { object: { key: "report.csv" }, "deletion-type": "Permanently Deleted" },
    });
  });

  test("announces an upload in parts when it is complete", async () => {
    announced();
    const file = { Bucket: "files", Key: "parts" };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(file));
    const part = { ...file, UploadId, PartNumber: 1 };
    const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body: "whole" }));
    expect(announced()).toEqual([]);
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ ...file, UploadId, MultipartUpload }));
    expect(await read("parts")).toBe("whole");
    expect(announced()).toMatchObject([
      { detail: { object: { key: "parts", size: 5 }, reason: "CompleteMultipartUpload" } },
    ]);
  });
});

describe("a pre-signed URL", () => {
  const signed = (command: GetObjectCommand | PutObjectCommand, expiresIn = 60) =>
    getSignedUrl(s3, command, { expiresIn });
  const errorCode = async (answer: Response) =>
    /<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1];

  test("made by a function, which has no local branch, opens for anyone", async () => {
    const url = String(await cloud.invoke("writer", { text: "grüße" }));
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/plain");
    expect(await answer.text()).toBe("grüße");
  });

  test("names the file that a browser is to save", async () => {
    await put("statement", "%PDF");
    const ResponseContentDisposition = 'attachment; filename="a.pdf"';
    const wanted = { ResponseContentDisposition, ResponseContentType: "application/pdf" };
    const get = new GetObjectCommand({ Bucket: "files", Key: "statement", ...wanted });
    const { headers } = await fetch(await signed(get));
    expect(headers.get("content-disposition")).toBe(ResponseContentDisposition);
    expect(headers.get("content-type")).toBe("application/pdf");
  });

  test("uploads from a page whose origin the bucket allows", async () => {
    const url = await signed(new PutObjectCommand({ Bucket: "files", Key: "up" }));
    const ask = (from: string) =>
      fetch(url, {
        method: "OPTIONS",
        headers: {
          origin: from,
          "access-control-request-method": "PUT",
          "access-control-request-headers": "content-type",
        },
      });
    expect((await ask("https://other.example")).status).toBe(403);
    const preflight = await ask(origin);
    expect(preflight.status).toBe(200);
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "PUT",
      "access-control-allow-headers": "content-type",
      "access-control-max-age": "60",
    });
    const headers = { origin, "content-type": "text/csv" };
    const answer = await fetch(url, { method: "PUT", headers, body: "a,b" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-expose-headers")).toBe("etag");
    expect(await read("up")).toBe("a,b");
  });

  test("opens nothing but what was signed, and not for longer", async () => {
    await put("mine", "mine");
    await put("other", "other");
    const get = new GetObjectCommand({ Bucket: "files", Key: "mine" });
    const url = await signed(get);
    expect((await fetch(url)).status).toBe(200);
    const changes: Record<string, [string, RequestInit?]> = {
      "another key": [url.replace("/mine?", "/other?")],
      "another method": [url, { method: "PUT", body: "x" }],
      "a longer life": [url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")],
    };
    for (const [change, [target, init]] of Object.entries(changes)) {
      expect(await errorCode(await fetch(target, init)), change).toBe("SignatureDoesNotMatch");
    }
    const [bare = ""] = url.split("?");
    expect(await errorCode(await fetch(bare))).toBe("AccessDenied");
    const signingDate = new Date(Date.now() - 61_000);
    const old = await getSignedUrl(s3, get, { expiresIn: 60, signingDate });
    expect(await (await fetch(old)).text()).toContain("Request has expired");
    const stranger = new S3Client({
      ...sdk(cloud.queues.url),
      credentials: { accessKeyId: "stranger", secretAccessKey: "local" },
    });
    const foreign = await getSignedUrl(stranger, get);
    expect(await errorCode(await fetch(foreign))).toBe("InvalidAccessKeyId");
  });
});

test("objects are kept when the copy starts again", async () => {
  const first = await startTestCloud({ assemblyDir });
  const client = new S3Client(sdk(first.queues.url));
  await client.send(new PutObjectCommand({ Bucket: "files", Key: "kept", Body: "kept" }));
  await first.stop();
  const second = await cloudForTest({ assemblyDir, dataDir: first.dataDir.path });
  const again = new S3Client(sdk(second.queues.url));
  const { Body } = await again.send(new GetObjectCommand({ Bucket: "files", Key: "kept" }));
  expect(await Body?.transformToString()).toBe("kept");
});

test("versions, which are not kept, are an error", async () => {
  const Files = fixtureBucket("files", { VersioningConfiguration: { Status: "Enabled" } });
  await expect(
    cloudForTest({ assemblyDir: writeAssembly({ resources: { Files } }) }),
  ).rejects.toThrow(/Fixture\/Files.*no versions are kept/);
});
