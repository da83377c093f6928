import type { UploadId } from "../contracts/job-types.ts";
import { limits } from "../contracts/limits.ts";
import { filePrefixes } from "../contracts/storage.ts";
import type { FileStore } from "../files/file-store.ts";
import type { JobFile, JobOutcome, JsonObject } from "../jobs/job.ts";
import type { Admission } from "../jobs/request-job.ts";
import type { JobRun } from "../jobs/run-job.ts";
import { Problem } from "../perimeter/problem.ts";
import { uploadKey } from "../uploads/request-upload.ts";
import type { Clock } from "../values/time.ts";
import { isReadable, sniffFormat } from "./image-format.ts";
import { imageProblems } from "./image-problems.ts";
import { planVariants, type Variant } from "./plan-variants.ts";

/** Of a picture that is upright. */
export interface ImageFacts {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
}

/** A picture, upright, in sRGB, no wider than its largest variant, and nothing but its pixels. */
export interface OpenImage {
  readonly width: number;
  readonly height: number;
  /** As a file of its own. */
  render(variant: Variant): Promise<Uint8Array>;
}

/** What knows about pixels. Both throw `DamagedImage` for bytes that are not what they begin as. */
export interface ImageReader {
  /** From the header, before anything is unpacked. */
  inspect(bytes: Uint8Array): Promise<ImageFacts>;
  open(bytes: Uint8Array): Promise<OpenImage>;
}

export class DamagedImage extends Error {
  override readonly name = "DamagedImage";
}

export interface ImageDeps {
  readonly files: FileStore;
  readonly images: ImageReader;
  readonly clock: Clock;
  readonly sha256Hex: (bytes: string | Uint8Array) => string;
}

export interface ImageRequest {
  readonly uploadId: UploadId;
}

/** The next variant takes a few seconds at most. */
const marginMs = 10_000;

/** Refuses a job of an upload that is not there, before it is accepted. */
export function admitImage({
  files,
  sha256Hex,
}: Pick<ImageDeps, "files" | "sha256Hex">): Admission {
  return async (payload, { owner }) => {
    const { uploadId } = payload as unknown as ImageRequest;
    const upload = await files.describe(uploadKey(sha256Hex, owner, uploadId));
    if (upload) return payload;
    throw imageProblems.notUploaded(uploadId);
  };
}

/**
 * Makes the sizes and formats of a picture that was uploaded. Each that is made is kept in the
 * checkpoint: an attempt that was killed goes on with the next.
 * @throws Problem that says what to upload instead.
 */
export async function processImage(
  { files, images, clock, sha256Hex }: ImageDeps,
  run: JobRun<ImageRequest>,
): Promise<JobOutcome> {
  const { uploadId } = run.payload;
  const key = uploadKey(sha256Hex, run.owner, uploadId);
  const bytes = await files.read(key, limits.maxUploadBytes);
  if (!bytes) throw imageProblems.notUploaded(uploadId);
  const { format, facts, image } = await openUpload(images, bytes);
  // The URL could be used again, with another picture.
  const source = sha256Hex(bytes);
  const made = filesMadeOf(run.checkpoint, source);
  const variants = planVariants(image.width);
  for (const variant of variants.slice(made.length)) {
    if (clock.nowMs() + marginMs > run.deadlineMs) return { kind: "unfinished" };
    const file = await make(files, run.jobId, image, variant);
    made.push(file);
    await run.report(
      {
        percent: (100 * made.length) / variants.length,
        message: `Made ${made.length} of ${variants.length} files`,
      },
      { source, files: made as unknown as JsonObject[] },
    );
  }
  const { width, height } = facts;
  return {
    kind: "succeeded",
    result: { uploadId, source: { format, width, height, bytes: bytes.length } },
    files: made,
    message: `${made.length} files are ready`,
  };
}

async function openUpload(images: ImageReader, bytes: Uint8Array) {
  const format = sniffFormat(bytes);
  if (!isReadable(format)) throw imageProblems.notAnImage(format);
  try {
    const facts = await images.inspect(bytes);
    const { width, height, frames } = facts;
    if (width * height > limits.maxImagePixels || Math.max(width, height) > limits.maxImageSide) {
      throw imageProblems.tooLarge(width, height);
    }
    if (frames > 1) throw imageProblems.moves();
    return { format, facts, image: await images.open(bytes) };
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (error instanceof DamagedImage) throw imageProblems.damaged(error.message);
    throw error;
  }
}

function filesMadeOf(checkpoint: JsonObject | undefined, source: string): JobFile[] {
  return checkpoint?.source === source ? [...(checkpoint.files as unknown as JobFile[])] : [];
}

async function make(
  files: FileStore,
  jobId: string,
  image: OpenImage,
  variant: Variant,
): Promise<JobFile> {
  const { name, format } = variant;
  const body = await image.render(variant);
  const key = `${filePrefixes.images}${jobId}/${name}`;
  const contentType = `image/${format}`;
  await files.put(key, body, contentType);
  return { name, key, contentType, bytes: body.length, fileName: `cover-${name}` };
}
