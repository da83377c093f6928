import { s3Client, s3Files } from "../../adapters/files/s3-files.ts";
import { sharpImages } from "../../adapters/images/sharp-images.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { jobHandler } from "../../adapters/lambda/job-handler.ts";
import { sha256Hex, systemClock } from "../../adapters/runtime.ts";
import { processImage } from "../../core/images/process-image.ts";

const deps = {
  files: s3Files(s3Client, setting("filesBucket")),
  images: sharpImages,
  clock: systemClock,
  sha256Hex,
};

export const handler = jobHandler("image.process", (run) => processImage(deps, run));
