import { randomUUID } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits } from "../../core/contracts/limits.ts";
import { type Answer, type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { type CloudFiles, cloudFiles } from "./support/cloud-files.ts";
import { type JobClient, jobClient } from "./support/job-client.ts";

let cloud: TestCloud;
let api: ApiClient;
let token: string;
let ada: JobClient;
let files: CloudFiles;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  token = await cloud.mintToken({ role: "creator", id: "ada" });
  ada = jobClient(api, token);
  files = cloudFiles(cloud);
});
afterAll(async () => {
  files.stop();
  await stopTestCloud(cloud);
});

const worker = "pennyline-local-run-image-process";
const codeOf = ({ body }: Answer) => body.type?.split(":").at(-1);
const ask = (body: object, key: string = randomUUID(), by = token): Promise<Answer> =>
  api.call("POST", "/v1/uploads", { token: by, body, headers: { "idempotency-key": key } });
const put = (url: string, body: Uint8Array, type: string) =>
  fetch(url, { method: "PUT", body: Buffer.from(body), headers: { "content-type": type } });

async function upload(bytes: Uint8Array, contentType = "image/jpeg"): Promise<string> {
  const { status, body } = await ask({ contentType, bytes: bytes.length, purpose: "cover" });
  expect([status, body.method]).toEqual([201, "PUT"]);
  expect((await put(body.url, bytes, contentType)).status).toBe(200);
  return body.uploadId;
}

async function processed(bytes: Uint8Array, contentType?: string): Promise<Answer["body"]> {
  const uploadId = await upload(bytes, contentType);
  return await ada.finished(await ada.request("image.process", { uploadId }));
}

/** Colours that change from side to side, so that what is upright can be told. */
function picture(width: number, height: number) {
  const pixels = Buffer.alloc(width * height * 3);
  for (let at = 0; at < width * height; at += 1) {
    pixels[at * 3] = at % width < width / 2 ? 250 : 5;
    pixels[at * 3 + 1] = Math.floor(at / width) < height / 2 ? 250 : 5;
    pixels[at * 3 + 2] = (at * 7919) % 40;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** A PNG of zeros as a header says: a few kilobytes that unpack to as much as one likes. */
function zeros(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const named = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length);
    frame.writeUInt32BE(crc32(named), 4);
    return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const rows = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height));
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    ...[chunk("IHDR", header), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))],
  ]);
}

describe("a cover", () => {
  test("becomes sizes and formats for the web, upright, and says nothing but its pixels", async () => {
    const jpeg = await picture(2_000, 1_500)
      .withExif({
        IFD0: { Make: "Secretive", Model: "Camera 7" },
        IFD3: { GPSLatitudeRef: "N", GPSLatitude: "52/1 31/1 0/1" },
      })
      .withIccProfile("p3")
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    expect(jpeg.includes("Secretive")).toBe(true);
    const done = await processed(jpeg);
    expect(done).toMatchObject({
      ...{ state: "succeeded", progress: { percent: 100, message: "12 files are ready" } },
      // A quarter turn: what was 2,000 wide is 2,000 high.
      result: { source: { format: "jpeg", width: 1_500, height: 2_000, bytes: jpeg.length } },
    });
    const widths = [320, 640, 1_280, 1_500];
    const formats = ["avif", "webp", "jpeg"];
    const names = widths.flatMap((width) => formats.map((format) => `${width}.${format}`));
    expect(done.files.map(({ name }: { name: string }) => name)).toEqual(names);
    for (const { name, url, contentType, bytes } of done.files) {
      const answer = await fetch(url);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, contentType]);
      const body = Buffer.from(await answer.arrayBuffer());
      expect(body.length).toBe(bytes);
      const { format, width, exif, icc, xmp, orientation } = await sharp(body).metadata();
      const [size, kind] = name.split(".");
      expect([width, format]).toEqual([Number(size), kind === "avif" ? "heif" : kind]);
      expect([exif, icc, xmp, orientation]).toEqual([undefined, undefined, undefined, undefined]);
      expect(body.includes("Secretive")).toBe(false);
      // Top right is what was top left before the turn: red and green.
      const corner = { left: Number(size) - 40, top: 20, width: 10, height: 10 };
      const part = await sharp(body).extract(corner).png().toBuffer();
      const { channels } = await sharp(part).stats();
      expect(channels.slice(0, 2).every(({ mean }) => mean > 200)).toBe(true);
    }
  });

  test("is never enlarged; transparency stays where a format has it, and is white where it has not", async () => {
    const color = { r: 255, g: 0, b: 0, alpha: 0 };
    const create = { width: 200, height: 100, channels: 4, background: color } as const;
    // Called a JPEG: what it is, its bytes say.
    const done = await processed(await sharp({ create }).png().toBuffer(), "image/jpeg");
    expect(done.result.source).toMatchObject({ format: "png", width: 200, height: 100 });
    expect(done.files.map(({ name }: { name: string }) => name)).toEqual([
      "200.avif",
      "200.webp",
      "200.jpeg",
    ]);
    const [, webp, jpeg] = await Promise.all(
      done.files.map(async ({ url }: { url: string }) => (await fetch(url)).arrayBuffer()),
    );
    expect((await sharp(webp).metadata()).hasAlpha).toBe(true);
    const { channels } = await sharp(jpeg).stats();
    expect(channels.every(({ mean }) => mean > 250)).toBe(true);
  });

  test.each(["webp", "avif", "gif"] as const)("may be %s, too", async (format) => {
    const done = await processed(await picture(2_000, 60).toFormat(format).toBuffer());
    expect(done.result.source).toMatchObject({ format, width: 2_000, height: 60 });
    expect(done.files).toHaveLength(12);
  });
});

