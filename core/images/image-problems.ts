import type { UploadId } from "../contracts/job-types.ts";
import { limits } from "../contracts/limits.ts";
import { Problem } from "../perimeter/problem.ts";
import type { SniffedFormat } from "./image-format.ts";

const instead = "Upload a JPEG, PNG, WebP or AVIF picture, or a GIF that does not move.";

const formatDetails: Partial<Record<SniffedFormat, string>> = {
  heic: "It is a HEIC picture, as phones take them. Export it as JPEG, and upload that.",
  tiff: "It is a TIFF picture. Export it as PNG, and upload that.",
  svg: `It is an SVG drawing, which may hold more than a picture. Export it as PNG, and upload that.`,
  pdf: "It is a PDF document. Export its page as PNG or JPEG, and upload that.",
  html: `It is a web page. ${instead}`,
};

/** Why a picture cannot be a cover, and what to upload in its place. */
export const imageProblems = {
  /** Another owner's looks the same. */
  notUploaded: (uploadId: UploadId) =>
    new Problem(
      404,
      "not-uploaded",
      "Nothing was uploaded",
      `Nothing of yours is there under uploadId ${uploadId}: send the file with PUT to the URL that ` +
        "POST /v1/uploads gave you, then ask again. Uploads are kept for a day.",
    ),
  notAnImage: (format: SniffedFormat) =>
    new Problem(
      415,
      "not-an-image",
      "Not a picture that can be used",
      formatDetails[format] ?? `Its bytes are no picture's, whatever its name says. ${instead}`,
    ),
  tooLarge: (width: number, height: number) =>
    new Problem(
      413,
      "image-too-large",
      "The picture is too large",
      `It has ${width} x ${height} pixels. Upload one of at most ${limits.maxImagePixels / 1e6} ` +
        `million pixels, none of its sides longer than ${limits.maxImageSide}.`,
    ),
  moves: () =>
    new Problem(
      415,
      "image-moves",
      "The picture moves",
      "It has more than one frame. Upload a picture that does not move.",
    ),
  damaged: (detail: string) =>
    new Problem(
      422,
      "image-damaged",
      "The picture is damaged",
      `It cannot be read to its end (${detail}). Export it again, and upload all of it.`,
    ),
} as const;