describe("what is no picture is refused, and the problem says what to upload", () => {
  const jpeg = picture(600, 400).jpeg().toBuffer();
  const text = (content: string) => async () => Buffer.from(content);
  const gif = (screen: string, frames: number) =>
    Buffer.from(
      `GIF89a${screen}\x80\0\0\0\0\0\xff\xff\xff${`!\xf9\x04\0\x0a\0\0\0,\0\0\0\0${screen}\0\x02\x02D\x01\0`.repeat(frames)};`,
      "latin1",
    );
  const cut = async () => (await jpeg).subarray(0, (await jpeg).length / 2);

  test.each<[string, () => Promise<Buffer>, string, string]>([
    [
      "30,000 x 30,000 pixels of nothing",
      async () => zeros(30_000, 30_000),
      "image-too-large",
      "at most 50 million",
    ],
    ["a picture 20,000 pixels high", async () => zeros(8, 20_000), "image-too-large", "16000"],
    [
      "a GIF that claims a huge screen",
      async () => gif("\xff\xff\xff\xff", 1),
      "image-too-large",
      "at most",
    ],
    ["a GIF that moves", async () => gif("\x01\0\x01\0", 400), "image-moves", "does not move"],
    ["a text called a JPEG", text("Call me Ishmael."), "not-an-image", "JPEG, PNG, WebP or AVIF"],
    [
      "SVG",
      text(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`),
      "not-an-image",
      "Export it as PNG",
    ],
    ["a web page", text("<!doctype html><script>alert(1)</script>"), "not-an-image", "web page"],
    ["PDF", text("%PDF-1.7\n1 0 obj"), "not-an-image", "PDF document"],
    [
      "HEIC",
      async () => Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"),
      "not-an-image",
      "HEIC",
    ],
    ["half a JPEG", cut, "image-damaged", "Export it again"],
    [
      "nothing but the beginning of a PNG",
      async () => zeros(10, 10).subarray(0, 12),
      "image-damaged",
      "Export it again",
    ],
  ])("%s", async (_, make, code, says) => {
    const done = await processed(await make());
    expect(done).toMatchObject({
      ...{ state: "failed", attempts: 1 },
      error: { type: `urn:pennyline:problem:${code}`, detail: expect.stringContaining(says) },
    });
    expect(await files.list(`images/${done.jobId}/`)).toEqual([]);
  });
});

describe("an upload", () => {
  const cover = { contentType: "image/jpeg", bytes: 1_000, purpose: "cover" };

  test("takes the file that was named, and no other", async () => {
    const { body } = await ask(cover);
    expect(body.headers).toEqual({ "content-type": "image/jpeg", "content-length": "1000" });
    const bytes = Buffer.alloc(1_000);
    expect((await put(body.url, Buffer.alloc(1_001), "image/jpeg")).status).toBe(403);
    expect((await put(body.url, bytes, "text/html")).status).toBe(403);
    const elsewhere = body.url.replace(body.uploadId, "0".repeat(32));
    expect((await put(elsewhere, bytes, "image/jpeg")).status).toBe(403);
    expect((await fetch(body.url)).status).toBe(403);
    expect((await put(body.url, bytes, "image/jpeg")).status).toBe(200);
  });

  test("I6, I7: asked for again it is the same, with a link that works; otherwise a 409", async () => {
    const key = randomUUID();
    const [one, again] = [await ask(cover, key), await ask(cover, key)];
    expect(again.body.uploadId).toBe(one.body.uploadId);
    expect((await put(again.body.url, Buffer.alloc(1_000), "image/jpeg")).status).toBe(200);
    expect((await ask({ ...cover, bytes: 5 }, key)).status).toBe(409);
  });

  test.each([
    ["contentType", { contentType: "image/svg+xml" }, 400],
    ["contentType", { contentType: "text/html" }, 400],
    ["bytes", { bytes: 0 }, 400],
    ["bytes", { bytes: "1000" }, 400],
    ["purpose", { purpose: "avatar" }, 400],
    [undefined, { bytes: limits.maxUploadBytes + 1 }, 413],
  ])("with a wrong %s is refused: %j", async (field, wrong, status) => {
    const answer = await ask({ ...cover, ...wrong });
    expect([answer.status, answer.body.errors?.[0].field]).toEqual([status, field]);
  });

  test("of another owner, or not sent yet, is not there for a job", async () => {
    const { uploadId } = (await ask(cover)).body;
    const early = await ada.post({ type: "image.process", payload: { uploadId } });
    expect([early.status, codeOf(early)]).toEqual([404, "not-uploaded"]);
    const sent = await upload(await picture(30, 30).jpeg().toBuffer());
    const bob = jobClient(api, await cloud.mintToken({ role: "creator", id: "bob" }));
    for (const other of [bob, jobClient(api)]) {
      const refused = await other.post({ type: "image.process", payload: { uploadId: sent } });
      expect([refused.status, codeOf(refused)]).toEqual([404, "not-uploaded"]);
    }
    const wrong = await ada.post({ type: "image.process", payload: { uploadId: "../x" } });
    expect([wrong.status, wrong.body.errors[0].field]).toEqual([400, "payload.uploadId"]);
  });
});

describe("Q7: a worker that is killed", () => {
  const finishedState = async (jobId: string) => {
    cloud.returnFailed(worker);
    return (await ada.read(jobId)).body.state;
  };
  const patiently = { timeout: 50_000, interval: 100 };

  test("goes on where it was: what had been made is not made again", async () => {
    const uploadId = await upload(await picture(1_300, 900).jpeg().toBuffer());
    const fault = { kind: "kill-at-call", call: 14, when: "after" } as const;
    cloud.faults.once({ on: "invocation", function: worker, fault });
    const jobId = await ada.request("image.process", { uploadId });
    await expect
      .poll(async () => (await ada.read(jobId)).body.progress.percent, patiently)
      .toBeGreaterThan(15);
    // As one can tell when the first is taken away.
    const [first = ""] = await files.list(`images/${jobId}/320.avif`);
    await files.delete(first);
    await expect.poll(() => finishedState(jobId), patiently).toBe("succeeded");
    expect((await ada.read(jobId)).body).toMatchObject({ attempts: 2, files: { length: 12 } });
    expect(await files.list(`images/${jobId}/`)).toHaveLength(11);
  });

  test("in the middle of its work takes nothing with it: others go on, and it ends well", async () => {
    const uploadId = await upload(await picture(1_300, 900).jpeg().toBuffer());
    for (const ms of [600, 1_200, 1_800]) {
      const fault = { kind: "kill-after", ms } as const;
      cloud.faults.once({ on: "invocation", function: worker, fault });
      const both = [0, 1].map(() => ada.request("image.process", { uploadId }));
      for (const jobId of await Promise.all(both)) {
        await expect.poll(() => finishedState(jobId), patiently).toBe("succeeded");
      }
    }
  }, 120_000);
});
